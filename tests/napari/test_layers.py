"""Image layers as sheets, or a reason in words."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image

from napari_herbarium import SheetError
from napari_herbarium._napari.common.layers import mm_per_px, sheet_of, why_no_sheet

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_rgb_is_taken_as_it_is():
    sheet = sheet_of(Image(RGB, rgb=True, name="K000123456"))
    assert sheet.name == "K000123456"
    assert np.array_equal(sheet.rgb8(), RGB)


def test_a_pyramid_gives_its_full_resolution():
    pyramid = [RGB, RGB[::2, ::2], RGB[::4, ::4]]
    sheet = sheet_of(Image(pyramid, rgb=True, multiscale=True))
    assert np.array_equal(sheet.rgb8(), RGB)


def test_dask_stays_lazy():
    lazy = da.from_array(RGB, chunks=(10, 60, 3))
    pixels = sheet_of(Image(lazy, rgb=True)).rgb8()
    assert isinstance(pixels, da.Array)
    assert np.array_equal(pixels.compute(), RGB)


def test_a_zarr_array_of_counts_is_read_as_it_is_shown():
    counts = zarr.array(RGB[..., 0].astype(np.float32) * 7 + 300)
    layer = Image(counts, contrast_limits=(300, 300 + 7 * 255))
    pixels = np.asarray(sheet_of(layer).rgb8())
    assert np.array_equal(pixels[..., 1], RGB[..., 0])


def test_rgba_lies_on_white_paper():
    rgba = np.dstack([RGB, np.zeros(RGB.shape[:2], np.uint8)])
    assert (np.asarray(sheet_of(Image(rgba, rgb=True)).rgb8()) == 255).all()


def test_16_bit_and_float_and_grey_mean_the_same():
    grey = RGB[..., 0]
    for data in (grey, grey.astype(np.uint16) * 257, (grey / 255).astype(np.float32)):
        pixels = np.asarray(sheet_of(Image(data)).rgb8())
        assert pixels.shape == RGB.shape
        assert np.array_equal(pixels[..., 1], grey)


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_numbers_without_a_range_are_read_as_they_are_shown(dtype):
    counts = RGB[..., 0].astype(dtype) * 7 + 300
    layer = Image(counts, contrast_limits=(300, 300 + 255 * 7))
    assert np.array_equal(np.asarray(sheet_of(layer).rgb8())[..., 0], RGB[..., 0])


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (None, "no image yet"),
        (Image(np.zeros((5, 40, 40)), name="stack"), "“stack” has 3 dimensions"),
        (Image(np.zeros((5, 40, 40, 3), np.uint8), rgb=True), "3 dimensions"),
        (Image(np.zeros((5, 40))), "smaller than 16 px"),
    ],
)
def test_no_sheet_for_a_reason_in_words(layer, words):
    assert words in why_no_sheet(layer)
    with pytest.raises(SheetError, match=words):
        sheet_of(layer)


@pytest.mark.parametrize(
    ("scale", "units", "expected"),
    [
        ((0.05, 0.05), ("mm", "mm"), 0.05),
        ((42.3, 42.3), ("um", "um"), 0.0423),
        ((1 / 600, 1 / 600), ("inch", "inch"), 25.4 / 600),
        ((1, 1), ("pixel", "pixel"), None),
        ((0.05, 0.05), ("pixel", "pixel"), None),
        ((0.05, 0.06), ("mm", "mm"), None),
        ((0.05, 50), ("mm", "um"), 0.05),
        ((1, 1), ("s", "s"), None),
    ],
)
def test_mm_per_px_only_from_square_pixels_in_units_of_length(scale, units, expected):
    layer = Image(RGB, rgb=True, scale=scale, units=units)
    assert mm_per_px(layer) == (expected and pytest.approx(expected))
