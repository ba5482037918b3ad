"""JPEG, PNG and JPEG 2000 sheets, decoded whole when they are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.sheet.assemble import Picture
from napari_herbarium.sheet.catalogue_number import SelfDescription
from napari_herbarium.sheet.damage import damaged, reading, unsupported
from napari_herbarium.sheet.decode.codestream import jpeg2000_depth, read_jpeg
from napari_herbarium.sheet.decode.encoding import (
    REMEDY,
    Encoding,
    cmyk_encoding,
    plain_encoding,
)
from napari_herbarium.sheet.decode.whole_jpeg import GREY, INKS, RGB, decode_whole
from napari_herbarium.sheet.raster.header import open_description, resolution_in
from napari_herbarium.sheet.raster.jp2_colours import CMYK, jp2_colours
from napari_herbarium.sheet.source import ArraySource, bands

Pixels = NDArray[Any]

_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_ORIENTATION = 274
_IPTC_RESOURCE = 0x0404
_BYTES_PER_PX = 8
_JPEG_BITS = 8
_JPEG_MODES = {"L": GREY, "RGB": RGB, "CMYK": INKS}


def read_raster(path: Path, kind: str) -> Picture:
    """Decode a JPEG, PNG or JP2 file.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        ``"JPEG"``, ``"PNG"`` or ``"JPEG 2000"``.

    Raises
    ------
    SheetError
        For a file that is damaged, too large, or of a kind that is no scan.
    """
    with reading(path, "its header cannot be read"):
        opened = _opened(path, kind)
    with opened:
        with reading(path, "its pixels cannot be decoded"):
            decoded = _decode(path, opened, kind)
        if decoded.pixels.shape[:2] != (opened.height, opened.width):
            raise damaged(path, "its header and its pixels differ in size")
        source = ArraySource(_colours(decoded.pixels, decoded.encoding))
        return _picture(opened, source, decoded, kind)


def _opened(path: Path, kind: str) -> Image.Image:
    try:
        return open_description(path, kind, _BYTES_PER_PX)
    except SyntaxError:
        if kind == "JPEG":
            _refuse_deep_jpeg(path)
        raise


def _refuse_deep_jpeg(path: Path) -> None:
    """Tell a file of more bits, which Pillow does not read, from a damaged one."""
    bits = read_jpeg(path.read_bytes()).bits
    if bits != _JPEG_BITS:
        raise unsupported(path, f"is a JPEG of {bits} bits a sample", REMEDY)


@dataclass(frozen=True)
class _Decoded:
    """Samples, what they mean, their bits, and a profile that Pillow does not know."""

    pixels: Pixels
    encoding: Encoding
    bits: int
    profile: bytes | None = None


def _decode(path: Path, opened: Image.Image, kind: str) -> _Decoded:
    if kind == "JPEG":
        return _decode_jpeg(path, opened)
    data = path.read_bytes()
    if kind == "JPEG 2000":
        return _decode_jpeg2000(path, data)
    pixels = _known(path, imagecodecs.png_decode(data))
    bits = _bits_of(pixels)
    return _Decoded(pixels, plain_encoding(pixels.shape[2], bits), bits)


def _decode_jpeg2000(path: Path, data: bytes) -> _Decoded:
    components, stated_bits = jpeg2000_depth(data)
    colours = jp2_colours(data, components)
    pixels = _known(path, imagecodecs.jpeg2k_decode(colours.data))
    samples = pixels.shape[2]
    # samples are decoded to as many bits, not to all of their dtype; a palette makes
    # other samples of one component, and they fill their range
    bits = stated_bits if components == samples else _bits_of(pixels)
    inks = colours.space == CMYK or _is_for_inks(colours.profile)
    if samples == 4 and inks:
        return _Decoded(pixels, cmyk_encoding(bits), bits, colours.profile)
    return _Decoded(pixels, plain_encoding(samples, bits), bits, colours.profile)


def _is_for_inks(profile: bytes | None) -> bool:
    return profile is not None and profile[16:20] == b"CMYK"


def _known(path: Path, decoded: Pixels) -> Pixels:
    """Pass on samples of a kind that sheets are made of."""
    pixels = np.atleast_3d(decoded)
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] > 4:
        what = f"holds {pixels.shape[2]} samples of {pixels.dtype}"
        raise unsupported(path, what, REMEDY)
    return pixels


def _bits_of(pixels: Pixels) -> int:
    return pixels.dtype.itemsize * 8


def _colours(samples: Pixels, encoding: Encoding) -> Pixels:
    """Colours of samples, in bands, as the steps take several times the memory."""
    if not encoding.steps:
        return samples
    shape = (*samples.shape[:2], encoding.channels)
    pixels = np.empty(shape, encoding.dtype)
    height, _ = bands(shape, encoding.dtype)
    for top in range(0, shape[0], height):
        pixels[top : top + height] = encoding.decode(samples[top : top + height])
    return pixels


def _decode_jpeg(path: Path, opened: Image.Image) -> _Decoded:
    stream = read_jpeg(path.read_bytes()).bare()
    if opened.mode not in _JPEG_MODES:
        raise unsupported(path, f"holds {opened.mode} colours", REMEDY)
    pixels = decode_whole(stream, _JPEG_MODES[opened.mode])
    if opened.mode == "CMYK":
        inks = np.asarray(opened)  # the right way round, whoever wrote them
        return _Decoded(inks, cmyk_encoding(8), 8)
    if pixels is None:
        pixels = np.atleast_3d(np.asarray(opened))
    return _Decoded(pixels, plain_encoding(pixels.shape[2], 8), 8)


def _picture(
    opened: Image.Image, source: ArraySource, decoded: _Decoded, kind: str
) -> Picture:
    # that of PNG would decode all pixels to look behind them, where we have looked
    exif = Image.Image.getexif(opened)
    orientation = exif.get(_ORIENTATION, 1)
    return Picture(
        sources=(source,),
        encoding=decoded.encoding,
        profile=decoded.profile
        or opened.info.get("icc_profile")
        or _camera_profile(exif),
        orientation=orientation if orientation in range(1, 9) else 1,
        resolution=resolution_in(opened, exif),
        description=_description(opened, exif),
        facts={
            "format": kind,
            "page": 0,
            "pages": 1,
            "other_pages": [],
            "compression": kind,
            "bit_depth": decoded.bits,
        },
    )


def _camera_profile(exif: Image.Exif) -> bytes | None:
    """Adobe RGB, which cameras state by a note instead of a profile."""
    try:
        note = exif.get_ifd(_INTEROP_IFD).get(1)
    except KeyError:  # Pillow 11 when there is none
        return None
    if note != "R03":
        return None
    return bytes(imagecodecs.cms_profile("adobergb"))


def _description(opened: Image.Image, exif: Image.Exif) -> SelfDescription:
    info = opened.info
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    resources = info.get("photoshop")
    iptc = resources.get(_IPTC_RESOURCE) if isinstance(resources, Mapping) else None
    comment = exif.get_ifd(_EXIF_IFD).get(37510, b"")
    texts = [("image description", exif.get(270)), ("comment", info.get("comment"))]
    texts.append(("EXIF user comment", comment[8:] if comment else None))
    return SelfDescription(
        xmp=xmp.encode() if isinstance(xmp, str) else xmp,
        iptc=iptc if isinstance(iptc, bytes) else b"",
        texts=tuple((name, _text(text)) for name, text in texts if text),
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0 ")
    return str(value)
