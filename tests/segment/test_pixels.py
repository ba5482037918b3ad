from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_herbarium.errors import SettingsError
from napari_herbarium.segment import pixels
from napari_herbarium.segment.pixels import SheetRows, as_rgb8, in_memory

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_rgb8_is_given_back_without_a_copy():
    assert as_rgb8(RGB) is RGB


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (RGB.astype(np.uint16) * 257, RGB),
        (RGB.astype(np.float32) / 255, RGB),
        (RGB[..., 0], RGB[..., [0, 0, 0]]),
        (RGB[..., :1], RGB[..., [0, 0, 0]]),
        (np.dstack([RGB, np.full((40, 30), 255, np.uint8)]), RGB),
        (np.dstack([RGB, np.zeros((40, 30), np.uint8)]), np.full_like(RGB, 255)),
        (RGB[..., 0] > 127, np.where(RGB[..., [0]] > 127, 255, 0).repeat(3, 2)),
    ],
    ids=["16 bit", "float", "grey", "one channel", "opaque", "transparent", "bool"],
)
def test_other_pictures_are_converted(picture, expected, lazy):
    if lazy:
        picture = da.from_array(picture, chunks=(16, 30, *picture.shape[2:]))
    result = as_rgb8(picture)
    assert result.dtype == np.uint8
    assert isinstance(result, da.Array) is lazy
    np.testing.assert_array_equal(np.asarray(result), expected)


def test_half_transparent_black_is_grey_on_white_paper():
    rgba = np.zeros((1, 1, 4), np.uint8)
    rgba[..., 3] = 127
    assert as_rgb8(rgba).tolist() == [[[128, 128, 128]]]


def test_nan_counts_as_black():
    picture = np.full((2, 2), np.nan)
    assert not as_rgb8(picture).any()


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
        (np.zeros((3, 20, 30), np.uint8), "colour channels last"),
        (np.zeros((7, 20, 30), np.uint8), "choose one plane"),
        (np.zeros((2, 20, 30, 3), np.uint8), "choose one plane"),
        (np.zeros((20, 30), np.int64), "convert it to uint8"),
        (np.full((20, 30), 255.0), "between 0 and 1"),
        (np.full((20, 30), -0.5), "between 0 and 1"),
    ],
)
def test_unusable_pictures_are_refused_in_words(picture, says):
    with pytest.raises(SettingsError, match=says):
        as_rgb8(picture)


@pytest.mark.parametrize("chunks", [7, 600, 2000])
def test_bands_of_a_lazy_sheet_are_those_of_the_sheet(chunks):
    sheet = RNG.integers(0, 256, (1700, 4, 3), dtype=np.uint8)
    rows = SheetRows(da.from_array(sheet, chunks=(chunks, 4, 3)))
    for top in range(0, 1700, 130):
        np.testing.assert_array_equal(rows.read(top, top + 200), sheet[top : top + 200])


def test_bands_of_a_sheet_in_zarr_are_those_of_the_sheet():
    sheet = RNG.integers(0, 256, (1700, 4, 3), dtype=np.uint8)
    kept = zarr.array(sheet, chunks=(300, 4, 3))
    for image in (as_rgb8(kept), in_memory(as_rgb8(kept))):
        rows = SheetRows(image)
        np.testing.assert_array_equal(rows.read(200, 900), sheet[200:900])


def counted(read: list[int]) -> da.Array:
    """Make a lazy sheet of four chunks that notes which of them is decoded."""

    def block(block_info=None):
        at = block_info[None]["chunk-location"][0]
        read.append(at)
        return np.full((600, 4, 3), at, np.uint8)

    return da.map_blocks(
        block, chunks=((600,) * 4, (4,), (3,)), dtype=np.uint8, meta=RGB[:0]
    )


def test_going_down_reads_each_chunk_once():
    read: list[int] = []
    rows = SheetRows(counted(read))
    for top in range(0, 2400, 100):
        rows.read(top, top + 300)
    assert read == [0, 1, 2, 3]


def test_a_sheet_in_memory_is_decoded_once():
    read: list[int] = []
    held = in_memory(counted(read))
    assert sorted(read) == [0, 1, 2, 3]
    np.testing.assert_array_equal(held[::600, 0, 0], [0, 1, 2, 3])
    assert in_memory(held) is held


def test_a_sheet_too_large_for_memory_stays_lazy(monkeypatch):
    read: list[int] = []
    monkeypatch.setattr(pixels, "LARGEST_IN_MEMORY", 1000)
    sheet = counted(read)
    assert in_memory(sheet) is sheet
    assert not read
