"""Cut touching leaves apart where it is probable that two leaves meet.

Every join of the tree of pieces (`segment.pieces`) is judged: by its border, short
against the pieces or narrow, and by what the seam network sees of the sheet there.
Who can tell whole leaves from parts may be asked, too: where two pieces look more
like whole leaves than the two together, leaves rather meet. Of all ways to cut the
patch the one with the highest sum of log odds is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.progress import Job
from napari_herbarium.segment.apart import look_apart
from napari_herbarium.segment.cut_odds import best_cut
from napari_herbarium.segment.patch_view import MARGIN, PatchView, patch_view
from napari_herbarium.segment.pieces import PieceTree, piece_tree
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.split import Box, Pieces, iter_split_each
from napari_herbarium.segment.working_size import fitted_to


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
        The sheet, to see where leaves meet.
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

    Raises
    ------
    ModelError
        When the bundled seam network is damaged.
    """
    # Labels come from top to bottom, and so the sheet is read, band by band.
    sheet = None if help_.image is None else SheetRows(help_.image)

    def pieces_of(label: int, box: Box, mask: NDArray[np.bool_]) -> Pieces:
        yield
        if mask.sum() < 2 * min_area:
            return None
        view = patch_view(sheet, box, mask)
        tree = tree_of(view, min_area)
        if tree is None or not tree.parts:
            return None
        whole = None
        if help_.judge is not None:
            around = around_view(labels, label, box, view)
            whole = yield from asked(tree, around, help_.judge)
        nodes = best_cut(tree, whole, seen=sheet is not None)
        return _cut(tree, nodes, view, mask)

    return (yield from iter_split_each(labels, pieces_of))


def tree_of(view: PatchView, min_area: float) -> PieceTree | None:
    """Look at a patch, and give the pieces that it may fall into.

    Parameters
    ----------
    view : PatchView
    min_area : float
        Smallest leaf, px of the sheet.
    """
    image, mask = view.image, view.mask
    apart = None if image is None else look_apart(image, mask)
    return piece_tree(mask, min_area * view.zoom**2, apart)


def _cut(
    tree: PieceTree, nodes: list[int], view: PatchView, mask: NDArray[np.bool_]
) -> NDArray[np.integer] | None:
    """Give each pixel of a patch the number, from 1 on, of the leaf it belongs to."""
    number = np.zeros(len(tree.members) + 1, np.int32)
    for new, node in enumerate(nodes, start=1):
        number[tree.members[node]] = new
    pieces = view.brought_back(number[tree.pieces])
    kept = np.unique(pieces[mask & (pieces > 0)])
    if len(kept) < 2:
        return None
    # A leaf that is a thread at this size may be none at the sheet's.
    renumbered = np.zeros(len(nodes) + 1, np.int32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    return fitted_to(renumbered[pieces], mask)


def around_view(
    labels: NDArray[np.integer], label: int, box: Box, view: PatchView
) -> NDArray[np.int32]:
    """Give 1 where another label, or no picture, lies in the view."""
    at, inside = [], []
    for part, count, side in zip(box, view.mask.shape, labels.shape, strict=True):
        inner = count - 2 * MARGIN
        places = np.arange(-MARGIN, inner + MARGIN) + 0.5
        rows = part.start + (places * (part.stop - part.start) // inner).astype(int)
        at.append(rows)
        inside.append((rows >= 0) & (rows < side))
    around = np.ones(view.mask.shape, np.int32)
    seen = labels[np.ix_(*(a[i] for a, i in zip(at, inside, strict=True)))]
    around[np.ix_(*inside)] = (seen != 0) & (seen != label)
    return around


def asked(
    tree: PieceTree, around: NDArray[np.int32], judge: Judge
) -> Generator[None, None, dict[int, float]]:
    """Ask of each node of the tree that may be a leaf."""
    whole: dict[int, float] = {}
    for nodes in _side_by_side(tree):
        number = np.ones(len(tree.members) + 1, np.int32)
        for new, node in enumerate(nodes, start=2):
            number[tree.members[node]] = new
        seen = np.where(tree.pieces > 0, number[tree.pieces], around)
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
