"""Cut touching leaves apart where it is probable that two leaves meet.

Every join of the tree of pieces (`segment.pieces`) is judged by its border: short
against the pieces, narrow, an edge of the sheet along it.
Who can tell whole leaves from parts may be asked, too: where two pieces look more
like whole leaves than the two together, leaves rather meet. Of all ways to cut the
shape the one with the highest sum of log odds is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_herbarium.progress import Job
from napari_herbarium.segment.cut_odds import best_cut
from napari_herbarium.segment.pieces import SLIGHT_NECK, PieceTree, piece_tree
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.split import Box, Pieces, iter_split_each, parted
from napari_herbarium.segment.working_size import (
    at_full_size,
    shrunk,
    shrunk_values,
    step_to,
)

_LOOK = 160
_WORKING_SIDE = 512
_EDGE_SIGMA = 1.2
_AROUND = 0.1  # of the longer side: what the judge sees around a shape


class Judge(Protocol):
    """Says how probable it is that a label is one single, whole leaf.

    `napari_herbarium.measure.whole.quick_whole_probability` is one.
    """

    def __call__(
        self, labels: NDArray[Any], *, only: Collection[int]
    ) -> Mapping[int, float]:
        """Judge the labels in `only`; the others are what lies around them."""


class Help(NamedTuple):
    """What is known beside the labels.

    Attributes
    ----------
    image : H x W x 3 uint8 array-like or None
        The sheet, for its edges.
    judge : Judge or None
        Who can tell whole leaves.
    """

    image: Any = None
    judge: Judge | None = None


def iter_split_judged(
    labels: NDArray[np.integer], min_area: float, help_: Help
) -> Job[NDArray[np.integer]]:
    """Split labels where it is probable that leaves meet.

    Parameters
    ----------
    labels : H x W
        Every number from 1 to the largest occurs.
    min_area : float
        No piece smaller than this, in px, is cut off.
    help_ : Help
        Sheet and judge.

    Yields
    ------
    Progress
        After each label, and within one that has many pieces.

    Returns
    -------
    H x W uint16, or int32 where that does not suffice
        Every number from 1 to the largest occurs; each old label is the union of
        new ones.
    """
    # Labels come from top to bottom, and so the sheet is read, band by band.
    sheet = None if help_.image is None else SheetRows(help_.image)

    def pieces_of(label: int, box: Box, mask: NDArray[np.bool_]) -> Pieces:
        yield
        if not _may_fall_apart(mask):
            return None
        step = step_to(mask.shape, _WORKING_SIDE)
        edges = None if sheet is None else _edges(sheet, box, step)
        tree = piece_tree(np.pad(shrunk(mask, step), 1), min_area / step**2, edges)
        if tree is None:
            return None
        whole = None
        if help_.judge is not None and tree.parts:
            around = _around(labels, label, box, step)
            whole = yield from _asked(tree, around, help_.judge)
        return at_full_size(_numbered(tree, best_cut(tree, whole)), mask, step)

    return (yield from iter_split_each(labels, pieces_of))


def edge_strength(picture: NDArray[np.floating]) -> NDArray[np.float32]:
    """Give how fast the colour changes, h x w, in levels per px.

    Parameters
    ----------
    picture : h x w x 3 float
        sRGB, 0..255.
    """
    total = np.zeros(picture.shape[:2], np.float32)
    for channel in np.moveaxis(picture, -1, 0):
        for order in ((1, 0), (0, 1)):
            total += ndimage.gaussian_filter(channel, _EDGE_SIGMA, order=order) ** 2
    return np.sqrt(total)


def _may_fall_apart(mask: NDArray[np.bool_]) -> bool:
    """Whether a first look, smaller still, finds more than one piece."""
    small = np.pad(shrunk(mask, step_to(mask.shape, _LOOK)), 1)
    depth = ndimage.distance_transform_edt(small)
    return int(parted(depth, SLIGHT_NECK).max()) > 1


def _numbered(tree: PieceTree, nodes: list[int]) -> NDArray[np.int32]:
    """Give each piece the place, from 1 on, of the node that it belongs to."""
    number = np.zeros(len(tree.members) + 1, np.int32)
    for new, node in enumerate(nodes, start=1):
        number[tree.members[node]] = new
    return number[tree.pieces[1:-1, 1:-1]]


def _edges(sheet: SheetRows, box: Box, step: int) -> NDArray[np.floating]:
    picture = sheet.read(box[0].start, box[0].stop, box[1])
    channels = [shrunk_values(picture[..., c], step) for c in range(3)]
    return np.pad(edge_strength(np.stack(channels, axis=-1)), 1, mode="edge")


def _around(
    labels: NDArray[np.integer], label: int, box: Box, step: int
) -> NDArray[np.int32]:
    """Give 1 where another label, or no picture, lies in and around the box."""
    longer = max(part.stop - part.start for part in box)
    pad = max(2, int(_AROUND * longer / step))
    at = []
    for part in box:
        count = -(-(part.stop - part.start) // step)
        at.append(part.start + step // 2 + step * np.arange(-pad, count + pad))
    inside = [
        (rows >= 0) & (rows < side) for rows, side in zip(at, labels.shape, strict=True)
    ]
    around = np.ones((len(at[0]), len(at[1])), np.int32)
    seen = labels[np.ix_(*(a[i] for a, i in zip(at, inside, strict=True)))]
    around[np.ix_(*inside)] = (seen != 0) & (seen != label)
    return around


def _asked(
    tree: PieceTree, around: NDArray[np.int32], judge: Judge
) -> Generator[None, None, dict[int, float]]:
    """Ask of each node of the tree that may be a leaf."""
    pad = (len(around) - (len(tree.pieces) - 2)) // 2
    pieces = np.pad(tree.pieces[1:-1, 1:-1], pad)
    whole: dict[int, float] = {}
    for nodes in _side_by_side(tree):
        number = np.ones(len(tree.members) + 1, np.int32)
        for new, node in enumerate(nodes, start=2):
            number[tree.members[node]] = new
        seen = np.where(pieces > 0, number[pieces], around)
        said = judge(seen, only=range(2, len(nodes) + 2))
        whole |= {node: said.get(new, 0.0) for new, node in enumerate(nodes, start=2)}
        yield
    return whole


def _side_by_side(tree: PieceTree) -> Iterator[list[int]]:
    """Group nodes by height: those of one height do not overlap."""
    height: dict[int, int] = {}
    for node in sorted({tree.root, *(p for pair in tree.parts.values() for p in pair)}):
        parts = tree.parts.get(node, ())
        height[node] = 1 + max((height[part] for part in parts), default=-1)
    for level in range(max(height.values()) + 1):
        yield [node for node, its in height.items() if its == level]
