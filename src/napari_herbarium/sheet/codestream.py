"""What JPEG and JPEG 2000 streams declare, read before they are decoded.

The decoders fill a JPEG that ends early with grey and say nothing, and they believe
whatever size a stream declares; both are found out here.
"""

from __future__ import annotations

import re
import struct

from napari_herbarium.sheet.damage import DamageError

_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_EOI = b"\xff\xd9"
_PADDING = b"\x00\r\n " + b"\xff\xd9"
"""Bytes of filling and of further ends, which hold no pixels."""
_SOI = b"\xff\xd8\xff"
_SIZ = b"\xff\x4f\xff\x51"
_SCAN_MARKER = re.compile(rb"\xff[\x01-\xfe]")


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) that a JPEG stream declares, after checking it to its end.

    Raises
    ------
    DamageError
        When the stream has no frame, or its end is missing.
    """
    size = None
    position = 2
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
        position += length
    if size is None:
        raise DamageError("a JPEG part holds no picture")
    # cameras add pictures and notes; a picture cut in two goes on to another end
    rest = data[position:].rstrip(b"\x00")
    is_padding = not rest.strip(_PADDING)
    if rest.endswith(_EOI) and _SOI not in rest and not is_padding:
        raise DamageError("a JPEG part ends too early")
    return size


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
