"""However a TIFF is laid out, the same pixels come out."""

from __future__ import annotations

import json
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_herbarium import SheetError, read_sheet

LOSSLESS = [None, "lzw", "deflate", "zlib", "packbits", "zstd", "lzma"]
LAYOUTS = [{"rowsperstrip": 1}, {"rowsperstrip": 13}, {"tile": (32, 48)}, {}]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("compression", LOSSLESS)
def test_lossless_pixels_are_exact(save, scan, compression, layout):
    sheet = read_sheet(save(scan, compression=compression, **layout))
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.image.dtype == np.uint8


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_byte_order_and_bigtiff(save, scan, byteorder, bigtiff, compression):
    deep = scan.astype(np.uint16) * 257
    options = {"byteorder": byteorder, "bigtiff": bigtiff, "compression": compression}
    sheet = read_sheet(save(deep, **options))
    assert np.array_equal(np.asarray(sheet.levels[0]), deep)
    assert sheet.metadata["format"] == ("BigTIFF" if bigtiff else "TIFF")


@pytest.mark.parametrize("compression", ["lzw", "deflate"])
def test_differences_are_summed_up_again(save, scan, compression):
    path = save(scan, compression=compression, predictor=True, rowsperstrip=20)
    assert np.array_equal(np.asarray(read_sheet(path).image), scan)


def overwrite(path, **tags):
    with tifffile.TiffFile(path, mode="r+") as tif:
        for name, value in tags.items():
            tif.pages[0].tags[name].overwrite(value)


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("compression", ["deflate", "packbits", "zstd", "lzma", "lzw"])
def test_a_last_strip_padded_to_the_size_of_the_others(
    save, scan, compression, predictor
):
    options = {"predictor": predictor and compression != "packbits"}
    padded = np.pad(scan, [(0, 7), (0, 0), (0, 0)])
    path = save(padded, compression=compression, rowsperstrip=13, **options)
    overwrite(path, ImageLength=97)
    assert np.array_equal(np.asarray(read_sheet(path).image), scan)


def grey_strip(pixels, compression, rows):
    """Tags of one strip of 8-bit grey."""
    height, width = pixels.shape
    tags = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 278: rows}
    return {code: (3, [value]) for code, value in tags.items()}


@pytest.mark.parametrize(
    ("compression", "encode"),
    [
        (8, imagecodecs.zlib_encode),
        (32773, imagecodecs.packbits_encode),
        (50000, imagecodecs.zstd_encode),
    ],
)
def test_a_strip_may_hold_a_byte_too_many_but_none_too_few(
    save_bare, scan, compression, encode
):
    grey = np.ascontiguousarray(scan[..., 0])
    tags = grey_strip(grey, compression, 97)
    path = save_bare(tags, encode(grey.tobytes() + b"\0"))
    assert np.array_equal(np.asarray(read_sheet(path).image)[..., 0], grey)
    for wrong in (grey.tobytes()[:-1], grey.tobytes() * 2):
        with pytest.raises(SheetError, match="cannot be decoded"):
            read_sheet(save_bare(tags, encode(wrong)))


@pytest.mark.parametrize(
    ("compression", "encode", "predictor"),
    [
        (1, bytes, 2),
        (32773, imagecodecs.packbits_encode, 2),
        (5, imagecodecs.lzw_encode, 0),
    ],
)
def test_a_predictor_that_cannot_be_meant(
    save_bare, scan, compression, encode, predictor
):
    grey = np.ascontiguousarray(scan[..., 0])
    tags = {**grey_strip(grey, compression, 97), 317: (3, [predictor])}
    path = save_bare(tags, encode(grey.tobytes()))
    assert np.array_equal(np.asarray(read_sheet(path).image)[..., 0], grey)


@pytest.mark.parametrize(
    "options",
    [{}, {"rowsperstrip": 9, "compression": "lzw"}, {"tile": (16, 32)}],
    ids=str,
)
def test_planar_separate(save, scan, options):
    planes = np.moveaxis(scan, 2, 0)
    sheet = read_sheet(save(planes, planarconfig="separate", **options))
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.metadata["planar"] == "separate"


@pytest.mark.parametrize("layout", [{"rowsperstrip": 16}, {"tile": (48, 48)}], ids=str)
@pytest.mark.parametrize("compression", ["jpeg", "webp"])
def test_lossy_pixels_are_close(save, scan, compression, layout):
    options = {"compression": compression, "compressionargs": {"level": 95}}
    sheet = read_sheet(save(scan, **options, **layout))
    difference = np.asarray(sheet.image).astype(int) - scan
    assert np.abs(difference).mean() < 3
    assert sheet.image.shape == scan.shape


@pytest.mark.parametrize("deep", [False, True])
def test_jpeg_2000_tiles_are_exact(save, scan, deep):
    pixels = scan.astype(np.uint16) * 257 if deep else scan
    options = {"compressionargs": {"level": 0, "reversible": True}, "tile": (48, 48)}
    sheet = read_sheet(save(pixels, compression="jpeg2000", **options))
    assert np.array_equal(np.asarray(sheet.levels[0]), pixels)
    assert sheet.metadata["compression"] == "JPEG 2000"


def test_one_long_uncompressed_strip_is_read_in_pieces(save):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3000, 800, 3), dtype=np.uint8)
    sheet = read_sheet(save(pixels, rowsperstrip=3000))
    assert len(sheet.image.chunks[0]) > 1
    assert np.array_equal(np.asarray(sheet.image), pixels)
    assert np.array_equal(
        np.asarray(sheet.image[1234:1290, 5:17]), pixels[1234:1290, 5:17]
    )


def test_strips_of_a_compressed_file_are_decoded_only_when_looked_at(save, scan):
    path = save(np.tile(scan, (40, 20, 1)), compression="deflate", rowsperstrip=97)
    data = bytearray(path.read_bytes())
    last = read_sheet(path).image.chunks[0][-1]
    with_damage = data.rindex(b"\x78")  # zlib header of the last strip
    data[with_damage + 40 : with_damage + 80] = b"\xff" * 40
    path.write_bytes(data)
    image = read_sheet(path).image
    assert np.array_equal(np.asarray(image[:97, :70]), scan)
    with pytest.raises(SheetError, match=r"sheet\.tif is damaged"):
        image[-last:].compute()


def test_a_compressed_single_strip_is_decoded_at_once(save, scan):
    sheet = read_sheet(save(scan, compression="lzw", rowsperstrip=97))
    assert isinstance(sheet.image, np.ndarray)


def test_pixels_in_memory_may_be_changed(save, scan):
    image = read_sheet(save(scan, compression="lzw", rowsperstrip=97)).image
    image[0, 0] = 0
    assert not image[0, 0].any()


def test_a_file_that_changes_while_open_is_refused(save, scan):
    path = save(scan, compression="lzw", rowsperstrip=10)
    sheet = read_sheet(path)
    save(scan[:50], compression="lzw", rowsperstrip=10)
    with pytest.raises(SheetError, match="has changed since it was opened"):
        np.asarray(sheet.image)
    path.unlink()
    with pytest.raises(SheetError, match="is not there"):
        np.asarray(sheet.image)


def test_metadata_can_be_written_as_json(save, scan):
    options = {"resolution": (600, 600), "compression": "lzw"}
    metadata = read_sheet(save(scan, **options)).metadata
    assert json.loads(json.dumps(metadata)) == metadata
    assert metadata["compression"] == "LZW"
    assert metadata["layout"] == "strips"


def test_the_file_is_not_touched_nor_kept_open(save, scan):
    path = save(scan, compression="lzw", rowsperstrip=10)
    before = path.read_bytes(), path.stat().st_mtime_ns
    sheet = read_sheet(path)
    np.asarray(sheet.image)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    path.rename(path.with_name("moved.tif"))  # refused on Windows while it is open


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "jpeg"])
def test_byte_counts_that_an_old_writer_left_out(save, scan, compression):
    path = save(scan, compression=compression, rowsperstrip=16)
    expected = np.asarray(read_sheet(path).image)
    data = bytearray(path.read_bytes())
    entry = data.index(struct.pack("<H", 279), struct.unpack_from("<I", data, 4)[0])
    struct.pack_into("<H", data, entry, 65000)
    path.write_bytes(data)
    assert np.array_equal(np.asarray(read_sheet(path).image), expected)
