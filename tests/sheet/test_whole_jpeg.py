"""A JPEG that is cut off or garbled within is refused, one with oddities opens."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_herbarium import SheetError, read_sheet

NOT_WHOLE = "is damaged .* is cut off or garbled"
END = b"\xff\xd9"
FLAVOURS = {
    "RGB": ("RGB", {}),
    "progressive": ("RGB", {"progressive": True}),
    "restarts": ("RGB", {"restart_marker_rows": 1}),
    "full chroma": ("RGB", {"subsampling": 0}),
    "grey": ("L", {}),
    "CMYK": ("CMYK", {}),
}


def jpeg_of(pixels: np.ndarray, mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def within(jpeg: bytes, part: float) -> int:
    """Position at some part of the first scan."""
    start = jpeg.index(b"\xff\xda") + 14
    return start + int(part * (jpeg.index(END, start) - start))


def cut(jpeg: bytes, part: float) -> bytes:
    """Break the scan off and close the file as if nothing were missing."""
    return jpeg[: within(jpeg, part)].rstrip(b"\xff") + END


@pytest.fixture
def opened(tmp_path: Path):
    """opened(jpeg) -> its pixels."""

    def opened(jpeg: bytes) -> np.ndarray:
        path = tmp_path / "sheet.jpg"
        path.write_bytes(jpeg)
        return np.asarray(read_sheet(path).image)

    return opened


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_scan_that_breaks_off(opened, scan, flavour):
    mode, options = FLAVOURS[flavour]
    jpeg = jpeg_of(scan, mode, **options)
    assert opened(jpeg).shape == scan.shape
    for part in (0.1, 0.5, 0.9):
        with pytest.raises(SheetError, match=r"sheet\.jpg is damaged"):
            opened(cut(jpeg, part))


def test_a_stretch_lost_within_the_scan(opened, scan):
    jpeg = jpeg_of(scan)
    start, end = within(jpeg, 0.3), within(jpeg, 0.6)
    with pytest.raises(SheetError, match=NOT_WHOLE):
        opened(jpeg[:start] + jpeg[end:])
    with pytest.raises(SheetError, match=NOT_WHOLE):
        opened(jpeg[:start] + b"\0" * (end - start) + jpeg[end:])


def test_restart_markers_out_of_order(opened, scan):
    jpeg = jpeg_of(scan, restart_marker_rows=1)
    first, third = jpeg.index(b"\xff\xd0"), jpeg.index(b"\xff\xd2")
    with pytest.raises(SheetError, match=NOT_WHOLE):
        opened(jpeg[:first] + jpeg[third:])


ODDITIES = {
    "padding": lambda jpeg: jpeg[:-2] + b"\0" * 500 + END,
    "a surplus byte": lambda jpeg: jpeg[:-2] + b"\x41" + END,
    "rubbish between tables": lambda jpeg: jpeg[:20] + b"abc" + jpeg[20:],
    "JFIF of the future": lambda jpeg: jpeg[:11] + b"\x09" + jpeg[12:],
    "half a profile": lambda jpeg: (
        jpeg[:20] + b"\xff\xe2\x00\x12ICC_PROFILE\0\x02\x02pq" + jpeg[20:]
    ),
    "a second picture": lambda jpeg: jpeg + jpeg,
    "a note behind": lambda jpeg: jpeg + b"scanned on a Monday",
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_oddities_of_scanning_programs_are_no_damage(opened, scan, oddity):
    jpeg = jpeg_of(scan)
    assert np.array_equal(opened(ODDITIES[oddity](jpeg)), opened(jpeg))


LAYOUTS = {
    "tiles": {"tile": (32, 48)},
    "strips": {"rowsperstrip": 16},
    "one strip": {},
    "inks": {"photometric": "separated"},
    "planes": {"planarconfig": "separate", "rowsperstrip": 16},
}


def pixels_for(layout: str, scan: np.ndarray) -> np.ndarray:
    if layout == "planes":
        return np.ascontiguousarray(np.moveaxis(scan, 2, 0))
    if layout == "inks":
        return np.dstack([scan, scan[..., :1]])
    return scan


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parts_are_decoded_as_tifffile_decodes_them(save, scan, layout):
    pixels = pixels_for(layout, scan)
    path = save(pixels, compression="jpeg", **LAYOUTS[layout])
    if layout == "inks":
        assert np.asarray(read_sheet(path).image).shape == scan.shape
        return
    expected = tifffile.imread(path)
    if layout == "planes":
        expected = np.moveaxis(expected, 0, 2)
    assert np.array_equal(np.asarray(read_sheet(path).image), expected)


def test_colours_that_a_part_stores_as_they_are(save, scan):
    """As Aperio writes them: red, green and blue, with no note that says so."""
    path = save(scan, compression="jpeg", tile=(32, 48), subsampling=(1, 1))
    expected = tifffile.imread(path)
    assert np.abs(expected.astype(int) - scan).mean() < 10
    assert np.array_equal(np.asarray(read_sheet(path).image), expected)


@pytest.mark.parametrize("layout", ["tiles", "strips", "one strip", "planes"])
def test_a_part_that_breaks_off(save, scan, layout):
    path = save(pixels_for(layout, scan), compression="jpeg", **LAYOUTS[layout])
    data = bytearray(path.read_bytes())
    at = within(bytes(data), 0.5)
    data[at : at + 2] = END
    stop = data.index(END, at + 2)
    data[at + 2 : stop + 2] = b"\0" * (stop - at)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=NOT_WHOLE):
        np.asarray(read_sheet(path).image)


@pytest.mark.parametrize("layout", ["one strip", "inks"])
def test_a_part_of_rare_colours_that_breaks_off(tmp_path, scan, layout):
    """Old JPEG of TIFF 6.0 in one strip, and inks."""
    mode = "CMYK" if layout == "inks" else "RGB"
    shape = (*scan.shape[:2], len(mode))
    kind = {"photometric": "separated" if layout == "inks" else "ycbcr"}
    jpeg = jpeg_of(scan, mode)
    for name, content in (("whole.tif", jpeg), ("cut.tif", cut(jpeg, 0.5))):
        with tifffile.TiffWriter(tmp_path / name) as tiff:
            strip = {"dtype": np.uint8, "compression": 7, "rowsperstrip": shape[0]}
            tiff.write(iter([content]), shape=shape, **strip, **kind)
        if layout != "inks":
            with tifffile.TiffFile(tmp_path / name, mode="r+b") as tiff:
                tiff.pages[0].tags["Compression"].overwrite(6)
    opened = np.asarray(read_sheet(tmp_path / "whole.tif").image)
    assert opened.shape == scan.shape
    with pytest.raises(SheetError, match=NOT_WHOLE):
        np.asarray(read_sheet(tmp_path / "cut.tif").image)


def test_parts_that_share_their_tables(tmp_path, scan):
    path = tmp_path / "libtiff.tif"
    Image.fromarray(scan).save(path, compression="jpeg", strip_size=70 * 3 * 32)
    with tifffile.TiffFile(path) as tif:
        assert tif.pages[0].jpegtables
        strip = tif.pages[0].dataoffsets[1], tif.pages[0].databytecounts[1]
    assert np.array_equal(np.asarray(read_sheet(path).image), tifffile.imread(path))
    data = bytearray(path.read_bytes())
    middle, end = strip[0] + strip[1] // 2, strip[0] + strip[1]
    data[middle:end] = END + b"\0" * (end - middle - 2)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=NOT_WHOLE):
        np.asarray(read_sheet(path).image)
