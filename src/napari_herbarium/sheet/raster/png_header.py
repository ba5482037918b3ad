"""A PNG file without its pixels, as Pillow reads it.

Pillow looks for EXIF behind the pixels by decoding all of them, and takes a profile
or text that unzips to more than 1 MiB for an attack. Given a file of nothing but the
other chunks, with such texts unzipped, it does neither.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from napari_herbarium.sheet.damage import DamageError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset({b"IDAT", b"acTL", b"fcTL", b"fdAT", b"IEND"})
_PROFILE, _TEXT, _INTERNATIONAL_TEXT, _ZIPPED_TEXT = b"iCCP", b"tEXt", b"iTXt", b"zTXt"
_MOST_PROFILE = (16 << 20) + 1
_MOST_TEXT = 4 << 20


def png_header(path: Path) -> tuple[io.BytesIO, bytes | None]:
    """Read all chunks of a PNG file but those of its pixels.

    Parameters
    ----------
    path : Path
        The file, which may end anywhere.

    Returns
    -------
    file : BytesIO
        A PNG file with no pixels.
    profile : bytes or None
        ICC profile, cut off where it is larger than any.

    Raises
    ------
    DamageError
        When a checksum is wrong.
    """
    header, profile = io.BytesIO(), None
    header.write(_SIGNATURE)
    for kind, body in _chunks(path):
        if kind == _PROFILE:
            profile = _unzip(body.partition(b"\0")[2][1:], _MOST_PROFILE)
        else:
            header.write(_plain(kind, body))
    header.write(_chunk(b"IDAT", b"") + _chunk(b"IEND", b""))
    header.seek(0)
    return header, profile


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of the chunks beside the pixels, up to where the file ends.

    Those of the pixels are checked too: libpng would remark on stderr.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = len(_SIGNATURE)
        while at + 12 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            at += 12 + length
            if at > size or kind == b"IEND":
                return
            body, stated = file.read(length), file.read(4)
            if stated != _checksum(kind, body):
                name = kind.decode("ascii", "replace")
                raise DamageError(f"the checksum of its part {name} is wrong")
            if kind not in _PIXELS:
                yield kind, body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + _checksum(kind, body)


def _checksum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(kind + body))


def _plain(kind: bytes, body: bytes) -> bytes:
    """Chunk with its text unzipped and cut to a length; empty when damaged."""
    key, _, rest = body.partition(b"\0")
    if kind == _ZIPPED_TEXT:
        text = _unzip(rest[1:], _MOST_TEXT)
        return b"" if text is None else _chunk(_TEXT, key + b"\0" + text)
    if kind == _INTERNATIONAL_TEXT and rest[:1] not in (b"", b"\0"):
        language, _, rest = rest[2:].partition(b"\0")
        title, _, zipped = rest.partition(b"\0")
        text = _unzip(zipped, _MOST_TEXT)
        if text is None:
            return b""
        # between the key and the language: not compressed, by method 0
        return _chunk(kind, b"\0".join([key, b"\0\0" + language, title, text]))
    return _chunk(kind, body)


def _unzip(data: bytes, most: int) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return None
