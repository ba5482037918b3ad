"""Which made examples nobody could tell."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from napari_herbarium.train.whole.doubt import (
    crowded,
    hardly_damaged,
    hide_each_other,
    split_lengthwise,
    stub,
)
from napari_herbarium.train.whole.finetune import drawn_silhouettes
from napari_herbarium.train.whole.scenes import NEGATIVE, overlapping, seen_scene, torn


def ellipse(middle=(100, 100), half=(80, 30)):
    y, x = np.mgrid[:200, :200]
    away = ((y - middle[0]) / half[0]) ** 2 + ((x - middle[1]) / half[1]) ** 2
    return away < 1


def kept(leaf, rows=slice(None), columns=slice(None)):
    left = np.zeros_like(leaf)
    left[rows, columns] = leaf[rows, columns]
    return left


def test_a_leaf_without_its_tip_is_hardly_damaged_and_half_a_leaf_is():
    assert hardly_damaged(kept(ellipse(), rows=slice(40, None)), ellipse())
    assert not hardly_damaged(kept(ellipse(), rows=slice(100, None)), ellipse())


def test_only_slender_leaves_split_along_their_length_look_narrower():
    leaf = ellipse()
    assert split_lengthwise(kept(leaf, columns=slice(100, None)), leaf)
    assert not split_lengthwise(kept(leaf, rows=slice(100, None)), leaf)
    disc = ellipse(half=(60, 60))
    assert not split_lengthwise(kept(disc, columns=slice(100, None)), disc)


@pytest.mark.parametrize(("apart", "hide"), [(15, True), (40, False)])
def test_two_leaves_are_seen_as_two_when_each_sticks_out_by_half(apart, hide):
    leaves = [ellipse(), ellipse((100, 100 + apart))]
    assert hide_each_other(leaves) is hide


def test_leaflets_on_one_spot_are_crowded():
    spread = [ellipse((60, 60), (30, 20)), ellipse((140, 140), (30, 20))]
    assert not crowded(spread[0] | spread[1], spread)
    assert crowded(spread[0], [spread[0], spread[0]])


@pytest.mark.parametrize(("long", "is_stub"), [(5, True), (60, False)])
def test_a_stem_has_to_stick_out(long, is_stub):
    leaf = ellipse((60, 100), (50, 30))
    stem = np.zeros_like(leaf)
    stem[90 : 110 + long, 98:102] = True
    assert stub(stem, leaf) is is_stub


@pytest.mark.parametrize("maker", NEGATIVE, ids=lambda m: m.__name__)
def test_doubtful_examples_are_made_only_when_wanted(maker):
    leaves = drawn_silhouettes()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        pick = partial(lambda rng: leaves[int(rng.integers(len(leaves)))], rng)
        assert not seen_scene(maker, rng, pick).doubtful


@pytest.mark.parametrize("maker", [torn, overlapping], ids=lambda m: m.__name__)
def test_some_examples_are_doubtful(maker):
    leaves = drawn_silhouettes()
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        pick = partial(lambda rng: leaves[int(rng.integers(len(leaves)))], rng)
        found.append(seen_scene(maker, rng, pick, doubtful=True).doubtful)
    assert 0 < sum(found) < 30
