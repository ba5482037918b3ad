"""Pasted leaves: what the mask says of them."""

from __future__ import annotations

import numpy as np

from napari_herbarium.train.composite import Cutout, add_leaves

LEAF = Cutout(np.full((30, 60, 3), 90, np.uint8), np.ones((30, 60), np.uint8))


def paper():
    return np.full((256, 256, 3), 230, np.uint8), np.zeros((256, 256), np.uint8)


def test_leaves_are_numbered_above_those_that_are_there():
    image, mask = paper()
    mask[:10] = 4
    mask[-10:] = 255
    seen = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        pasted = add_leaves((image, mask), [LEAF], rng, numbered=True)[1]
        new = set(np.unique(pasted)) - {0, 4, 255}
        assert min(new) >= 5
        seen |= new
    assert len(seen) > 2


def test_unnumbered_leaves_are_all_one():
    for seed in range(4):
        pasted = add_leaves(paper(), [LEAF], np.random.default_rng(seed))[1]
        assert set(np.unique(pasted)) <= {0, 1}


def test_the_sample_that_leaves_are_added_to_stays_as_it_was():
    image, mask = paper()
    add_leaves((image, mask), [LEAF], np.random.default_rng(0), numbered=True)
    assert not mask.any()
    assert (image == 230).all()
