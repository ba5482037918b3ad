"""Crops are cut at the sizes at which the model looks at sheets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.train.crops.few_sheets import FewSheetsDraw, working_sides
from napari_herbarium.train.pairs.picture import make_picture
from napari_herbarium.train.recipes import recipe_of


@pytest.mark.parametrize(
    ("long_side", "sides"),
    [
        pytest.param(2000, [1024, 2048], id="the scales of the model"),
        pytest.param(9921, [1024, 2048, 9921], id="and the own size of a large scan"),
        pytest.param(800, [1024, 2048, 3072], id="and a small scan enlarged further"),
        pytest.param(500, [1024, 2000], id="at most four times"),
    ],
)
def test_crops_are_cut_at_the_sizes_that_a_sheet_is_looked_at(long_side, sides):
    image = np.zeros((long_side, 30, 3), np.uint8)
    picture = make_picture("sheet", image, image[..., 0])
    assert working_sides((1024, 2048), picture) == sides


def leaf_px(**changes):
    """Leaf px in each of many crops of a sheet with one large leaf."""
    y, x = np.ogrid[:2000, :2000]
    leaf = ((y - 1000) ** 2 + (x - 1000) ** 2 < 300**2).astype(np.uint8)
    sheet = np.where(leaf[..., None], 90, 230).repeat(3, axis=2).astype(np.uint8)
    recipe = recipe_of("few-sheets", size=256, mistakes=0, rehearsal=0, **changes)
    draw = FewSheetsDraw([make_picture("a", sheet, leaf)], {}, [], (1024, 2048), recipe)
    return [np.count_nonzero(draw(i)[1] == 1) for i in range(40)]


def test_large_leaves_are_seen_from_afar_too():
    near, far, usual = leaf_px(far=0.0), leaf_px(far=1.0), leaf_px()
    assert max(far) < np.pi * (300 * 0.45 * 1.1) ** 2
    assert 0 < np.median(far) < np.median(near) / 2
    assert np.mean(far) < np.mean(usual) < np.mean(near)
