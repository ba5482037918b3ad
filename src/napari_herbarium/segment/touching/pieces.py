"""The pieces a patch of leaf may fall into, and in which order they join.

A watershed cuts the patch wherever it narrows a little, or leaves may meet, which is
too often: lobes and teeth come off, too. Joining the pieces again, always the two that
rather belong together first, gives a binary tree; every way of undoing its last joins
is a way of cutting the patch (see `segment.touching.split_judge`).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from napari_herbarium.segment.touching.apart import Apart, by_pair
from napari_herbarium.segment.touching.split import parted

SLIGHT_NECK = 0.9
"""A cut is thought of where the shape is at most this times as wide as beside it."""
POSSIBLE_SEAM = 0.15
"""And where the probability that leaves meet is at least this."""
_SEAM_WEIGHT = 3.0  # px of distance from the outline that a sure seam outweighs


class Border(NamedTuple):
    """Between two pieces.

    Attributes
    ----------
    neck : float
        Half the width of the shape at the widest place where they touch, px.
    length : float
        Pairs of pixels, one of either piece, that touch; some 3 per px.
    apart : float
        Log odds that they are of different leaves, summed over pairs of points.
    pairs : float
        How many pairs of points.
    """

    neck: float = 0.0
    length: float = 0.0
    apart: float = 0.0
    pairs: float = 0.0

    def with_more(self, other: Border) -> Border:
        """Join the borders of two pieces that became one."""
        sums = (a + b for a, b in zip(self[1:], other[1:], strict=True))
        return Border(max(self.neck, other.neck), *sums)

    def mean_apart(self) -> float:
        """Log odds of the usual pair of points; 0 where nothing is known."""
        return self.apart / self.pairs if self.pairs else 0.0


@dataclass(frozen=True)
class PieceTree:
    """Pieces of a patch and how they join.

    Attributes
    ----------
    pieces : h x w int32
        1 to n, 0 outside.
    area, depth : dict of int to float
        Of each node: px, and half its greatest width. Nodes 1 to n are the pieces;
        those above are joins, each numbered above what it joins.
    members : dict of int to list of int
        Pieces of each node.
    parts : dict of int to pair of int
        What each join joins; only where both are large enough to be leaves.
    borders : dict of int to Border
        Between these.
    root : int
        The whole patch.
    """

    pieces: NDArray[np.int32]
    area: dict[int, float]
    depth: dict[int, float]
    members: dict[int, list[int]]
    root: int
    parts: dict[int, tuple[int, int]] = field(default_factory=dict)
    borders: dict[int, Border] = field(default_factory=dict)


def piece_tree(
    mask: NDArray[np.bool_], min_area: float, apart: Apart | None = None
) -> PieceTree | None:
    """Cut a patch into pieces and join them.

    Parameters
    ----------
    mask : h x w bool
        The patch; False along the border of the picture.
    min_area : float
        Smallest leaf in px.
    apart : Apart, optional
        What is seen of the leaves in it; otherwise its shape has to do.

    Returns
    -------
    PieceTree or None
        None when the patch is one piece.
    """
    outline = ndimage.distance_transform_edt(mask)
    depth, relief = outline, -outline
    if apart is not None:
        seam = apart.seam()
        depth = ndimage.distance_transform_edt(mask & (seam < POSSIBLE_SEAM))
        relief = _SEAM_WEIGHT * seam - depth
    markers = parted(depth, SLIGHT_NECK)
    if markers.max() < 2:
        return None
    pieces = watershed(relief, markers, mask=mask).astype(np.int32)
    borders = _borders(pieces, outline)
    if apart is not None:
        for pair, (total, count) in apart.between(pieces).items():
            said = Border(apart=total, pairs=count)
            borders[pair] = borders.get(pair, Border()).with_more(said)
    return _Joining(pieces, outline, borders, min_area).tree()


def _borders(
    pieces: NDArray[np.int32], depth: NDArray[np.floating]
) -> dict[tuple[int, int], Border]:
    found = [_touching(pieces, depth, *step) for step in _STEPS]
    first, second, width = np.concatenate(found, axis=1)
    both, at = by_pair(first, second)
    neck = np.zeros(len(both))
    np.maximum.at(neck, at, width)
    length = np.bincount(at, minlength=len(both)).tolist()
    rows = zip(neck.tolist(), length, strict=True)
    return {pair: Border(*row) for pair, row in zip(both, rows, strict=True)}


_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def _touching(
    pieces: NDArray[np.int32], depth: NDArray[np.floating], down: int, right: int
) -> NDArray[np.float64]:
    """3 x N: two pieces, lower first, that touch one step away; and the depth there."""
    height, width = pieces.shape
    here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
    there = slice(down, height), slice(max(0, right), width + min(0, right))
    a, b = pieces[here], pieces[there]
    meet = (a != b) & (a > 0) & (b > 0)
    return np.stack(
        [
            np.minimum(a[meet], b[meet]),
            np.maximum(a[meet], b[meet]),
            np.minimum(depth[here][meet], depth[there][meet]),
        ]
    ).astype(np.float64)


class _Joining:
    """Join pieces; those too small for a leaf before all others."""

    def __init__(
        self,
        pieces: NDArray[np.int32],
        depth: NDArray[np.floating],
        borders: Mapping[tuple[int, int], Border],
        min_area: float,
    ) -> None:
        count = int(pieces.max())
        numbers = range(1, count + 1)
        areas = np.bincount(pieces.ravel(), minlength=count + 1)
        deepest = ndimage.maximum(depth, pieces, numbers)
        self.min_area = min_area
        self.found = PieceTree(
            pieces,
            {i: float(areas[i]) for i in numbers},
            dict(zip(numbers, map(float, deepest), strict=True)),
            {i: [i] for i in numbers},
            2 * count - 1,
        )
        self.beside: dict[int, dict[int, Border]] = {i: {} for i in numbers}
        self.queue: list[tuple[bool, bool, float, float, int, int]] = []
        for (i, j), border in borders.items():
            self._meet(i, j, border)

    def tree(self) -> PieceTree:
        """Join until one is left."""
        while self.queue:
            i, j = heapq.heappop(self.queue)[-2:]
            if i in self.beside and j in self.beside:
                self._join(i, j, self.beside[i][j])
        while len(self.beside) > 1:
            # What touched by a thread may not touch at the size it is looked at.
            i, j = list(self.beside)[:2]
            self._join(i, j, Border())
        return self.found

    def _meet(self, i: int, j: int, border: Border) -> None:
        self.beside[i][j] = self.beside[j][i] = border
        smaller = min(self.found.depth[i], self.found.depth[j])
        heapq.heappush(
            self.queue,
            (
                border.length == 0,
                not self._small(i, j),
                border.mean_apart(),
                -border.neck / smaller,
                i,
                j,
            ),
        )

    def _small(self, *nodes: int) -> bool:
        return min(self.found.area[node] for node in nodes) < self.min_area

    def _join(self, i: int, j: int, border: Border) -> None:
        found, new = self.found, len(self.found.area) + 1
        found.area[new] = found.area[i] + found.area[j]
        found.depth[new] = max(found.depth[i], found.depth[j])
        found.members[new] = found.members[i] + found.members[j]
        if not self._small(i, j):
            found.parts[new] = (i, j)
            found.borders[new] = border
        around: dict[int, Border] = {}
        for old in (i, j):
            for other, its in self.beside.pop(old).items():
                if other not in (i, j):
                    del self.beside[other][old]
                    more = around.get(other)
                    around[other] = its if more is None else more.with_more(its)
        self.beside[new] = {}
        for other, its in around.items():
            self._meet(new, other, its)
