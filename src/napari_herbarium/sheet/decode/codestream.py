"""What JPEG and JPEG 2000 streams declare, read before they are decoded.

The decoders fill a JPEG that ends early with grey and say nothing, and they believe
whatever size a stream declares; both are found out here.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from napari_herbarium.sheet.damage import DamageError

_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SOS = 0xDA
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
"""Segments of tables, without which a scan means nothing."""
_COLOUR_NOTES = frozenset({0xE0, 0xEE})
"""JFIF and Adobe segments, which say how three or four components are colours."""
_AS_THEY_ARE = bytes.fromhex("ffee000e41646f626500640000000000")
"""Adobe segment of components that are red, green and blue."""
_EOI = b"\xff\xd9"
_PADDING = b"\x00\r\n " + b"\xff\xd9"
"""Bytes of filling and of further ends, which hold no pixels."""
_SOI = b"\xff\xd8\xff"
_SIZ = b"\xff\x4f\xff\x51"
_SCAN_MARKER = re.compile(rb"\xff[\x01-\xfe]")


@dataclass(frozen=True)
class JpegStream:
    """A JPEG stream, followed from its start to its end.

    Attributes
    ----------
    width, height : int
        That it declares, in px.
    head : tuple of (int, bytes)
        Markers and contents of the segments before the first scan.
    scans : bytes
        From the first scan to the end of the picture, both included.
    """

    width: int
    height: int
    head: tuple[tuple[int, bytes], ...]
    scans: bytes

    @property
    def bits(self) -> int:
        """Of a sample, that it declares."""
        return next(body[2] for marker, body in self.head if marker in _SOF)

    def bare(self, tables: bytes = b"", *, is_rgb: bool = False) -> bytes:
        """Give the stream with nothing but what its pixels hang on.

        Parameters
        ----------
        tables : bytes, optional
            Stream of tables that the picture shares with others.
        is_rgb : bool
            Whether the colours are stored as they are, whatever a note says.
        """
        notes = frozenset() if is_rgb else _COLOUR_NOTES
        shared = [(m, body) for m, body in _segments(tables) if m in _TABLES]
        own = [(m, body) for m, body in self.head if m in _TABLES | _SOF | notes]
        start = _SOI[:2] + (_AS_THEY_ARE if is_rgb else b"")
        written = (bytes([0xFF, m]) + body for m, body in [*shared, *own])
        return b"".join([start, *written, self.scans])


def read_jpeg(data: bytes) -> JpegStream:
    """Follow a JPEG stream to its end.

    Raises
    ------
    DamageError
        When the stream has no frame, or its end is missing.
    """
    head: list[tuple[int, bytes]] = []
    size, first, position = None, None, 2
    while True:
        marker, position = _next_marker(data, position)
        if marker == 0xD9:
            break
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if marker in _SOF:
            height, width = struct.unpack(">HH", data[position + 3 : position + 7])
            size = (width, height)
        if marker == _SOS and first is None:
            first = position - 2
        if first is None:
            head.append((marker, data[position : position + length]))
        position += length
    if size is None:
        raise DamageError("a JPEG part holds no picture")
    # cameras add pictures and notes; a picture cut in two goes on to another end
    rest = data[position:].rstrip(b"\x00")
    is_padding = not rest.strip(_PADDING)
    if rest.endswith(_EOI) and _SOI not in rest and not is_padding:
        raise DamageError("a JPEG part ends too early")
    scans = data[position - 2 if first is None else first : position]
    return JpegStream(*size, tuple(head), scans)


def _segments(tables: bytes) -> list[tuple[int, bytes]]:
    """Markers and contents of the segments of a stream without a picture."""
    found = []
    position = 2
    while position + 4 <= len(tables) and tables[position + 1] not in (0xD9, _SOS):
        start = position + 2
        position = start + int.from_bytes(tables[start : start + 2], "big")
        found.append((tables[start - 1], tables[start:position]))
    return found


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """Next marker at or after `position`, skipping entropy-coded bytes."""
    found = _SCAN_MARKER.search(data, position)
    if found is None:
        raise DamageError("a JPEG part has no end")
    return data[found.start() + 1], found.end()


def jpeg2000_size(data: bytes) -> tuple[int, int]:
    """(width, height) that a JPEG 2000 stream declares.

    Raises
    ------
    DamageError
        When there is no size in it.
    """
    at = data.find(_SIZ)
    fields = data[at + 8 : at + 24] if at >= 0 else b""
    if len(fields) < 16:
        raise DamageError("a JPEG 2000 part has no size")
    right, bottom, left, top = struct.unpack(">IIII", fields)
    return right - left, bottom - top


def jpeg2000_depth(data: bytes) -> tuple[int, int]:
    """(components, bits of the first of them) that a JPEG 2000 stream declares.

    Raises
    ------
    DamageError
        When it does not say.
    """
    at = data.find(_SIZ)
    fields = data[at + 40 : at + 43] if at >= 0 else b""
    if len(fields) < 3:
        raise DamageError("a JPEG 2000 part does not say of how many bits it is")
    components, first = struct.unpack(">HB", fields)
    return components, (first & 0x7F) + 1
