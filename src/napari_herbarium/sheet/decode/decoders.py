"""Decoding single strips and tiles, with what their streams declare checked first."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_herbarium.sheet.damage import DamageError
from napari_herbarium.sheet.decode.codestream import jpeg2000_size, read_jpeg
from napari_herbarium.sheet.decode.encoding import JPEG_SCHEMES
from napari_herbarium.sheet.decode.samples import unpack_subsampled
from napari_herbarium.sheet.decode.whole_jpeg import GREY, INKS, RGB, decode_whole

Decoder = Callable[[bytes, int], NDArray[Any]]
"""(stored bytes, index of the strip or tile) -> rows x columns x samples."""

RAW = 1
_OLD_JPEG = 6
_SOI = b"\xff\xd8"
_JPEG2000 = {33003, 33004, 33005, 34712}
_BYTE_CODECS: dict[int, Callable[..., bytes | bytearray]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.zlib_decode,
    32773: imagecodecs.packbits_decode,
    32946: imagecodecs.zlib_decode,
}
_STRICT_CODECS = {8, 32773, 32946, 34926, 50000}
"""Those that fail when a stream holds more than they are told to expect."""
_SURPLUS = 16
"""Bytes that writers add to a part, to make it even or a multiple of words."""
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
_LOW_BIT_FIRST = 2
_FAX = {2, 3, 4}
_FAX_CODEC = "ccittfax4_decode"
_RGB, _SEPARATED, _YCBCR = 2, 5, 6
_JPEG_BITS = 8
_JPEG_BLOCK = 16
"""Encoders may round the size of a JPEG strip up to its blocks."""


def compression_name(page: Any) -> str:
    """Compression of a page in words."""
    code = int(page.compression)
    return _NAMES.get(code, f"compression {code}")


def is_decodable(page: Any) -> bool:
    """Whether the page's compression is one that scans are stored with."""
    code = int(page.compression)
    if code == _OLD_JPEG and not _holds_jpegs(page):
        return False
    # fax came to imagecodecs in 2026.3, and no scanned sheet is worth requiring that
    return code in _NAMES and (code not in _FAX or hasattr(imagecodecs, _FAX_CODEC))


def _holds_jpegs(page: Any) -> bool:
    """Whether the parts are pictures, not pieces of one, as old JPEG may have them."""
    if not page.dataoffsets:
        return True
    file = page.parent.filehandle
    file.seek(page.dataoffsets[0])
    return bool(file.read(2) == _SOI)


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
        return _subsampled_decoder(page)
    if code in _STRICT_CODECS:
        return _strict_decoder(page)
    if code in JPEG_SCHEMES:
        return _jpeg_decoder(page)
    return partial(
        _decode_part,
        decode=page.decode,
        size_of=jpeg2000_size if code in _JPEG2000 else None,
        part=part_of(page),
    )


def _subsampled_decoder(page: Any) -> Decoder:
    return partial(
        _decode_subsampled,
        codec=_BYTE_CODECS.get(int(page.compression)),
        part=part_of(page),
        subsampling=page.subsampling or (2, 2),
    )


def _strict_decoder(page: Any) -> Decoder:
    return partial(
        _decode_with_surplus,
        codec=tifffile.TIFF.DECOMPRESSORS[int(page.compression)],
        raw=_uncompressed(page).decode,
        is_reversed=page.fillorder == _LOW_BIT_FIRST,
        row_bytes=_row_bytes(page),
        rows=part_of(page)[0],
    )


def _jpeg_decoder(page: Any) -> Decoder:
    return partial(
        _decode_jpeg,
        decode=page.decode,
        part=part_of(page),
        tables=page.jpegtables,
        colours=_jpeg_colours(page),
        is_old=page.compression == _OLD_JPEG,
        is_rgb=page.photometric == _RGB and not page.is_jfif,
    )


def _uncompressed(page: Any) -> Any:
    """Page like this one whose parts are decompressed already."""
    twin = copy(page)
    for derived in ("hash", "decode"):  # worked out from the compression, and kept
        twin.__dict__.pop(derived, None)
    twin.compression, twin.fillorder = RAW, 1
    return twin


def _row_bytes(page: Any) -> int:
    """Bytes of one row of a part, once decompressed."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    return int(-(-part_of(page)[1] * samples * int(page.bitspersample) // 8))


def _jpeg_colours(page: Any) -> str | None:
    """Name the colours of the JPEG parts of a page; None for what is rare."""
    if page.bitspersample != _JPEG_BITS:
        return None
    if page.planarconfig != 1 or page.samplesperpixel == 1:
        return GREY
    if page.photometric in (_RGB, _YCBCR) and page.samplesperpixel == len(RGB):
        return RGB
    inks = page.photometric == _SEPARATED and page.samplesperpixel == len(INKS)
    return INKS if inks else None


def _decode_jpeg(
    data: bytes,
    index: int,
    *,
    decode: Callable[..., Any],
    part: tuple[int, int],
    tables: bytes | None,
    colours: str | None,
    is_old: bool,
    is_rgb: bool,
) -> NDArray[Any]:
    stream = read_jpeg(data)
    _check_size(stream.width, stream.height, part)
    if colours is not None:
        whole = decode_whole(stream.bare(tables or b"", is_rgb=is_rgb), colours)
        # which inks and old colours are meant, tifffile knows; here it is only seen
        # that none are missing
        if whole is not None and not (is_old or colours == INKS):
            return whole[: part[0], : part[1]]
    return _samples(decode(data, index, jpegtables=tables))


def _samples(decoded: tuple[NDArray[Any], Any, Any]) -> NDArray[Any]:
    """Give the samples of what tifffile decodes a part to; it puts them in a stack."""
    samples: NDArray[Any] = decoded[0][0]
    return samples


def _check_size(width: int, height: int, part: tuple[int, int]) -> None:
    if height > part[0] + _JPEG_BLOCK or width > part[1] + _JPEG_BLOCK:
        msg = f"a strip or tile claims to be {width} x {height} px"
        raise DamageError(msg)


def _decode_part(
    data: bytes,
    index: int,
    *,
    decode: Callable[..., Any],
    size_of: Callable[[bytes], tuple[int, int]] | None,
    part: tuple[int, int],
) -> NDArray[Any]:
    if size_of is not None:
        _check_size(*size_of(data), part)
    return _samples(decode(data, index))


def _decode_with_surplus(
    data: bytes,
    index: int,
    *,
    codec: Callable[..., bytes | bytearray],
    raw: Callable[..., Any],
    is_reversed: bool,
    row_bytes: int,
    rows: int,
) -> NDArray[Any]:
    """Decode a part that may hold more than its rows.

    Some writers pad the last strip to as many rows as the others, or any part to an
    even number of bytes. What is missing still fails: the rows are counted as usual.
    """
    stored = imagecodecs.bitorder_decode(data) if is_reversed else data
    unpacked = codec(stored, out=rows * row_bytes + _SURPLUS)
    whole_rows = memoryview(unpacked)[: len(unpacked) // row_bytes * row_bytes]
    return _samples(raw(whole_rows, index))


def _decode_subsampled(
    data: bytes,
    index: int,
    *,
    codec: Callable[..., bytes | bytearray] | None,
    part: tuple[int, int],
    subsampling: tuple[int, int],
) -> NDArray[Any]:
    del index
    across, down = subsampling
    unit_row = -(-part[1] // across) * (across * down + 2)
    # without a limit a small stream could unpack to all of the memory
    most = -(-part[0] // down) * unit_row + _SURPLUS
    pixels = np.frombuffer(data if codec is None else codec(data, out=most), np.uint8)
    rows = min(part[0], pixels.size // unit_row * down)
    return unpack_subsampled(pixels, (rows, part[1]), subsampling)
