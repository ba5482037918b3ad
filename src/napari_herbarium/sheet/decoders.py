"""Decoding single strips and tiles, with what their streams declare checked first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.codestream import jpeg2000_size, jpeg_size
from napari_herbarium.sheet.damage import DamageError
from napari_herbarium.sheet.samples import unpack_subsampled

Decoder = Callable[[bytes, int], NDArray[Any]]
"""(stored bytes, index of the strip or tile) -> rows x columns x samples."""

RAW = 1
_JPEG = {6, 7, 33007, 34892}
_JPEG2000 = {33003, 33004, 33005, 34712}
_BYTE_CODECS: dict[int, Callable[..., bytes | bytearray]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.zlib_decode,
    32773: imagecodecs.packbits_decode,
    32946: imagecodecs.zlib_decode,
}
_NAMES = {
    1: "none",
    2: "CCITT",
    3: "CCITT G3",
    4: "CCITT G4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    50000: "Zstandard",
    50001: "WebP",
}
_FAX = {2, 3, 4}
_FAX_CODEC = "ccittfax4_decode"
_JPEG_BLOCK = 16
"""Encoders may round the size of a JPEG strip up to its blocks."""


def compression_name(page: Any) -> str:
    """Compression of a page in words."""
    code = int(page.compression)
    return _NAMES.get(code, f"compression {code}")


def is_decodable(page: Any) -> bool:
    """Whether the page's compression is one that scans are stored with."""
    code = int(page.compression)
    # fax came to imagecodecs in 2026.3, and no scanned sheet is worth requiring that
    return code in _NAMES and (code not in _FAX or hasattr(imagecodecs, _FAX_CODEC))


def part_of(page: Any) -> tuple[int, int]:
    """Rows and columns of a strip or tile of the page."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return page.rowsperstrip, page.imagewidth


def decoder_of(page: Any) -> Decoder:
    """Choose the decoder of the page's strips or tiles.

    Parameters
    ----------
    page : tifffile.TiffPage
        Of an open file.
    """
    code = int(page.compression)
    if page.is_subsampled and (code == RAW or code in _BYTE_CODECS):
        return partial(
            _decode_subsampled,
            codec=_BYTE_CODECS.get(code),
            part=part_of(page),
            subsampling=page.subsampling or (2, 2),
        )
    return partial(
        _decode_part,
        decode=page.decode,
        size_of=_size_reader(code),
        part=part_of(page),
        tables=page.jpegtables,
    )


def _size_reader(code: int) -> Callable[[bytes], tuple[int, int]] | None:
    if code in _JPEG:
        return jpeg_size
    return jpeg2000_size if code in _JPEG2000 else None


def _decode_part(
    data: bytes,
    index: int,
    *,
    decode: Callable[..., Any],
    size_of: Callable[[bytes], tuple[int, int]] | None,
    part: tuple[int, int],
    tables: bytes | None,
) -> NDArray[Any]:
    if size_of is not None:
        width, height = size_of(data)
        if height > part[0] + _JPEG_BLOCK or width > part[1] + _JPEG_BLOCK:
            msg = f"a strip or tile claims to be {width} x {height} px"
            raise DamageError(msg)
    pixels, _, _ = decode(data, index, jpegtables=tables)
    decoded: NDArray[Any] = pixels[0]
    return decoded


def _decode_subsampled(
    data: bytes,
    index: int,
    *,
    codec: Callable[..., bytes | bytearray] | None,
    part: tuple[int, int],
    subsampling: tuple[int, int],
) -> NDArray[Any]:
    del index
    pixels = np.frombuffer(data if codec is None else codec(data), np.uint8)
    across, down = subsampling
    unit_row = -(-part[1] // across) * (across * down + 2)
    rows = min(part[0], pixels.size // unit_row * down)
    return unpack_subsampled(pixels, (rows, part[1]), subsampling)
