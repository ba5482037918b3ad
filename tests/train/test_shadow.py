"""Shadows that leaves are made to cast."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.train.shadow import cast_shadows

SIDE = 160
PAPER, LEAF = 230, (96, 70, 40)
SEEDS = range(8)


def crop():
    """Draw a leaf on paper, its label a pixel too large on all sides."""
    image = np.full((SIDE, SIDE, 3), PAPER, np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    image[60:100, 60:100], mask[59:101, 59:101] = LEAF, 1
    return image, mask


def darkened(seed):
    image, mask = crop()
    shaded, _ = cast_shadows((image, mask), np.random.default_rng(seed))
    return image.astype(int).sum(2) - shaded.astype(int).sum(2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shadow_darkens_paper_beside_the_leaf_and_is_no_leaf(seed):
    image, mask = crop()
    shaded, known = cast_shadows((image, mask), np.random.default_rng(seed))
    np.testing.assert_array_equal(known, mask)
    np.testing.assert_array_equal(shaded[64:96, 64:96], image[64:96, 64:96])
    np.testing.assert_array_equal(shaded[:5], image[:5])
    assert (shaded <= image).all()
    assert (shaded[mask == 0] < image[mask == 0]).any()
    np.testing.assert_array_equal(image, crop()[0])


def test_shadows_fall_to_one_side():
    # On either side of the leaf, along the axis on which they differ more.
    uneven = 0
    for seed in SEEDS:
        dark = darkened(seed)
        sides = [dark[:60].sum(), dark[100:].sum(), dark[:, :60].sum()]
        sides.append(dark[:, 100:].sum())
        uneven += max(sides) > 3 * min(sides)
    assert uneven == len(SEEDS)


def test_no_bright_rim_parts_a_leaf_from_its_shadow():
    # Where it is darkest, paper that the label takes for leaf is as dark.
    for seed in SEEDS:
        dark = darkened(seed)
        right, left = dark[60:100, 101:103].max(), dark[60:100, 57:59].max()
        rim = dark[60:100, 100] if right > left else dark[60:100, 59]
        assert rim.max() >= 0.8 * max(right, left)


def test_a_crop_without_leaf_stays_as_it_is():
    bare = crop()[0], np.zeros((SIDE, SIDE), np.uint8)
    assert cast_shadows(bare, np.random.default_rng(0)) is bare


def test_a_crop_that_is_all_leaf_is_not_shaded():
    image = np.full((SIDE, SIDE, 3), LEAF, np.uint8)
    full = image, np.ones((SIDE, SIDE), np.uint8)
    shaded, _ = cast_shadows(full, np.random.default_rng(0))
    np.testing.assert_array_equal(shaded[8:-8, 8:-8], image[8:-8, 8:-8])
