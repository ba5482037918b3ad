"""What is drawn around a sheet where a crop reaches beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.crops.ground import drawn_ground, lay_on_ground

SIDE = 96
LEAF = (96, 70, 40)


def crop():
    """Draw paper with a leaf; the right third lies outside the picture."""
    image = np.full((SIDE, SIDE, 3), 230, np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    image[10:50, 10:50], mask[10:50, 10:50] = LEAF, 1
    image[:, 64:], mask[:, 64:] = 0, IGNORED
    return image, mask


@pytest.mark.parametrize("seed", range(8))
def test_the_ground_lies_outside_the_picture_and_is_no_leaf(seed):
    image, mask = crop()
    laid, known = lay_on_ground((image, mask), np.random.default_rng(seed))
    assert np.array_equal(laid[:, :64], image[:, :64])
    assert np.array_equal(known[:, :64], mask[:, :64])
    assert (known[:, 64:] == 0).all()
    assert laid[:, 64:].any()
    assert mask[0, 70] == IGNORED


def test_a_crop_within_its_picture_stays_as_it_is():
    image, mask = crop()
    inner = image[:, :64], mask[:, :64]
    assert lay_on_ground(inner, np.random.default_rng(0)) is inner


def test_hidden_parts_of_the_picture_stay_hidden():
    image, mask = crop()
    mask[80:90, 10:20] = IGNORED
    _, known = lay_on_ground((image, mask), np.random.default_rng(0))
    assert (known[80:90, 10:20] == IGNORED).all()


def test_half_of_the_grounds_are_about_as_dark_and_brown_as_the_leaves():
    far = []
    for seed in range(60):
        laid, _ = lay_on_ground(crop(), np.random.default_rng(seed))
        tone = laid[:, 64:].reshape(-1, 3).mean(0)
        hue, wanted = tone / tone.sum(), np.array(LEAF) / sum(LEAF)
        far.append(np.abs(hue - wanted).max())
    near = np.mean(np.array(far) < 0.015)
    assert 0.35 < near < 0.8


def test_same_seed_same_ground_and_kinds_differ():
    first, again = (drawn_ground(64, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, again)
    rough = [drawn_ground(64, np.random.default_rng(n)).std() for n in range(20)]
    assert max(rough) > 4 * min(rough)
