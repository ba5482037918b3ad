from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.segment.levels import (
    EnlargedRows,
    LevelRows,
    enlarge_rows,
    reduced_level,
    shrink,
    working_level,
)
from napari_herbarium.segment.pixels import SheetRows


def test_working_level_keeps_the_sheets_shape():
    level = working_level(9921, 7016, 2048)
    assert (level.height, level.width) == (2048, 1448)
    assert level.px_y == pytest.approx(9921 / 2048)


def test_small_scans_are_enlarged_at_most_four_times():
    assert working_level(100, 50, 2048).height == 400


def test_the_thinnest_picture_keeps_a_pixel():
    assert working_level(5000, 1, 1024).width == 1


def test_reduced_rows_are_block_means():
    sheet = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    rows = LevelRows(SheetRows(sheet), 2)
    means = sheet.reshape(4, 2, 3, 2, 3).mean((1, 3))
    np.testing.assert_allclose(rows.read(1, 3), means[1:3], atol=0.5)
    np.testing.assert_allclose(rows.read_all(), means, atol=0.5)


def test_an_enlarged_sheet_is_not_shifted():
    ramp = np.arange(0, 200, 2, dtype=np.uint8)
    sheet = np.repeat(ramp[:, None, None], 60, 1).repeat(3, 2)
    level = working_level(100, 60, 150)
    rows = EnlargedRows(SheetRows(sheet), level)
    assert (level.height, level.width) == (150, 90)
    places = (np.arange(30, 120) + 0.5) / 1.5 - 0.5
    band = rows.read(30, 120)
    assert band.shape == (90, 90, 3)
    np.testing.assert_allclose(band[:, 45, 0], 2 * places, atol=1)


def test_shrinking_does_not_alias():
    # Single-pixel stripes become even grey; picking pixels would give stripes.
    sheet = np.zeros((1200, 900, 3), np.uint8)
    sheet[:, ::2] = 255
    (small,) = shrink(SheetRows(sheet), [working_level(1200, 900, 200)])
    assert small.shape == (200, 150, 3)
    assert np.ptp(small[:, 1:-1].astype(int)) <= 4
    assert abs(small.mean() - 127.5) < 2


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_levels_do_not_shift_what_they_show(factor):
    # A ramp is exact under every linear way down and up, unless it is shifted.
    ramp = torch.arange(100.0)[:, None] + torch.arange(70.0)[None] / 10
    fine = reduced_level(100, 70, 1)
    at = reduced_level(100, 70, factor)
    rows = torch.arange(at.height) * factor + (factor - 1) / 2
    columns = torch.arange(at.width) * factor + (factor - 1) / 2
    small = rows[:, None] + columns[None] / 10
    back = enlarge_rows(small, at, fine, 20, 60)
    torch.testing.assert_close(back[:, 4:60], ramp[20:60, 4:60])


def test_bands_of_an_enlarged_map_fit_together():
    small = torch.randn(37, 23)
    at, to = working_level(500, 300, 37), reduced_level(500, 300, 1)
    whole = enlarge_rows(small, at, to, 0, 500)
    bands = [enlarge_rows(small, at, to, y, y + 50) for y in range(0, 500, 50)]
    torch.testing.assert_close(torch.cat(bands), whole, rtol=0, atol=0)
    assert whole.shape == (500, 300)


class _Counted(SheetRows):
    reads = 0

    def read(self, top, bottom):
        self.reads += 1
        return super().read(top, bottom)


def test_what_the_coarse_look_was_made_from_is_not_read_again():
    rng = np.random.default_rng(0)
    rows = _Counted(rng.integers(0, 255, (2000, 1200, 3), dtype=np.uint8))
    half = LevelRows(rows, 2)
    shrink(rows, [working_level(2000, 1200, 400)], half)
    reads = rows.reads
    band = half.read(100, 200)
    assert rows.reads == reads
    np.testing.assert_array_equal(band, LevelRows(rows, 2).read(100, 200))


def test_a_level_that_the_coarse_look_did_not_need_is_not_kept():
    rows = _Counted(np.zeros((2000, 1200, 3), np.uint8))
    third = LevelRows(rows, 3)
    shrink(rows, [working_level(2000, 1200, 400)], third)
    reads = rows.reads
    third.read(100, 200)
    assert rows.reads == reads + 1
