"""However the sheet lay in the scanner, it comes out upright."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from napari_herbarium import read_sheet

ORIENTATION, XRES, YRES, UNIT = 274, 282, 283, 296


def upright(scan: np.ndarray, orientation: int) -> np.ndarray:
    """What Pillow makes of it."""
    image = Image.fromarray(scan)
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(buffer)))


def tag(orientation: int) -> dict[str, list]:
    return {"extratags": [(ORIENTATION, "H", 1, orientation, True)]}


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "tile": (32, 32)}])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(save, scan, orientation, options):
    sheet = read_sheet(save(scan, **tag(orientation), **options))
    expected = upright(scan, orientation)
    assert np.array_equal(np.asarray(sheet.image), expected)
    assert sheet.metadata["orientation"] == orientation
    assert (sheet.metadata["height"], sheet.metadata["width"]) == expected.shape[:2]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_levels_turn_too(save_pages, scan, orientation):
    large = np.kron(scan, np.ones((2, 2, 1), np.uint8))
    options = {"tile": (32, 32), "compression": "deflate", **tag(orientation)}
    sheet = read_sheet(
        save_pages([(large, {**options, "subifds": 1}), (scan, options)])
    )
    assert np.array_equal(np.asarray(sheet.levels[0]), upright(large, orientation))
    assert np.array_equal(np.asarray(sheet.levels[1]), upright(scan, orientation))


def test_made_levels_turn_too(save):
    rows = np.repeat(np.arange(1200, dtype=np.uint8)[:, None, None], 40, axis=1)
    sheet = read_sheet(save(np.repeat(rows, 3, axis=2), **tag(6)))
    assert [level.shape for level in sheet.levels] == [(40, 1200, 3), (20, 600, 3)]


@pytest.mark.parametrize("wrong", [0, 9, 77])
def test_a_senseless_orientation_counts_as_upright(save, scan, wrong):
    sheet = read_sheet(save(scan, **tag(wrong)))
    assert np.array_equal(np.asarray(sheet.image), scan)


def test_resolutions_of_a_turned_sheet_change_places(save, scan):
    options = {"resolution": (300, 600), "resolutionunit": "INCH"}
    sheet = read_sheet(save(scan, **options, **tag(6)))
    assert sheet.metadata["resolution_tag"] == {"x": 600.0, "y": 300.0, "unit": "inch"}
