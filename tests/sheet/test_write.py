"""What is written is read back: the same pixels, the same scale."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_herbarium import read_sheet
from napari_herbarium.sheet.write import write_sheet_tiff


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("lazy", [False, True])
def test_pixels_and_scale_come_back(tmp_path, dtype, lazy):
    top = np.iinfo(dtype).max + 1
    pixels = np.random.default_rng(0).integers(0, top, (420, 300, 3), dtype=dtype)
    path = tmp_path / "sheet.tif"
    write_sheet_tiff(path, da.from_array(pixels) if lazy else pixels, mm_per_px=1.0)
    sheet = read_sheet(path)
    assert np.array_equal(np.asarray(sheet.levels[0]), pixels)
    assert sheet.mm_per_px == pytest.approx(1.0)


@pytest.mark.parametrize("mm_per_px", [25.4 / 600, 25.4 / 1200, 0.1])
def test_the_scale_is_kept_to_a_millionth(tmp_path, scan, mm_per_px):
    path = tmp_path / "sheet.tif"
    write_sheet_tiff(path, scan, mm_per_px)
    offered = read_sheet(path).offered_mm_per_px
    assert offered == pytest.approx(mm_per_px, rel=1e-6)


def test_without_scale_none_is_offered(tmp_path, scan):
    path = tmp_path / "sheet.tif"
    write_sheet_tiff(path, scan)
    sheet = read_sheet(path)
    assert sheet.mm_per_px is None
    assert sheet.offered_mm_per_px is None
