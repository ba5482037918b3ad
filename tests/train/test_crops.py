"""Crops keep picture and mask together, whatever is done to them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.train.crops.augment import change_looks
from napari_herbarium.train.crops.composite import (
    Cutout,
    add_leaves,
    add_objects,
    lamina_classes,
    paste,
)
from napari_herbarium.train.crops.cut import CropSettings, random_crop
from napari_herbarium.train.pairs.picture import make_picture


@pytest.fixture
def picture():
    """Green discs on white; the mask says exactly where green is."""
    y, x = np.mgrid[:600, :400]
    disc = np.zeros((600, 400), bool)
    for cy, cx, r in ((150, 100, 60), (400, 250, 90), (520, 60, 20)):
        disc |= (y - cy) ** 2 + (x - cx) ** 2 < r**2
    image = np.where(disc[..., None], [40, 120, 30], [250, 248, 240]).astype(np.uint8)
    return make_picture("discs", image, disc.astype(np.uint8))


def test_mask_and_picture_stay_together(picture):
    settings = CropSettings(size=128, long_side=(200, 900))
    rng = np.random.default_rng(0)
    agree = []
    for _ in range(30):
        image, mask = random_crop(picture, settings, rng)
        assert image.shape == (128, 128, 3)
        known = mask != 255
        green = image[..., 0] < 145
        agree.append(np.mean((green == (mask == 1))[known]))
    assert np.mean(agree) > 0.985


def test_scale_is_the_long_side_asked_for(picture):
    settings = CropSettings(size=256, long_side=(1200, 1200), stretch=0, on_outline=1)
    rng = np.random.default_rng(1)
    # The largest disc is 180 px wide in a sheet of 600: 360 px at 1200.
    leafy = max(random_crop(picture, settings, rng)[1].mean() for _ in range(40))
    assert leafy > 0.9


def test_outside_the_picture_is_ignored(picture):
    settings = CropSettings(size=256, long_side=(100, 100))
    _, mask = random_crop(picture, settings, np.random.default_rng(0))
    assert (mask == 255).mean() > 0.7


def test_the_same_seed_gives_the_same_crop(picture):
    first, again = (
        random_crop(picture, CropSettings(size=64), np.random.default_rng(5))
        for _ in range(2)
    )
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_looks_change_but_strength_nought_changes_nothing(picture):
    image = np.asarray(picture.images[0])
    rng = np.random.default_rng(0)
    assert np.array_equal(change_looks(image, rng, strength=0), image)
    assert not np.array_equal(change_looks(image, rng), image)


def leaf_with_petiole():
    y, x = np.mgrid[:200, :120]
    lamina = ((y - 70) / 65) ** 2 + ((x - 60) / 50) ** 2 < 1
    petiole = (abs(x - 60) < 3) & (y >= 130) & (y < 195)
    return lamina, petiole


def test_a_petiole_is_not_lamina():
    lamina, petiole = leaf_with_petiole()
    classes = lamina_classes(lamina | petiole)
    assert (classes[lamina] == 1).mean() > 0.98
    assert (classes[petiole & ~lamina] == 2).mean() > 0.8


def test_a_leaf_without_petiole_is_all_lamina():
    lamina, _ = leaf_with_petiole()
    assert np.array_equal(lamina_classes(lamina), lamina.astype(np.uint8))


def ground(size=128):
    return np.full((size, size, 3), 240, np.uint8), np.zeros((size, size), np.uint8)


def test_a_pasted_leaf_is_leaf_where_it_shows():
    lamina, _ = leaf_with_petiole()
    colour = np.full((*lamina.shape, 3), (60, 80, 40), np.uint8)
    cutout = Cutout(colour, lamina.astype(np.uint8))
    start = ground()
    rng = np.random.default_rng(0)
    image, mask = paste(start, cutout, 80, np.array([64.0, 64.0]), rng, shadow=False)
    dark = image.mean(axis=2) < 150
    assert (dark == (mask == 1)).mean() > 0.98
    assert mask.sum() == pytest.approx(lamina.sum() * (80 / 200) ** 2, rel=0.03)
    assert start[1].max() == 0


def test_a_pasted_object_hides_the_leaf_under_it():
    label = Cutout(np.full((60, 90, 3), 250, np.uint8), np.full((60, 90), 2, np.uint8))
    image, mask = ground(1500)
    mask[:] = 1
    _, after = add_objects((image, mask), [label], np.random.default_rng(3), most=4)
    assert 0 < (after == 0).mean() < 1


def test_added_leaves_are_labelled():
    lamina, _ = leaf_with_petiole()
    rng = np.random.default_rng(0)
    colour = rng.integers(60, 90, (*lamina.shape, 3)).astype(np.uint8)
    leaves = [Cutout(colour, lamina.astype(np.uint8))]
    _, mask = add_leaves(ground(), leaves, rng)
    assert mask.max() == 1
