"""Crops are cut at the sizes at which the model looks at sheets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.train.few_sheets import (
    FewSheetsDraw,
    drawn_pictures,
    working_sides,
)
from napari_herbarium.train.picture import make_picture
from napari_herbarium.train.recipes import FewSheetsRecipe
from napari_herbarium.train.seams import APART, BETWEEN, MEETS


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


def numbered_picture():
    image = np.full((200, 200, 3), 220, np.uint8)
    numbers = np.zeros((200, 200), np.uint8)
    numbers[20:180, 20:100], numbers[20:180, 100:180] = 1, 2
    image[numbers > 0] = 80
    return make_picture("two", image, numbers)


def crops(picture, *, seams, drawn=()):
    recipe = FewSheetsRecipe(size=128, rehearsal=1.0 if drawn else 0.0, strength=0)
    draw = FewSheetsDraw([picture], {}, drawn, (200,), recipe, seams)
    return [set(np.unique(draw(i)[1])) for i in range(12)]


def test_a_network_that_knows_seams_is_taught_those_that_the_user_drew():
    seen = crops(numbered_picture(), seams=True)
    assert any(MEETS in classes for classes in seen)
    # Elsewhere the user may have left leaves together.
    assert any(1 in classes for classes in seen)


def test_other_networks_are_taught_leaf_alone():
    for classes in crops(numbered_picture(), seams=False):
        assert classes <= {0, 1, 255}


def test_drawn_sheets_tell_all_seams():
    for classes in crops(numbered_picture(), seams=True, drawn=drawn_pictures()[:1]):
        assert classes <= {0, APART, MEETS, BETWEEN, 255}
