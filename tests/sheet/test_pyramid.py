"""Levels made of flat files: right means, made lazily, down to a small one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium import SheetError, read_sheet
from napari_herbarium.sheet.pyramid import reduced


def block_means(pixels: np.ndarray, factor: int) -> np.ndarray:
    pad = [(0, -side % factor) for side in pixels.shape[:2]]
    whole = np.pad(pixels, [*pad, (0, 0)], mode="edge").astype(float)
    height, width = (side // factor for side in whole.shape[:2])
    blocks = whole.reshape(height, factor, width, factor, -1)
    return np.floor(blocks.mean(axis=(1, 3)) + 0.5)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("shape", [(64, 48), (131, 77), (1, 5)])
def test_reduced_is_the_mean_of_blocks(shape, factor, dtype, channels):
    top = np.iinfo(dtype).max + 1
    pixels = np.random.default_rng(0).integers(0, top, (*shape, channels), dtype=dtype)
    small = reduced(pixels, factor)
    assert small.dtype == dtype
    assert np.array_equal(small, block_means(pixels, factor))


def test_white_stays_white():
    for dtype in (np.uint8, np.uint16):
        white = np.full((16, 16, 3), np.iinfo(dtype).max, dtype)
        assert (reduced(white, 8) == np.iinfo(dtype).max).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "deflate", "rowsperstrip": 37},
        {"compression": "lzw", "tile": (128, 128)},
        {"compression": "lzw", "rowsperstrip": 2500},
    ],
    ids=["raw", "strips", "tiles", "one strip"],
)
def test_levels_of_a_flat_file(save, options):
    rows = np.linspace(0, 255, 2500)[:, None] * np.ones(301)
    sheet_pixels = np.dstack([rows, 255 - rows, rows // 2]).astype(np.uint8)
    levels = read_sheet(save(sheet_pixels, **options)).levels
    assert [level.shape[0] for level in levels] == [2500, 1250, 625]
    for index, level in enumerate(levels):
        expected = block_means(sheet_pixels, 2**index)
        assert np.abs(np.asarray(level) - expected).max() <= 1
    window = np.asarray(levels[1][400:431, 20:50])
    assert np.array_equal(window, np.asarray(levels[1])[400:431, 20:50])


def test_a_small_sheet_has_one_level(save, scan):
    assert len(read_sheet(save(scan)).levels) == 1


def test_a_large_sheet_ends_with_a_small_level(save):
    tall = np.zeros((9000, 16, 3), np.uint8)
    levels = read_sheet(save(tall, compression="deflate", rowsperstrip=64)).levels
    assert [level.shape[0] for level in levels] == [9000, 4500, 2250, 1125, 563]
    assert [level.shape[1] for level in levels] == [16, 8, 4, 2, 1]


def test_palettes_are_averaged_as_colours_not_as_numbers(save):
    indices = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (600, 8))
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 255] = 200 << 8
    colours[:, 127:129] = 65535
    path = save(indices, photometric="palette", colormap=colours)
    assert (np.asarray(read_sheet(path).levels[1]) == 100).all()


def test_16_bit_levels_stay_16_bit(save):
    deep = np.full((1100, 20, 3), 12345, np.uint16)
    level = read_sheet(save(deep)).levels[1]
    assert level.dtype == np.uint16
    assert (np.asarray(level) == 12345).all()


def test_damage_stops_the_small_levels(save):
    noise = np.random.default_rng(0).integers(0, 256, (1200, 30, 3), dtype=np.uint8)
    path = save(noise, compression="deflate", rowsperstrip=100)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 30] = bytes(30)
    path.write_bytes(data)
    sheet = read_sheet(path)
    for _ in range(2):
        with pytest.raises(SheetError, match=r"sheet\.tif is damaged"):
            np.asarray(sheet.levels[-1])
