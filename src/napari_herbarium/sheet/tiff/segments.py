"""The strips or tiles of one TIFF picture, checked before any is decoded.

What can be known without decoding is checked at once, so that a sheet opened lazily
is known to be complete: the number of strips, their positions against the size of
the file, and the size they decode to against the bytes they have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.damage import damaged, unsupported
from napari_herbarium.sheet.decode.decoders import (
    RAW,
    Decoder,
    compression_name,
    decoder_of,
    is_decodable,
    part_of,
)

_COUNTS = frozenset({279, 325})
_LARGEST_RATIO = {5: 4096, 8: 1100, 32773: 70, 32946: 1100, 7: 4096}
"""Decoded bytes per stored byte that a compression cannot exceed."""


@dataclass(frozen=True)
class Segments:
    """Where the parts of a picture lie and how each decodes.

    Attributes
    ----------
    height, width : int
        Of the picture in px.
    planes, samples : int
        Samples stored apart, and samples stored together; one of them is 1.
    stored : numpy.dtype
        Of the samples, in the byte order of the file.
    part : (int, int)
        Rows and columns of a strip or tile.
    offsets, counts : array of int64
        Position and bytes in the file, plane by plane, row by row.
    decode : callable
        (bytes, index) -> rows x columns x samples.
    is_run : bool
        Whether the pixels lie uncompressed, row after row, plane after plane.
    """

    height: int
    width: int
    planes: int
    samples: int
    stored: np.dtype
    part: tuple[int, int]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    decode: Decoder
    is_run: bool

    @property
    def dtype(self) -> np.dtype:
        """Of the samples, in the byte order of this machine."""
        return self.stored.newbyteorder("=")

    @property
    def grid(self) -> tuple[int, int]:
        """Strips or tiles down and across."""
        return -(-self.height // self.part[0]), -(-self.width // self.part[1])

    @property
    def part_bytes(self) -> int:
        """Decoded bytes of one part."""
        return self.part[0] * self.part[1] * self.samples * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Decoded bytes of the picture."""
        samples = self.planes * self.samples
        return self.height * self.width * samples * self.dtype.itemsize


def segments_of(page: Any, path: Path) -> Segments:
    """Find and check the parts of a TIFF page.

    Parameters
    ----------
    page : tifffile.TiffPage
        Of an open file, which may be closed afterwards.
    path : Path
        Named in errors.

    Raises
    ------
    SheetError
        When parts are missing, lie beyond the end of the file, or cannot hold the
        pixels they should.
    """
    if not is_decodable(page):
        what = f"is stored with {compression_name(page)}"
        raise unsupported(path, what, "save it with LZW or deflate, or uncompressed")
    part = part_of(page)
    if min(part) < 1:
        raise damaged(path, f"its strips or tiles are {part[1]} x {part[0]} px")
    segments = Segments(
        height=page.imagelength,
        width=page.imagewidth,
        planes=page.shaped[0],
        samples=page.shaped[4],
        stored=page.dtype.newbyteorder(page.parent.byteorder),
        part=part,
        offsets=np.asarray(page.dataoffsets, np.int64),
        counts=_counts(page, path.stat().st_size),
        decode=decoder_of(page),
        is_run=bool(page.is_final and not page.is_tiled),
    )
    segments = _check_places(segments, path)
    _check_sizes(segments, page, path)
    return segments


def _counts(page: Any, size: int) -> NDArray[np.int64]:
    """Bytes of the parts; up to the next part where an old writer left them out."""
    if not _COUNTS.isdisjoint(page.tags.keys()):
        return np.asarray(page.databytecounts, np.int64)
    offsets = np.asarray(page.dataoffsets, np.int64)
    ends = np.append(np.unique(offsets), size)
    return (
        ends[np.searchsorted(ends, offsets, side="right").clip(max=len(ends) - 1)]
        - offsets
    )


def _check_places(segments: Segments, path: Path) -> Segments:
    """Segments without surplus entries, all of them within the file."""
    down, across = segments.grid
    needed = down * across * segments.planes
    listed = min(len(segments.offsets), len(segments.counts))
    if listed < needed:
        raise damaged(path, f"{listed} of its {needed} strips or tiles are listed")
    offsets, counts = segments.offsets[:needed], segments.counts[:needed]
    if offsets.min() < 8 or counts.min() < 1:
        raise damaged(path, "some of its strips or tiles are empty")
    size = path.stat().st_size
    # compared without adding up, which could overflow
    beyond = int(np.count_nonzero(counts > size - np.minimum(offsets, size)))
    if beyond:
        reason = f"it ends before {beyond} of its {needed} strips or tiles"
        raise damaged(path, reason)
    return replace(segments, offsets=offsets, counts=counts)


def _check_sizes(segments: Segments, page: Any, path: Path) -> None:
    """Compare stored with decoded bytes, which a compression stretches only so far."""
    code = int(page.compression)
    if code == RAW and not page.is_subsampled:
        if np.any(segments.counts < _raw_counts(segments, page)):
            raise damaged(path, "its strips or tiles are shorter than their pixels")
        return
    ratio = _LARGEST_RATIO.get(code)
    # packed as they are stored: a bit takes a byte only when it is decoded
    unpacked = int(_raw_counts(segments, page).max())
    if ratio and unpacked > ratio * (int(segments.counts.max()) + 64):
        raise damaged(path, "its pixels cannot come from so few bytes")


def _raw_counts(segments: Segments, page: Any) -> NDArray[np.int64]:
    """Bytes that each uncompressed part needs."""
    down, across = segments.grid
    rows = np.full(down, segments.part[0], np.int64)
    if not page.is_tiled:
        rows[-1] = segments.height - segments.part[0] * (down - 1)
    bits = segments.part[1] * segments.samples * int(page.bitspersample)
    return np.tile(np.repeat(rows * -(-bits // 8), across), segments.planes)
