"""The pieces a shape of several leaves may fall into, and in which order they join.

A watershed cuts the shape wherever it narrows a little or the sheet shows an edge,
which is too often: lobes and teeth come off, too. Joining the pieces again, always
the two with the widest neck between them first, gives a binary tree; every way of
undoing its last joins is a way of cutting the shape (see `segment.split_judge`).
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

from napari_herbarium.segment.split import parted

SLIGHT_NECK = 0.9
"""A cut is thought of where the shape is at most this times as wide as beside it."""
_EDGE_WEIGHT = 1 / 6  # an edge thrice as strong as usual draws like a neck of 0.6
_STRONGEST_EDGE = 6.0
_USUAL_AT_BORDERS = 3.0
_INSIDE = 2.0  # px from the outline, whose own edge says nothing


class Border(NamedTuple):
    """Where two pieces meet.

    Attributes
    ----------
    neck : float
        Half the width of the shape at the widest place of the border, px.
    length : float
        Pairs of pixels, one of either piece, that touch; some 3 per px.
    inside : float
        How many of them lie well within the shape.
    edge : float
        Strength of the sheet's edges at these, summed; 1 is the usual inside.
    """

    neck: float
    length: float
    inside: float
    edge: float

    def with_more(self, other: Border) -> Border:
        """Join the borders of two pieces that became one."""
        sums = (a + b for a, b in zip(self[1:], other[1:], strict=True))
        return Border(max(self.neck, other.neck), *sums)


@dataclass(frozen=True)
class PieceTree:
    """Pieces of a shape and how they join.

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
        The whole shape.
    """

    pieces: NDArray[np.int32]
    area: dict[int, float]
    depth: dict[int, float]
    members: dict[int, list[int]]
    root: int
    parts: dict[int, tuple[int, int]] = field(default_factory=dict)
    borders: dict[int, Border] = field(default_factory=dict)


def piece_tree(
    mask: NDArray[np.bool_],
    min_area: float,
    edges: NDArray[np.floating] | None = None,
) -> PieceTree | None:
    """Cut a shape into pieces and join them.

    Parameters
    ----------
    mask : h x w bool
        The shape; False along the border of the picture.
    min_area : float
        Smallest leaf in px.
    edges : h x w float, optional
        Strength of the edges in the sheet.

    Returns
    -------
    PieceTree or None
        None when the shape has one piece.
    """
    depth = ndimage.distance_transform_edt(mask)
    markers = parted(depth, SLIGHT_NECK)
    if markers.max() < 2:
        return None
    edges = _relative(edges, depth)
    relief = _EDGE_WEIGHT * np.minimum(edges, _STRONGEST_EDGE) - _log(depth)
    pieces = watershed(relief, markers, mask=mask).astype(np.int32)
    borders = _borders(pieces, depth, edges)
    return _Joining(pieces, depth, borders, min_area).tree()


def _log(depth: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.log(np.maximum(depth, 0.5))


def _relative(
    edges: NDArray[np.floating] | None, depth: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Measure edges by what is usual inside the shape: veins, hairs, grain."""
    if edges is None:
        return np.full(depth.shape, _USUAL_AT_BORDERS)
    inside = depth > _INSIDE + 1
    if not inside.any():
        inside = depth > 0
    return edges / max(float(np.median(edges[inside])), 0.5)


def _borders(
    pieces: NDArray[np.int32],
    depth: NDArray[np.floating],
    edges: NDArray[np.floating],
) -> dict[tuple[int, int], Border]:
    count = int(pieces.max()) + 1
    found = [_touching(pieces, depth, edges, *s) for s in _STEPS]
    first, second, width, edge = np.concatenate(found, axis=1)
    pairs, at = np.unique(
        (first * count + second).astype(np.int64), return_inverse=True
    )
    neck = np.zeros(len(pairs))
    np.maximum.at(neck, at, width)
    inside = (width > _INSIDE).astype(float)
    sums = [
        np.bincount(at, values, len(pairs))
        for values in (np.ones(len(at)), inside, inside * edge)
    ]
    rows = np.column_stack([neck, *sums]).tolist()
    keys = (divmod(int(pair), count) for pair in pairs)
    return {key: Border(*row) for key, row in zip(keys, rows, strict=True)}


_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def _touching(
    pieces: NDArray[np.int32],
    depth: NDArray[np.floating],
    edges: NDArray[np.floating],
    down: int,
    right: int,
) -> NDArray[np.float64]:
    """4 x N: two pieces, lower first, that touch one step away; and what is there."""
    height, width = pieces.shape
    here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
    there = slice(down, height), slice(max(0, right), width + min(0, right))
    a, b = pieces[here], pieces[there]
    meet = (a != b) & (a > 0) & (b > 0)

    def both(values: NDArray[np.floating]) -> tuple[NDArray[np.floating], ...]:
        return values[here][meet], values[there][meet]

    return np.stack(
        [
            np.minimum(a[meet], b[meet]),
            np.maximum(a[meet], b[meet]),
            np.minimum(*both(depth)),
            np.maximum(*both(edges)),
        ]
    ).astype(np.float64)


class _Joining:
    """Join pieces, widest neck first; those too small for a leaf before all others."""

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
        self.queue: list[tuple[bool, float, int, int]] = []
        for (i, j), border in borders.items():
            self._meet(i, j, border)

    def tree(self) -> PieceTree:
        """Join until one is left."""
        while self.queue:
            _, _, i, j = heapq.heappop(self.queue)
            if i in self.beside and j in self.beside:
                self._join(i, j, self.beside[i][j])
        while len(self.beside) > 1:
            # What touched by a thread may not touch at the size it is looked at.
            i, j = list(self.beside)[:2]
            self._join(i, j, Border(0, 0, 0, 0))
        return self.found

    def _meet(self, i: int, j: int, border: Border) -> None:
        self.beside[i][j] = self.beside[j][i] = border
        smaller = min(self.found.depth[i], self.found.depth[j])
        order = (not self._small(i, j), -border.neck / smaller, i, j)
        heapq.heappush(self.queue, order)

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
