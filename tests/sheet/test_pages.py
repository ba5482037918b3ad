"""The largest page is the sheet, its pyramid is used, the rest is reported."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from napari_herbarium import SheetError, read_sheet

TILES = {"tile": (16, 16), "compression": "deflate"}


def halves(pixels: np.ndarray, count: int) -> list[np.ndarray]:
    return [pixels[:: 2**k, :: 2**k] for k in range(count)]


def test_thumbnail_first(save_pages, scan):
    path = save_pages([(scan[::4, ::4], {}), (scan, {}), (scan[:50], {})])
    sheet = read_sheet(path)
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.metadata["page"] == 1
    assert sheet.metadata["pages"] == 3
    assert sheet.metadata["other_pages"] == [
        {"page": 0, "height": 25, "width": 18, "kind": "picture"},
        {"page": 2, "height": 50, "width": 70, "kind": "picture"},
    ]


def test_thumbnail_marked_as_reduced_is_no_level(save_pages, scan):
    path = save_pages([(scan[::2, ::2], {"subfiletype": 1}), (scan, {})])
    sheet = read_sheet(path)
    assert len(sheet.levels) == 1
    assert np.array_equal(np.asarray(sheet.image), scan)


def test_first_of_two_equal_pages(save_pages, scan):
    sheet = read_sheet(save_pages([(scan, {}), (255 - scan, {})]))
    assert np.array_equal(np.asarray(sheet.image), scan)


def test_a_mask_is_not_the_sheet(save_pages, scan):
    mask = np.ones((120, 90), bool)
    options = {"photometric": "minisblack", "subfiletype": 4}
    sheet = read_sheet(save_pages([(scan, {}), (mask, options)]))
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.metadata["other_pages"][0]["kind"] == "mask"


def test_the_scale_is_that_of_the_sheet_page(save_pages, scan):
    small = {"resolution": (72, 72)}
    path = save_pages([(scan[::4, ::4], small), (scan, {"resolution": (6, 6)})])
    assert read_sheet(path).metadata["resolution_tag"]["x"] == 6


def test_subifd_pyramid_gives_the_levels(save_pages, scan):
    levels = halves(scan, 3)
    pages = [(levels[0], {**TILES, "subifds": 2})]
    pages += [(level, {**TILES, "subfiletype": 1}) for level in levels[1:]]
    sheet = read_sheet(save_pages(pages))
    assert len(sheet.levels) == 3
    for got, expected in zip(sheet.levels, levels, strict=True):
        assert np.array_equal(np.asarray(got), expected)
    assert hasattr(sheet.levels[0], "dask")
    assert sheet.metadata["levels"] == "in the file"
    assert sheet.metadata["other_pages"] == []


def test_pyramid_in_further_pages_gives_the_levels(save_pages, scan):
    levels = halves(scan, 3)
    pages = [
        (level, {**TILES, "subfiletype": int(k > 0)}) for k, level in enumerate(levels)
    ]
    sheet = read_sheet(save_pages(pages))
    assert [level.shape for level in sheet.levels] == [x.shape for x in levels]
    assert np.array_equal(np.asarray(sheet.levels[2]), levels[2])


def test_masks_between_the_levels_do_not_end_the_pyramid(save_pages, scan):
    pages = []
    for k, level in enumerate(halves(scan, 3)):
        mask = np.ones(level.shape[:2], bool)
        options = {"photometric": "minisblack", "subfiletype": 4 + int(k > 0)}
        pages.append((level, {**TILES, "subfiletype": int(k > 0)}))
        pages.append((mask, options))
    sheet = read_sheet(save_pages(pages))
    assert len(sheet.levels) == 3
    assert [page["kind"] for page in sheet.metadata["other_pages"]] == ["mask"] * 3


def test_the_thumbnail_of_exif_is_no_damage(save, scan):
    path = save(scan)
    data = bytearray(path.read_bytes())
    at = len(data) + len(data) % 2
    data = data.ljust(at, b"\0")
    tags = [(259, 3, 6), (513, 4, 8), (514, 4, 100)]
    data += struct.pack("<H", len(tags))
    for code, kind, value in tags:
        data += struct.pack("<HHII", code, kind, 1, value)
    data += b"\0" * 4
    struct.pack_into("<I", data, links(bytes(data))[-1], at)
    path.write_bytes(data)
    sheet = read_sheet(path)
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.metadata["other_pages"] == [{"page": 1, "kind": "thumbnail"}]


def test_a_sheet_in_a_subifd_lies_as_its_page_does(save_pages, scan):
    about = {"resolution": (6, 6), "extratags": [(274, "H", 1, 6, True)]}
    path = save_pages([(scan[::4, ::4], {"subifds": 1, **about}), (scan, {})])
    data = path.read_bytes()
    sheet = read_sheet(path)
    assert np.array_equal(np.asarray(sheet.image), np.rot90(scan, -1))
    assert sheet.metadata["resolution_tag"]["x"] == 6
    assert path.read_bytes() == data


def test_an_associated_picture_of_another_shape_is_no_level(save_pages, scan):
    label = scan[:30, :60]
    path = save_pages([(scan, TILES), (label, {**TILES, "subfiletype": 1})])
    sheet = read_sheet(path)
    assert len(sheet.levels) == 1
    assert sheet.metadata["other_pages"][0]["height"] == 30


def test_full_resolution_in_a_subifd(save_pages, scan):
    path = save_pages([(scan[::4, ::4], {"subifds": 1}), (scan, {})])
    assert np.array_equal(np.asarray(read_sheet(path).image), scan)


def test_levels_of_a_pyramid_are_read_apart(save_pages, scan):
    levels = halves(scan, 2)
    pages = [(levels[0], {**TILES, "subifds": 1}), (levels[1], TILES)]
    path = save_pages(pages)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x78")  # zlib header of the first tile of the full resolution
    data[at + 4 : at + 30] = b"\xff" * 26
    path.write_bytes(data)
    sheet = read_sheet(path)
    assert np.array_equal(np.asarray(sheet.levels[1]), levels[1])
    with pytest.raises(SheetError, match="cannot be decoded"):
        np.asarray(sheet.levels[0])


def links(data: bytes) -> list[int]:
    """Positions of the links from page to page in a little-endian TIFF."""
    positions, at = [], 4
    while offset := struct.unpack_from("<I", data, at)[0]:
        positions.append(at)
        at = offset + 2 + 12 * struct.unpack_from("<H", data, offset)[0]
    return [*positions, at]


def test_a_circle_of_pages_is_noticed(save_pages, scan):
    path = save_pages([(scan, {}), (scan[:20], {})])
    data = bytearray(path.read_bytes())
    first, *_, last = links(data)
    data[last : last + 4] = data[first : first + 4]
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"pages\.tif .*runs in a circle"):
        read_sheet(path)


def test_a_link_out_of_the_file_does_not_leave_the_thumbnail(save_pages, scan):
    path = save_pages([(scan[::4, ::4], {}), (scan, {})])
    data = bytearray(path.read_bytes())
    second = links(data)[1]
    data[second : second + 4] = struct.pack("<I", len(data) + 100)
    path.write_bytes(data)
    with pytest.raises(SheetError, match="ends before its list of pages"):
        read_sheet(path)


def test_a_subifd_out_of_the_file_is_noticed(save_pages, scan):
    path = save_pages([(scan, {**TILES, "subifds": 1}), (scan[::2, ::2], TILES)])
    data = path.read_bytes()
    path.write_bytes(data[: links(data)[-1] - 400])
    with pytest.raises(SheetError, match="damaged"):
        read_sheet(path)
