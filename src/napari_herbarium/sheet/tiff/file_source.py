"""Reading windows of a picture from its file, decoded when they are asked for.

The file is open only while it is read, so it can be moved or deleted at any time; a
file that changed since is refused.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.damage import DamageError, reading
from napari_herbarium.sheet.decode.encoding import Encoding
from napari_herbarium.sheet.source import CHUNK_BYTES, Pixels, bands
from napari_herbarium.sheet.tiff.segments import Segments

_CHUNK_SIDE = 1024


@dataclass(frozen=True)
class Fingerprint:
    """Size and time of a file, to notice that it was replaced."""

    size: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Fingerprint:
        """Fingerprint from `os.stat`."""
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class FileSource(ABC):
    """A picture in a file.

    Attributes
    ----------
    path : Path
        The file.
    fingerprint : Fingerprint
        Of the file when it was checked.
    segments : Segments
        Where its pixels lie.
    encoding : Encoding
        What its samples mean.
    """

    path: Path
    fingerprint: Fingerprint
    segments: Segments
    encoding: Encoding

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.segments.height, self.segments.width, self.encoding.channels

    @property
    def dtype(self) -> np.dtype:
        """Of the decoded pixels."""
        return self.encoding.dtype

    @property
    @abstractmethod
    def chunk(self) -> tuple[int, int]:
        """Rows and columns that are well read at once."""

    @abstractmethod
    def samples(self, file: BinaryIO, rows: slice, columns: slice) -> Pixels:
        """Read the stored samples of a window, h x w x S."""

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Decode a window, h x w x channels.

        Raises
        ------
        SheetError
            When the file has changed or its bytes cannot be decoded.
        """
        with (
            reading(self.path, "its pixels cannot be decoded"),
            self.path.open("rb", buffering=0) as file,
        ):
            if Fingerprint.of(os.fstat(file.fileno())) != self.fingerprint:
                name = self.path.name
                msg = f"{name} has changed since it was opened: open it again."
                raise SheetError(msg)
            return self.encoding.decode(self.samples(file, rows, columns))


class RunSource(FileSource):
    """Uncompressed pixels that lie in the file as one run.

    Scanners write such a sheet as one strip, or as thousands of single rows; it can
    be read from any row to any other.
    """

    @property
    def chunk(self) -> tuple[int, int]:
        """Bands of rows."""
        return bands(self.shape, self.dtype)

    def samples(self, file: BinaryIO, rows: slice, columns: slice) -> Pixels:
        """Read whole rows and cut the columns out of them."""
        parts = self.segments
        row = parts.width * parts.samples
        count = (rows.stop - rows.start) * row
        planes = []
        for plane in range(parts.planes):
            first = (plane * parts.height + rows.start) * row
            file.seek(int(parts.offsets[0]) + first * parts.stored.itemsize)
            values = _take(file, parts.stored, count)
            planes.append(values.reshape(-1, parts.width, parts.samples)[:, columns])
        pixels = planes[0] if parts.planes == 1 else np.concatenate(planes, axis=2)
        return pixels.astype(parts.dtype, copy=False)


class SegmentSource(FileSource):
    """Strips or tiles, of which those are decoded that a window touches."""

    @property
    def chunk(self) -> tuple[int, int]:
        """Groups of tiles of about 1024 px, or bands of strips of about 4 MiB.

        Multiples of 8 px where parts allow, so that reduced levels fit them.
        """
        parts = self.segments
        rows, columns = parts.part
        if columns < parts.width:
            return _whole_parts(rows, _CHUNK_SIDE), _whole_parts(columns, _CHUNK_SIDE)
        row = max(1, parts.nbytes // parts.height)
        return _whole_parts(rows, CHUNK_BYTES // row), columns

    def samples(self, file: BinaryIO, rows: slice, columns: slice) -> Pixels:
        """Decode strips or tiles and put them together."""
        parts = self.segments
        size = (rows.stop - rows.start, columns.stop - columns.start)
        window = np.empty((parts.planes, *size, parts.samples), parts.dtype)
        touched = product(
            range(parts.planes),
            _touched(rows, parts.part[0]),
            _touched(columns, parts.part[1]),
        )
        for plane, down, across in touched:
            pixels = self._decode(file, plane, down, across)
            to_y, from_y = _overlap(down, parts.part[0], rows)
            to_x, from_x = _overlap(across, parts.part[1], columns)
            _check_covers(pixels, from_y.stop, from_x.stop)
            window[plane, to_y, to_x] = pixels[from_y, from_x]
        if parts.planes == 1:
            return window[0]
        return np.ascontiguousarray(np.moveaxis(window[..., 0], 0, 2))

    def _decode(self, file: BinaryIO, plane: int, down: int, across: int) -> Pixels:
        grid = self.segments.grid
        index = (plane * grid[0] + down) * grid[1] + across
        file.seek(int(self.segments.offsets[index]))
        count = int(self.segments.counts[index])
        data = _take(file, np.dtype(np.uint8), count)
        return self.segments.decode(data.tobytes(), index)


def _take(file: BinaryIO, dtype: np.dtype, count: int) -> NDArray:
    values = np.fromfile(file, dtype, count)
    if values.size < count:
        raise DamageError("it ends within its pixels")
    return values


def _whole_parts(side: int, wanted: int) -> int:
    """Multiple of a part's side near `wanted`; of 8 px too unless far larger."""
    unit = math.lcm(side, 8)
    if unit > 4 * wanted:
        unit = side
    return unit * max(1, wanted // unit)


def _touched(span: slice, side: int) -> range:
    """List the parts of a given side that a span touches."""
    return range(span.start // side, -(-span.stop // side))


def _overlap(index: int, side: int, span: slice) -> tuple[slice, slice]:
    """Where a part meets a window: within the window, and within the part."""
    start = index * side
    low, high = max(start, span.start), min(start + side, span.stop)
    return slice(low - span.start, high - span.start), slice(low - start, high - start)


def _check_covers(pixels: Pixels, rows: int, columns: int) -> None:
    """Refuse a part that decodes to less than it should; numpy would repeat it."""
    if pixels.shape[0] < rows or pixels.shape[1] < columns:
        height, width = pixels.shape[:2]
        msg = f"a strip or tile holds {width} x {height} px where more are needed"
        raise DamageError(msg)
