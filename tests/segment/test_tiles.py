from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.segment.tiles import (
    STEP,
    cut,
    in_batches,
    overlap_of,
    ramp,
    spread,
)


@pytest.mark.parametrize("length", [1, 31, 512, 513, 724, 1448, 2048, 9921])
@pytest.mark.parametrize("tile", [128, 512])
def test_spans_cover_the_axis_and_overlap_enough(length, tile):
    spans = spread(length, tile)
    assert spans.size <= tile
    assert spans.size % STEP == 0
    assert spans.starts[0] == 0
    assert spans.starts[-1] + spans.size >= length
    assert all(start >= 0 for start in spans.starts)
    gaps = np.diff(spans.starts)
    assert (spans.size - gaps >= overlap_of(tile) - 1).all()


def test_an_axis_of_one_tile_is_one_span():
    assert spread(500, 512).starts == (0,)
    assert spread(500, 512).size == 512


def test_neighbours_add_up_to_full_weight():
    left = ramp(512, 128, first=True, last=False)
    right = ramp(512, 128, first=False, last=True)
    torch.testing.assert_close(left[-128:] + right[:128], torch.ones(128))
    assert left[:-128].eq(1).all()


def test_a_tile_counts_nothing_where_its_edge_was_in_view():
    weight = ramp(512, 128, first=False, last=False)
    assert weight[:32].eq(0).all()
    assert weight[-32:].eq(0).all()


def test_cut_repeats_the_edge_beyond_the_sheet():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    tile = cut(image, 1, 1, 3, 3)
    assert tile.shape == (3, 3, 3)
    assert (tile == image[1, 1]).all()


def test_batches_are_even():
    assert [len(part) for part in in_batches(range(9), 4)] == [3, 3, 3]
    assert list(in_batches([], 4)) == []
