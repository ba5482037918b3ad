"""Cut touching leaves apart where it is probable that two leaves meet.

Every join of the tree of pieces (`pieces.PieceTree`) is judged: by its border, short
against the pieces or narrow, and by what the seam network sees of the sheet there.
Who can tell whole leaves from parts may be asked, too: where two pieces look more
like whole leaves than the two together, leaves rather meet. Of all ways to cut the
patch the one with the highest sum of log odds is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.progress import Job
from napari_herbarium.segment.pixels import SheetRows, in_memory
from napari_herbarium.segment.touching.apart import look_apart
from napari_herbarium.segment.touching.cut_odds import best_cut
from napari_herbarium.segment.touching.patch_view import MARGIN, PatchView, patch_view
from napari_herbarium.segment.touching.pieces import PieceTree, piece_tree
from napari_herbarium.segment.touching.side_by_side import SideBySide
from napari_herbarium.segment.touching.split import (
    Box,
    Leaves,
    Pieces,
    all_of,
    iter_split_each,
    top_to_bottom,
)
from napari_herbarium.segment.working_size import fitted_to

CLOSER = (1.0, 1.8)
"""How large patches are seen at each look. What is in doubt is looked at anew, from
closer by: a heap is wider than the leaves in it, so that they were seen small."""
SURELY_WHOLE = 0.8
"""What is one whole leaf with this probability is not looked at again."""


class Judge(Protocol):
    """Says how probable it is that a label is one single, whole leaf.

    `napari_herbarium.measure.whole.judge.quick_whole_probability` is one. Several
    threads may ask at once.
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
) -> Job[Leaves]:
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
    Leaves
        Each old label is the union of new ones.

    Raises
    ------
    ModelError
        When the bundled seam network is damaged.
    """
    # Labels come from top to bottom, and so a sheet too large for memory is read.
    sheet = None if help_.image is None else SheetRows(in_memory(help_.image))

    leaves = all_of(labels)
    chosen = top_to_bottom(leaves)
    for closer in CLOSER:
        looking = Looking(leaves.labels, min_area, sheet, help_.judge, closer)
        with _Cut(looking, leaves, chosen) as cut:
            leaves = yield from iter_split_each(leaves, cut.pieces_of, chosen)
        chosen = top_to_bottom(leaves, cut.doubtful)
        if not chosen:
            break
    return leaves


class _Cut(SideBySide[int, "_Found | None"]):
    """Cuts patches, and remembers which of the labels that come of it are in doubt.

    Parameters
    ----------
    looking : Looking
    leaves : Leaves
    chosen : collection of int
        Labels that are cut, in the order in which they are asked for.

    Attributes
    ----------
    doubtful : list of int
        Those that may be several leaves, or part of one.
    """

    def __init__(
        self, looking: Looking, leaves: Leaves, chosen: Collection[int]
    ) -> None:
        super().__init__(self._iter_found, chosen)
        self._looking, self._leaves = looking, leaves
        self._count = len(leaves.boxes)
        self.doubtful: list[int] = []

    def pieces_of(self, label: int, _box: Box, _mask: NDArray[np.bool_]) -> Pieces:
        """Cut a patch where it is probable that two leaves meet."""
        found = yield from self.iter_next()
        if found is None:
            return None
        made = range(self._count + 1, self._count + len(found.doubtful))
        self._count += len(made)
        numbers = (label, *made)
        self.doubtful += compress(numbers, found.doubtful)
        return found.pieces

    def _iter_found(self, label: int) -> Generator[None, None, _Found | None]:
        box = self._leaves.boxes[label - 1]
        mask = self._leaves.labels[box] == label
        looked = yield from self._looking.iter_at(label, box, mask)
        if looked is None:
            return None
        pieces, nodes = _cut(looked, mask, seen=self._looking.sheet is not None)
        return _Found(pieces, [looked.in_doubt(node) for node in nodes])


class _Found(NamedTuple):
    """What a label is cut into: pieces from 1 on, and which of them are in doubt."""

    pieces: NDArray[np.integer] | None
    doubtful: list[bool]


class Looked(NamedTuple):
    """What is seen of a patch that may be several leaves.

    Attributes
    ----------
    view : PatchView
    tree : PieceTree
        The pieces that it may fall into.
    whole : dict of int to float, or None
        By node, the probability that it is one single, whole leaf.
    """

    view: PatchView
    tree: PieceTree
    whole: dict[int, float] | None

    def in_doubt(self, node: int) -> bool:
        """Say whether a node may be several leaves, or part of one."""
        return self.whole is not None and self.whole.get(node, 0.0) < SURELY_WHOLE

    def grouped(
        self, mask: NDArray[np.bool_], groups: Sequence[Sequence[int]]
    ) -> tuple[NDArray[np.integer] | None, list[int]]:
        """Give pixels of the patch the number of their group of pieces, from 1 on.

        Parameters
        ----------
        mask : h x w bool
            The patch at the sheet's own size, connected.
        groups : sequence of sequence of int
            Together all pieces of the tree.

        Returns
        -------
        ndarray or None
            h x w, 0 outside; None where one group alone is there at this size.
        list of int
            Which groups are, counted from 0.
        """
        number = np.zeros(len(self.tree.members) + 1, np.int32)
        for new, members in enumerate(groups, start=1):
            number[list(members)] = new
        pieces = self.view.brought_back(number[self.tree.pieces])
        # A leaf that is a thread at this size may be none at the sheet's.
        kept = np.unique(pieces[mask & (pieces > 0)])
        places = [int(new) - 1 for new in kept]
        if len(kept) < 2:
            return None, places
        renumbered = np.zeros(len(groups) + 1, np.int32)
        renumbered[kept] = np.arange(1, len(kept) + 1)
        return fitted_to(renumbered[pieces], mask), places


class Looking(NamedTuple):
    """All that is needed to look at the patches of a sheet.

    Attributes
    ----------
    labels : H x W
    min_area : float
        Smallest leaf, px.
    sheet : SheetRows or None
    judge : Judge or None
    closer : float
        How many times as large as usual they are seen.
    """

    labels: NDArray[np.integer]
    min_area: float
    sheet: SheetRows | None
    judge: Judge | None
    closer: float = 1.0

    def iter_at(
        self, label: int, box: Box, mask: NDArray[np.bool_]
    ) -> Generator[None, None, Looked | None]:
        """Look at a label, its box and its h x w mask there; None if it is one leaf."""
        yield
        if mask.sum() < 2 * self.min_area:
            return None
        view = patch_view(self.sheet, box, mask, self.closer)
        apart = None if view.image is None else look_apart(view.image, view.mask)
        tree = piece_tree(view.mask, self.min_area * view.zoom**2, apart)
        if tree is None or not tree.parts:
            return None
        whole = None
        if self.judge is not None:
            around = _around(self.labels, label, box, view)
            whole = yield from _asked(tree, around, self.judge)
        return Looked(view, tree, whole)


def _cut(
    looked: Looked, mask: NDArray[np.bool_], *, seen: bool
) -> tuple[NDArray[np.integer] | None, list[int]]:
    """Give pixels of a patch the number of their leaf; None where it stays one.

    Numbers go from 1 on. Beside them stand the nodes that the leaves are.
    """
    tree = looked.tree
    nodes = best_cut(tree, looked.whole, seen=seen)
    if len(nodes) < 2:
        return None, nodes
    pieces, kept = looked.grouped(mask, [tree.members[node] for node in nodes])
    if pieces is None:
        return None, [tree.root]
    return pieces, [nodes[place] for place in kept]


def _around(
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


def _asked(
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
