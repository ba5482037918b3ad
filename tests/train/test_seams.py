"""Learning to see where leaves meet."""

import numpy as np
import pytest
import torch

from napari_herbarium.evaluate.truth import LeafTruth
from napari_herbarium.model.seam_network import (
    build_seam_network,
    pair_steps,
)
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.seams import samples
from napari_herbarium.train.seams.learn import learn_seams, paired, seam_loss
from napari_herbarium.train.seams.patches import labelled_patches, whole_cutouts
from napari_herbarium.train.seams.samples import SeamData, sampler


def sheet():
    """Give a heap of two leaves and a single one, and what is true of them."""
    image = np.full((120, 200, 3), 235, np.uint8)
    labels = np.zeros((120, 200), np.uint16)
    labels[20:80, 20:60], labels[20:80, 60:100] = 1, 2
    labels[30:90, 130:170] = 3
    image[labels > 0] = (90, 110, 60)
    mask = (labels > 0).astype(np.uint8)
    return image, LeafTruth(labels, mask, frozenset({1, 3}))


@pytest.fixture
def data():
    image, truth = sheet()
    patches = list(labelled_patches(image, truth.labels > 0, truth))
    return SeamData(patches, [whole_cutouts(image, truth)])


def test_a_sheet_falls_into_its_patches(data):
    assert [patch.count for patch in data.patches] == [2, 1]


def test_only_whole_leaves_are_cut_out(data):
    (kind,) = data.kinds
    assert [leaf.classes.sum() for leaf in kind] == [60 * 40, 60 * 40]


def test_leaf_that_is_not_known_has_no_number():
    image, truth = sheet()
    truth.mask[:, :60] = 255
    heap, _ = labelled_patches(image, truth.labels > 0, truth)
    assert np.unique(np.asarray(heap.leaves)).tolist() == [0, 2]


@pytest.mark.parametrize("made", [0.0, 1.0])
def test_squares_show_leaves_and_number_them(data, made):
    draw = sampler(data, size=96, made=made)
    for seed in range(8):
        given, leaves = draw(np.random.default_rng(seed))
        assert given.shape == (96, 96, 4)
        assert given.dtype == np.uint8
        assert leaves.dtype == np.int32
        assert not leaves[given[..., 3] == 0].any()


def test_leaves_that_are_laid_over_each_other_keep_their_numbers(data):
    draw = sampler(data, size=128, made=1.0)
    counts = [
        len(np.unique(draw(np.random.default_rng(seed))[1])) - 1 for seed in range(20)
    ]
    assert np.mean(counts) > 2.5


@pytest.mark.parametrize("bridged", [0, 1])
def test_a_narrow_gap_between_leaves_may_be_taken_for_leaf(data, monkeypatch, bridged):
    """As leaf models do; whose it is stays unknown."""
    monkeypatch.setattr(samples, "_BRIDGED", bridged)
    draw = sampler(data, size=128, made=1.0)
    squares = [draw(np.random.default_rng(seed)) for seed in range(20)]
    unknown = sum(
        ((given[..., 3] == 1) & (leaves == 0)).sum() for given, leaves in squares
    )
    assert (unknown > 100) == bool(bridged)


def test_the_same_seed_gives_the_same_square(data):
    draw = sampler(data, size=64)
    first, second = (draw(np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("step", pair_steps())
def test_pairs_lie_symmetrically_about_their_middle(step):
    place = torch.arange(60 * 70).reshape(1, 60, 70)
    first, second, middle = paired(place, step)
    assert torch.equal(first + second, 2 * place[middle])
    assert torch.all(second - first == 2 * (step[0] * 70 + step[1]))


def halves():
    """Two leaves side by side, and the logits that tell them apart."""
    leaves = torch.ones(1, 64, 64, dtype=torch.int32)
    leaves[:, :, 32:] = 2
    logits = torch.full((1, len(pair_steps()), 64, 64), -9.0)
    for k, step in enumerate(pair_steps()):
        first, second, middle = paired(leaves, step)
        logits[0, k][middle[1:]] = torch.where(first != second, 9.0, -9.0)[0]
    return logits, leaves


def test_the_loss_is_nothing_where_all_is_told_right():
    logits, leaves = halves()
    assert seam_loss(logits, leaves) < 0.001
    assert seam_loss(-logits, leaves) > 5


def test_unknown_leaf_does_not_count():
    logits, leaves = halves()
    wrong = -logits
    assert seam_loss(wrong, torch.zeros_like(leaves)) == 0


def test_a_seam_is_learned(data):
    torch.manual_seed(0)
    settings = LoopSettings(
        steps=30, batch=4, warmup=4, workers=0, precision="32-true", average=0.0
    )
    draw = sampler(data, size=64, made=0.0)
    losses = [r.loss for r in learn_seams(build_seam_network(), draw, settings)]
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:3])
