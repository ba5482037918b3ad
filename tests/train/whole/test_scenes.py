"""Made examples for the classifier of whole leaves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from napari_herbarium.model.whole_network import WholeConfig
from napari_herbarium.train.whole.finetune import drawn_silhouettes
from napari_herbarium.train.whole.instances import OTHERS, OWN, Instance
from napari_herbarium.train.whole.scenes import NEGATIVE, POSITIVE, holed
from napari_herbarium.train.whole.squares import (
    Rough,
    any_roughness,
    sampler,
    scene_window,
    turned,
    window_square,
)

LEAVES = drawn_silhouettes()
CONFIG = WholeConfig(name="test", architecture="vgg16", size=64)
ALL = [*POSITIVE, *NEGATIVE]


def make(maker, seed):
    rng = np.random.default_rng(seed)
    return maker(rng, lambda: LEAVES[int(rng.integers(len(LEAVES)))]), rng


@pytest.mark.parametrize("maker", ALL, ids=lambda m: m.__name__)
def test_every_maker_gives_one_piece_and_others_beside_it(maker):
    for seed in range(6):
        scene, rng = make(maker, seed)
        assert scene.own.sum() > 50
        assert not (scene.own & scene.others).any()
        square = window_square(scene_window(scene, any_roughness(rng), rng), 64)
        assert square.shape == (2, 64, 64)
        assert label(square[0] > 127)[1] >= 1


@pytest.mark.parametrize("maker", list(POSITIVE), ids=lambda m: m.__name__)
def test_same_seed_same_example(maker):
    (first, _), (second, _) = make(maker, 4), make(maker, 4)
    assert np.array_equal(first.own, second.own)
    assert np.array_equal(first.others, second.others)


def test_insect_holes_leave_most_of_the_leaf():
    scene, rng = make(next(iter(POSITIVE)), 1)
    left = holed(scene.own, rng)
    assert 0.8 < left.sum() / scene.own.sum() < 1


def test_empty_surroundings_stay_empty():
    scene, rng = make(next(m for m in NEGATIVE if m.__name__ == "bitten"), 2)
    square = window_square(scene_window(scene, Rough(80, 1.0, 0.5, 0.2), rng), 64)
    assert square[1].max() == 0


def window():
    mask = np.zeros((60, 90), np.uint8)
    mask[20:40, 20:60] = OWN
    mask[20:40, 60:80] = OTHERS
    return mask


def test_turned_instance_keeps_its_area_and_neighbour():
    instance = Instance("sheet", 1, window(), True)
    found = [turned(instance, np.random.default_rng(n), lonely=0) for n in range(20)]
    ratio = [(w == OWN).sum() / (window() == OWN).sum() for w in found]
    assert 0.6 < np.median(ratio) < 1.2
    assert all((w == OTHERS).any() for w in found)
    alone = turned(instance, np.random.default_rng(0), lonely=1)
    assert not (alone == OTHERS).any()


def test_samples_are_half_whole_and_depend_on_the_seed_alone():
    instances = [Instance("s", 1, window(), True), Instance("s", 2, window(), False)]
    draw = sampler(LEAVES, instances, CONFIG, real=0.5)
    samples = [draw(np.random.default_rng(n)) for n in range(60)]
    assert samples[0][0].shape == (64, 64, 2)
    assert samples[0][0].dtype == np.float32
    assert 15 < sum(float(whole) for _, whole in samples) < 45
    again = draw(np.random.default_rng(7))
    assert np.array_equal(again[0], samples[7][0])
