"""Every kind of pixels becomes 8-bit sRGB; 16-bit pixels stay so for display."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_herbarium import SheetError, read_sheet


def grey_of(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def test_grey_becomes_three_equal_colours(save, scan):
    sheet = read_sheet(save(scan[..., 0], photometric="minisblack"))
    assert np.array_equal(np.asarray(sheet.image), grey_of(scan[..., 0]))


def test_white_is_zero_is_turned_round(save, scan):
    sheet = read_sheet(save(scan[..., 0], photometric="miniswhite"))
    assert np.array_equal(np.asarray(sheet.image), grey_of(255 - scan[..., 0]))


def test_black_and_white_is_read(save, scan):
    ink = scan[..., 0] > 128
    sheet = read_sheet(save(ink, photometric="minisblack"))
    assert np.array_equal(np.asarray(sheet.image), grey_of(ink.astype(np.uint8) * 255))


@pytest.mark.skipif(
    not hasattr(imagecodecs, "ccittfax4_decode"), reason="needs imagecodecs 2026.3"
)
def test_fax_compression(tmp_path, scan):
    path = tmp_path / "fax.tif"
    paper = scan[..., 0] > 128
    Image.fromarray(paper).save(path, compression="group4")
    expected = grey_of(paper.astype(np.uint8) * 255)
    assert np.array_equal(np.asarray(read_sheet(path).image), expected)


def test_16_bit_is_kept_for_display_and_rounded_for_the_model(save):
    deep = np.random.default_rng(0).integers(0, 65536, (60, 50, 3), dtype=np.uint16)
    sheet = read_sheet(save(deep, compression="lzw"))
    assert sheet.levels[0].dtype == np.uint16
    assert np.array_equal(np.asarray(sheet.levels[0]), deep)
    assert np.array_equal(np.asarray(sheet.image), np.rint(deep / 257).astype(np.uint8))
    assert sheet.metadata["bit_depth"] == 16


def test_12_bit_fills_the_range(save_bare):
    values = np.array([[0, 1000, 2000, 4095]], np.uint16)
    data = b"\x00\x03\xe8\x7d\x0f\xff"
    tags = {256: (3, [4]), 257: (3, [1]), 258: (3, [12]), 262: (3, [1])}
    sheet = read_sheet(save_bare({**tags, 278: (3, [1])}, data))
    expected = values.astype(int) * 65535 // 4095
    assert np.array_equal(np.asarray(sheet.levels[0])[..., 0], expected)


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_colours_come_from_the_palette(save, scan, compression):
    colours = np.random.default_rng(0).integers(0, 65536, (3, 256), dtype=np.uint16)
    options = {"photometric": "palette", "colormap": colours}
    sheet = read_sheet(save(scan[..., 0], compression=compression, **options))
    assert np.array_equal(np.asarray(sheet.image), (colours.T >> 8)[scan[..., 0]])


def test_palette_of_4_bits_with_8_bit_colours(save_bare):
    # two pixels a byte; this writer stores 0..255 where 0..65535 belongs
    tags = {256: (3, [2]), 257: (3, [1]), 258: (3, [4]), 262: (3, [3])}
    table = [*range(0, 160, 10), *range(16), *range(200, 216)]
    path = save_bare({**tags, 278: (3, [1]), 320: (3, table)}, b"\x3f")
    assert np.asarray(read_sheet(path).image).tolist() == [
        [[30, 3, 203], [150, 15, 215]]
    ]


def test_subsampled_jpeg_tiles_are_close(save, scan):
    options = {"compression": "jpeg", "tile": (48, 48), "subsampling": (2, 2)}
    sheet = read_sheet(save(scan, compressionargs={"level": 97}, **options))
    assert np.abs(np.asarray(sheet.image).astype(int) - scan).mean() < 3


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("compression", [1, 5])
def test_ycbcr_without_jpeg(save_bare, scan, subsampling, compression):
    ycbcr = np.asarray(Image.fromarray(scan).convert("YCbCr"))
    across, down = subsampling
    height, width = scan.shape[:2]
    padding = [(0, -height % down), (0, -width % across), (0, 0)]
    padded = np.pad(ycbcr, padding, mode="edge")
    tall, wide = padded.shape[0] // down, padded.shape[1] // across
    blocks = padded.reshape(tall, down, wide, across, 3).swapaxes(1, 2)
    luma = blocks[..., 0].reshape(tall, wide, -1)
    units = np.concatenate([luma, blocks[:, :, 0, 0, 1:]], axis=2).tobytes()
    data = imagecodecs.lzw_encode(units) if compression == 5 else units
    tags = {
        256: (3, [width]),
        257: (3, [height]),
        258: (3, [8, 8, 8]),
        259: (3, [compression]),
        262: (3, [6]),
        277: (3, [3]),
        278: (3, [height]),
        530: (3, [across, down]),
    }
    image = np.asarray(read_sheet(save_bare(tags, data)).image).astype(int)
    shared = np.asarray(Image.fromarray(_shared(ycbcr, across, down), "YCbCr"))
    expected = np.asarray(Image.fromarray(shared, "YCbCr").convert("RGB")).astype(int)
    assert np.abs(image - expected).max() <= 1


def _shared(ycbcr: np.ndarray, across: int, down: int) -> np.ndarray:
    """Chroma of the first pixel of each block for the whole block."""
    chroma = ycbcr[::down, ::across, 1:].repeat(down, 0).repeat(across, 1)
    height, width = ycbcr.shape[:2]
    return np.dstack([ycbcr[..., 0], chroma[:height, :width]])


def test_cmyk_without_profile_is_mixed_by_the_named_formula(save):
    inks = np.array(
        [[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 128, 0, 64]]], np.uint8
    )
    sheet = read_sheet(save(inks, photometric="separated"))
    assert np.asarray(sheet.image).tolist() == [
        [[255, 255, 255], [0, 255, 255], [0, 0, 0], [191, 95, 191]]
    ]
    assert "ink formula" in sheet.metadata["conversion"]


@pytest.mark.parametrize(
    ("extrasample", "premultiplied"), [("unassalpha", False), ("assocalpha", True)]
)
def test_alpha_is_composited_on_white(save, scan, extrasample, premultiplied):
    alpha = np.random.default_rng(1).integers(0, 256, scan.shape[:2])[..., None]
    stored = np.rint(scan * (alpha / 255)) if premultiplied else scan
    pixels = np.dstack([stored, alpha]).astype(np.uint8)
    sheet = read_sheet(save(pixels, extrasamples=[extrasample]))
    on_white = scan * (alpha / 255) + 255 * (1 - alpha / 255)
    assert np.abs(np.asarray(sheet.image) - on_white).max() <= 1
    assert sheet.metadata["alpha"] == "composited on white"


def test_alpha_of_16_bits(save, scan):
    deep = np.dstack([scan, scan[..., 0]]).astype(np.uint16) * 257
    sheet = read_sheet(save(deep, extrasamples=["unassalpha"]))
    alpha = deep[..., 3:].astype(float) / 65535
    on_white = deep[..., :3] * alpha + 65535 * (1 - alpha)
    assert np.abs(np.asarray(sheet.levels[0]) - on_white).max() <= 1


def test_grey_with_alpha(save, scan):
    pixels = np.dstack([scan[..., 0], np.full(scan.shape[:2], 255, np.uint8)])
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    sheet = read_sheet(save(pixels, extrasamples=["unassalpha"], **options))
    assert np.array_equal(np.asarray(sheet.image), grey_of(scan[..., 0]))


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_white_is_zero_with_alpha(save, scan, kind):
    alpha = scan[..., 1:2] / 255
    ink = scan[..., :1] * (alpha if kind == "assocalpha" else 1)
    pixels = np.rint(np.dstack([ink, scan[..., 1]])).astype(np.uint8)
    options = {"photometric": "miniswhite", "planarconfig": "contig"}
    sheet = read_sheet(save(pixels, extrasamples=[kind], **options))
    expected = 255 - scan[..., :1] * alpha
    assert np.abs(np.asarray(sheet.image) - expected).max() <= 1


@pytest.mark.parametrize("compression", ["deflate", "packbits", "lzw"])
def test_a_white_bilevel_page_may_be_small(save, compression):
    paper = np.ones((2000, 1504), bool)
    options = {"photometric": "minisblack", "compression": compression}
    sheet = read_sheet(save(paper, rowsperstrip=2000, **options))
    assert (np.asarray(sheet.image) == 255).all()


def test_a_sample_of_unknown_meaning_is_dropped(save, scan):
    infrared = np.dstack([scan, scan[..., 0]])
    sheet = read_sheet(save(infrared, extrasamples=["unspecified"]))
    assert np.array_equal(np.asarray(sheet.image), scan)
    assert sheet.metadata["alpha"] == "dropped"


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (np.float32, "float32 numbers, not a scan"),
        (np.int16, "16 bits that no scanner writes"),
        (np.uint32, "32 bits that no scanner writes"),
    ],
)
def test_numbers_that_are_no_scan_are_refused_in_words(save, scan, dtype, words):
    path = save(scan[..., 0].astype(dtype), photometric="minisblack")
    with pytest.raises(SheetError, match=rf"sheet\.tif holds .*{words}.*8- or 16-bit"):
        read_sheet(path)


def test_lab_is_refused_in_words(save, scan):
    with pytest.raises(SheetError, match="stores its colours as CIELab"):
        read_sheet(save(scan, photometric="cielab"))


def test_a_volume_is_refused(save, scan):
    volume = np.stack([scan[..., 0]] * 3)
    path = save(volume, photometric="minisblack", volumetric=True, tile=(1, 16, 16))
    with pytest.raises(SheetError, match="holds a volume"):
        read_sheet(path)


def test_pillow_writes_what_we_read(tmp_path, scan):
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        path = tmp_path / f"{compression}.tif"
        Image.fromarray(scan).save(path, compression=compression)
        assert np.array_equal(np.asarray(read_sheet(path).image), scan), compression
    buffer = io.BytesIO()
    Image.fromarray(scan).save(buffer, "TIFF", compression="jpeg", quality=97)
    path.write_bytes(buffer.getvalue())
    assert np.abs(np.asarray(read_sheet(path).image).astype(int) - scan).mean() < 3
