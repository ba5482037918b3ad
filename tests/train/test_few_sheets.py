"""Crops are cut at the sizes at which the model looks at sheets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.train.few_sheets import working_sides
from napari_herbarium.train.picture import make_picture


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
