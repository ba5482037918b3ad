"""What a JP2 file says of its colours, in the boxes around its stream.

The decoder would apply an ICC profile by itself, before samples of few bits fill
their range and without telling; so the profile is taken out and applied later, as
for any other file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CMYK = 12
_SRGB, _GREY = 16, 17
_ENUMERATED, _BY_PROFILE = 1, (2, 3)
_SIGNATURE = b"jP  "
_STATEMENT = 7
"""Bytes of a statement of colours without a profile."""


@dataclass(frozen=True)
class Jp2Colours:
    """Colours that a file states.

    Attributes
    ----------
    data : bytes
        The file, without a profile.
    profile : bytes or None
        ICC profile.
    space : int or None
        Number of the colour space, of the list in ISO 15444-1 or -2.
    """

    data: bytes
    profile: bytes | None = None
    space: int | None = None


def jp2_colours(data: bytes, components: int) -> Jp2Colours:
    """Read what a JPEG 2000 file says of its colours.

    Parameters
    ----------
    data : bytes
        The file; a bare stream says nothing.
    components : int
        Of the stream, before a palette makes others of them.
    """
    boxes = _header_boxes(data)
    if b"colr" not in boxes:
        return Jp2Colours(data)
    start, end = boxes[b"colr"]
    method = data[start]
    if method == _ENUMERATED and end - start >= _STATEMENT:
        return Jp2Colours(data, space=_number(data, start + 3))
    if method not in _BY_PROFILE or end - start < _STATEMENT:
        return Jp2Colours(data)
    space = _GREY if components < 3 and b"pclr" not in boxes else _SRGB
    statement = struct.pack(">BBBI", _ENUMERATED, 0, 0, space)
    plain = data[:start] + statement + data[start + _STATEMENT :]
    return Jp2Colours(plain, profile=data[start + 3 : end])


def _header_boxes(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Where the contents of the first box of each kind in the header lie."""
    if data[4:8] != _SIGNATURE:
        return {}
    found: dict[bytes, tuple[int, int]] = {}
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"jp2h":
            for inner, *place in _boxes(data, start, end):
                found.setdefault(inner, (place[0], place[1]))
            break
    return found


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kinds of boxes with where their contents start and end, while they make sense."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        contents = start + 8
        if length == 1 and start + 16 <= end:
            length = int(struct.unpack_from(">Q", data, contents)[0])
            contents += 8
        stop = start + length if length else end
        if not contents < stop <= end:
            return
        yield kind, contents, stop
        start = stop


def _number(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])
