"""JPEG, PNG and JPEG 2000 sheets read as TIFFs do."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from napari_herbarium import SheetError, read_sheet

SUFFIXES = {"PNG": "png", "JPEG": "jpg", "JPEG2000": "jp2"}


@pytest.fixture
def write(tmp_path):
    def write(pixels, kind, name="sheet", mode=None, **options):
        path = tmp_path / f"{name}.{SUFFIXES[kind]}"
        Image.fromarray(pixels).convert(mode or "RGB").save(path, kind, **options)
        return path

    return write


@pytest.mark.parametrize("kind", ["PNG", "JPEG2000"])
def test_pixels_of_lossless_files_are_exact(write, scan, kind):
    sheet = read_sheet(write(scan, kind))
    assert np.array_equal(sheet.image, scan)


def test_jpeg_pixels_are_close_and_the_format_is_told(write, scan):
    sheet = read_sheet(write(scan, "JPEG", quality=97))
    assert np.abs(sheet.image.astype(int) - scan).mean() < 3
    assert sheet.metadata["format"] == "JPEG"


def test_jpeg_named_tif_is_read_by_what_it_is(write, scan):
    path = write(scan, "JPEG")
    assert read_sheet(path.rename(path.with_suffix(".tif"))).image.shape == scan.shape


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_becomes_three_equal_colours(write, scan, kind):
    sheet = read_sheet(write(scan, kind, mode="L"))
    image = np.asarray(sheet.image)
    assert image.shape == scan.shape
    assert (image == image[..., :1]).all()


def test_white_of_a_cmyk_jpeg_is_white(write):
    white = np.full((16, 16, 3), 255, np.uint8)
    sheet = read_sheet(write(white, "JPEG", mode="CMYK"))
    assert np.asarray(sheet.image).min() > 250


def test_png_with_palette_and_alpha(write, scan):
    flat = np.asarray(Image.fromarray(scan).convert("P").convert("RGB"))
    palette = read_sheet(write(scan, "PNG", mode="P"))
    assert np.array_equal(np.asarray(palette.image), flat)
    clear = np.dstack([scan, np.zeros(scan.shape[:2], np.uint8)])
    sheet = read_sheet(write(clear, "PNG", mode="RGBA"))
    assert (np.asarray(sheet.image) == 255).all()
    assert sheet.metadata["alpha"] == "composited on white"


@pytest.mark.parametrize("suffix", ["png", "jp2"])
def test_sixteen_bits_are_kept_for_the_display(tmp_path, scan, suffix):
    deep = scan.astype(np.uint16) * 257
    path = tmp_path / f"deep.{suffix}"
    if suffix == "png":
        path.write_bytes(imagecodecs.png_encode(deep))
    else:
        path.write_bytes(imagecodecs.jpeg2k_encode(deep, level=0, reversible=True))
    sheet = read_sheet(path)
    assert np.array_equal(sheet.levels[0], deep)
    assert np.array_equal(np.asarray(sheet.image), scan)


@pytest.mark.parametrize("bits", [4, 10, 12])
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
def test_jpeg_2000_of_few_bits_is_as_bright_as_of_all(tmp_path, bits, samples, suffix):
    top = 2**bits - 1
    dtype = np.uint8 if bits <= 8 else np.uint16
    pixels = np.full((32, 24, samples), top, dtype)
    pixels[:16, :, :3] = 0
    path = tmp_path / f"sheet.{suffix}"
    options = {"level": 0, "reversible": True, "codecformat": suffix}
    data = imagecodecs.jpeg2k_encode(pixels, bitspersample=bits, **options)
    path.write_bytes(data)
    sheet = read_sheet(path)
    image = np.asarray(sheet.image)
    assert (image[:16] == 0).all()
    assert (image[16:] == 255).all()
    assert (np.asarray(sheet.levels[0])[16:] == np.iinfo(dtype).max).all()
    assert sheet.metadata["bit_depth"] == bits


def png_chunk(kind, body):
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def test_exif_behind_the_pixels_of_a_png_is_found_without_decoding_them_twice(
    write, scan, monkeypatch
):
    path = write(scan, "PNG")
    exif = Image.Exif()
    exif[274] = 6
    whole = path.read_bytes()
    late = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    path.write_bytes(whole[:-12] + late + whole[-12:])
    monkeypatch.setattr(PngImageFile, "load", None)
    assert read_sheet(path).metadata["orientation"] == 6


def test_large_profiles_and_texts_in_a_png_are_no_damage(write, scan):
    adobe = imagecodecs.cms_profile("adobergb")
    size = len(adobe) + (2 << 20)
    notes = PngInfo()
    notes.add_text("Comment", "x" * (2 << 20), zip=True)
    xmp = f'<a xmlns:d="http://d" d:catalogNumber="K7"><b>{"x" * (2 << 20)}</b></a>'
    notes.add_itxt("XML:com.adobe.xmp", xmp, zip=True)
    profile = struct.pack(">I", size) + adobe[4:] + b"\0" * (2 << 20)
    path = write(scan, "PNG", icc_profile=profile, pnginfo=notes)
    sheet = read_sheet(path)
    assert sheet.metadata["conversion"] == "converted to sRGB"
    assert sheet.catalog_number == "K7"


def test_a_wrong_checksum_in_a_png_is_damage(write, scan):
    path = write(scan, "PNG", dpi=(300, 300))
    data = bytearray(path.read_bytes())
    data[data.index(b"pHYs") + 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"sheet\.png is damaged \(the checksum"):
        read_sheet(path)


def with_colours(data, statement):
    """A JP2 file whose box of colours says something else."""
    at = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, at)
    box = struct.pack(">I", 8 + len(statement)) + b"colr" + statement
    header = data.index(b"jp2h") - 4
    (outer,) = struct.unpack_from(">I", data, header)
    grown = struct.pack(">I", outer + len(box) - length)
    return data[:header] + grown + data[header + 4 : at] + box + data[at + length :]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_a_profile_in_jpeg_2000_is_applied_once_and_named(tmp_path, save, scan, bits):
    adobe = imagecodecs.cms_profile("adobergb")
    pixels = np.rint(scan * ((2**bits - 1) / 255))
    pixels = pixels.astype(np.uint8 if bits == 8 else np.uint16)
    path = tmp_path / "sheet.jp2"
    options = {"level": 0, "reversible": True, "bitspersample": bits}
    data = imagecodecs.jpeg2k_encode(pixels, **options)
    path.write_bytes(with_colours(data, b"\x02\0\0" + adobe))
    sheet = read_sheet(path)
    expected = np.asarray(read_sheet(save(scan, iccprofile=adobe)).image).astype(int)
    assert np.abs(np.asarray(sheet.image) - expected).max() <= 1
    assert sheet.metadata["profile"].startswith("Adobe RGB")
    assert sheet.metadata["bit_depth"] == bits


def test_a_profile_in_grey_jpeg_2000(tmp_path, scan):
    data = imagecodecs.jpeg2k_encode(scan[..., 0].copy(), level=0, reversible=True)
    path = tmp_path / "sheet.jp2"
    adobe = imagecodecs.cms_profile("adobergb")
    path.write_bytes(with_colours(data, b"\x02\0\0" + adobe))
    sheet = read_sheet(path)
    assert (np.asarray(sheet.image) == scan[..., :1]).all()
    assert "the profile is for RGB" in sheet.metadata["conversion"]


def test_inks_of_a_jpeg_2000_become_colours(tmp_path, scan):
    inks = np.dstack([scan, scan[..., 0]])
    data = imagecodecs.jpeg2k_encode(inks, level=0, reversible=True)
    path = tmp_path / "sheet.jp2"
    path.write_bytes(with_colours(data, b"\x01\0\0" + struct.pack(">I", 12)))
    sheet = read_sheet(path)
    light = 255 - inks.astype(float)
    expected = light[..., :3] * light[..., 3:] / 255
    assert np.abs(np.asarray(sheet.image) - expected).max() <= 1
    assert sheet.metadata["colours"] == "CMYK"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_exif_orientation(write, scan, kind):
    exif = Image.Exif()
    exif[274] = 6
    sheet = read_sheet(write(scan, kind, exif=exif))
    assert np.asarray(sheet.image).shape == (70, 97, 3)
    assert sheet.metadata["orientation"] == 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_believable_resolution_gives_the_scale(write, kind):
    pixels = np.zeros((430, 300, 3), np.uint8)
    sheet = read_sheet(write(pixels, kind, dpi=(25.4, 25.4)))
    assert sheet.mm_per_px == pytest.approx(1, rel=0.02)
    assert sheet.scale_trust == "trusted"


def test_a_camera_that_says_72_is_doubted(write, scan):
    sheet = read_sheet(write(scan, "JPEG", dpi=(72, 72)))
    assert sheet.mm_per_px is None
    assert "72 ppi" in sheet.metadata["scale_reason"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_colours_are_converted_through_the_profile(write, scan, kind):
    profile = imagecodecs.cms_profile("adobergb")
    options = {"quality": 97, "subsampling": 0} if kind == "JPEG" else {}
    sheet = read_sheet(write(scan, kind, icc_profile=profile, **options))
    assert sheet.metadata["conversion"] == "converted to sRGB"
    assert np.abs(np.asarray(sheet.image).astype(int) - scan).max() > 10


def test_a_camera_s_note_of_adobe_rgb(write, scan):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    sheet = read_sheet(write(scan, "JPEG", exif=exif))
    assert sheet.metadata["profile"].startswith("Adobe RGB")


def test_catalogue_number_in_a_jpeg(write, scan):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a xmlns:dwc="http://dwc" '
        b'dwc:catalogNumber="K000123456"/></x:xmpmeta>'
    )
    assert read_sheet(write(scan, "JPEG", xmp=xmp)).catalog_number == "K000123456"
    exif = Image.Exif()
    exif[270] = "BR0000005182879"
    sheet = read_sheet(write(scan, "JPEG", exif=exif))
    assert sheet.catalog_number == "BR0000005182879"


def test_what_cameras_add_after_a_jpeg_is_passed_over(write, scan):
    path = write(scan, "JPEG")
    whole = path.read_bytes()
    for added in (b"\0" * 500, b"SEFH" + b"note " * 50 + b"SEFT", whole):
        path.write_bytes(whole + added)
        assert read_sheet(path).image.shape == scan.shape


def test_an_end_said_twice_is_an_end(write, scan):
    path = write(scan, "JPEG")
    whole = path.read_bytes()
    for added in (b"\xff\xd9", b"\0" * 9 + b"\xff\xd9", b"\r\n\xff\xff\xd9"):
        path.write_bytes(whole + added)
        assert read_sheet(path).image.shape == scan.shape


@pytest.mark.parametrize("kind", SUFFIXES)
def test_half_a_file_is_refused(write, scan, kind):
    path = write(scan, kind)
    whole = path.read_bytes()
    for part in (0.1, 0.5, 0.95):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(SheetError, match=rf"{path.name} is damaged"):
            read_sheet(path)


def test_a_png_that_claims_more_than_memory_holds_is_refused(write, scan):
    path = write(scan, "PNG")
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 2**17, 2**17)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"sheet\.png"):
        read_sheet(path)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_the_limit_of_pillow_is_not_ours(write, scan, kind, monkeypatch):
    path = write(scan, kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_sheet(path).image.shape == scan.shape


def test_alpha_takes_little_memory_beside_the_pixels(write):
    pixels = np.full((4000, 3000, 4), 128, np.uint8)
    path = write(pixels, "PNG", mode="RGBA")
    tracemalloc.start()
    sheet = read_sheet(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * pixels.nbytes
    assert (np.asarray(sheet.image) == 191).all()


def test_large_rasters_get_levels(write):
    pixels = np.zeros((2100, 40, 3), np.uint8)
    pixels[:, 20:] = 200
    levels = read_sheet(write(pixels, "PNG")).levels
    assert [level.shape for level in levels] == [
        (2100, 40, 3),
        (1050, 20, 3),
        (525, 10, 3),
    ]
    assert (np.asarray(levels[2])[:, 5:] == 200).all()


@pytest.mark.parametrize("bits", ["8", "16"])
def test_a_png_with_damaged_pixels_leaves_no_remarks_of_libpng(tmp_path, capfd, bits):
    path = tmp_path / "sheet.png"
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 200, (50, 40, 3))
    path.write_bytes(imagecodecs.png_encode(noise.astype(f"uint{bits}")))
    data = bytearray(path.read_bytes())
    data[data.index(b"IEND") - 10] ^= 1  # within the checksum of the zipped pixels
    path.write_bytes(data)
    with pytest.raises(SheetError, match="checksum of its part IDAT is wrong"):
        read_sheet(path)
    assert not capfd.readouterr().err


def test_a_jpeg_of_12_bits_is_whole_but_of_no_kind_we_read(tmp_path):
    pixels = np.full((16, 16, 3), 2000, np.uint16)
    path = tmp_path / "deep.jpg"
    path.write_bytes(imagecodecs.jpeg_encode(pixels, bitspersample=12))
    with pytest.raises(SheetError, match="12 bits a sample: save it as 8- or 16-bit"):
        read_sheet(path)
