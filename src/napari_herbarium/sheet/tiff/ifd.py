"""The list of pages of a TIFF file, walked without trusting it.

tifffile ends its page list quietly where a link is broken; then a thumbnail could
pass for the sheet. Here every link is followed and checked first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from napari_herbarium.sheet.damage import damaged, unsupported

MAX_PAGES = 1000
_MAX_TAGS = 4096


@dataclass(frozen=True)
class Layout:
    """How numbers are stored: byte order and the widths of classic or BigTIFF."""

    order: str
    big: bool

    @property
    def count_format(self) -> str:
        """Format of the number of tags."""
        return self.order + ("Q" if self.big else "H")

    @property
    def offset_format(self) -> str:
        """Format of a position in the file."""
        return self.order + ("Q" if self.big else "I")

    @property
    def tag_size(self) -> int:
        """Bytes of one tag."""
        return 20 if self.big else 12


@dataclass(frozen=True)
class Ifd:
    """One page's list of tags: where it is, which tags it names, what follows."""

    offset: int
    codes: tuple[int, ...]
    following: int


class IfdReader:
    """Reads page lists from an open file.

    Parameters
    ----------
    file : binary file
        Open for reading.
    path : Path
        Named in errors.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._size = path.stat().st_size
        self.layout, self._first = self._header()

    def _header(self) -> tuple[Layout, int]:
        head = self._file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        version = struct.unpack(f"{order}H", head[2:4])[0] if order else 0
        if version == 42 and len(head) >= 8:
            return Layout(str(order), False), struct.unpack(f"{order}I", head[4:8])[0]
        if version == 43 and len(head) == 16:
            return Layout(str(order), True), struct.unpack(f"{order}Q", head[8:])[0]
        raise unsupported(
            self._path, "is not a TIFF file", "check that it is a scanned image"
        )

    def chain(self) -> list[Ifd]:
        """All pages linked from the header.

        Raises
        ------
        SheetError
            For an empty list, a link out of the file, a loop or too many pages.
        """
        pages: list[Ifd] = []
        seen: set[int] = set()
        offset = self._first
        while offset:
            if offset in seen:
                raise damaged(self._path, "its list of pages runs in a circle")
            if len(pages) == MAX_PAGES:
                raise unsupported(
                    self._path,
                    f"has more than {MAX_PAGES} pages",
                    "save the sheet as a file of its own",
                )
            seen.add(offset)
            pages.append(self.at(offset))
            offset = pages[-1].following
        if not pages:
            raise damaged(self._path, "it holds no picture")
        return pages

    def at(self, offset: int) -> Ifd:
        """Page whose list of tags starts at `offset`."""
        count = self._unpack(self.layout.count_format, offset)
        start = offset + struct.calcsize(self.layout.count_format)
        end = start + count * self.layout.tag_size
        if not 0 < count <= _MAX_TAGS:
            raise damaged(self._path, f"a page lists {count} tags")
        following = self._unpack(self.layout.offset_format, end)
        self._file.seek(start)
        tags = self._file.read(end - start)
        halves = struct.unpack(f"{self.layout.order}{len(tags) // 2}H", tags)
        return Ifd(offset, halves[:: self.layout.tag_size // 2], following)

    def _unpack(self, fmt: str, offset: int) -> int:
        size = struct.calcsize(fmt)
        if offset < 8 or offset + size > self._size:
            raise damaged(self._path, "it ends before its list of pages")
        self._file.seek(offset)
        return int(struct.unpack(fmt, self._file.read(size))[0])
