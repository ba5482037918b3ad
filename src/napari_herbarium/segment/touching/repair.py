"""Repairs of labels that take a click: make one leaf of several, or two of one.

Each says which pixels get which number, and leaves it to the caller to write that,
so that it can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import Job, Progress, reported
from napari_herbarium.segment.mask import areas_of, components, moved
from napari_herbarium.segment.pixels import SheetRows, as_rgb8
from napari_herbarium.segment.touching.cut_odds import odds_of_joins
from napari_herbarium.segment.touching.split import Box
from napari_herbarium.segment.touching.split_judge import CLOSER, Help, Looked, Looking

_SMALLEST_SHARES = (0.05, 0.01)
"""Of the area of what is cut in two; less is cut off only where no more can be."""


class Repair(NamedTuple):
    """Pixels that get another number.

    Attributes
    ----------
    rows, columns : N int
        Where they are in the sheet.
    number : int
        What they get.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    number: int


class _Leaf(NamedTuple):
    """A label, its box in the sheet, and what of it is in the box."""

    number: int
    box: Box
    mask: NDArray[np.bool_]


def iter_merged(labels: NDArray[np.integer], numbers: Iterable[int]) -> Job[Repair]:
    """Make one leaf of several, and fill a narrow gap between them.

    A strap or a twig across a leaf leaves such a gap. It is filled where it is narrower
    than the smaller part, between the parts only, and where nothing else lies.

    Parameters
    ----------
    labels : H x W
    numbers : iterable of int
        Of the leaves; those that do not occur are passed over.

    Yields
    ------
    Progress
        After each leaf but the largest.

    Returns
    -------
    Repair
        All get the number of the largest.

    Raises
    ------
    SettingsError
        Fewer than two of the leaves are there.
    """
    boxes = {number: _box_of(labels, number) for number in set(numbers)}
    there = {number: box for number, box in boxes.items() if box is not None}
    if len(there) < 2:
        msg = "Select at least two leaves that are to be one."
        raise SettingsError(msg)
    kept, *others = sorted(there, key=lambda n: -int((labels[there[n]] == n).sum()))
    found = []
    for done, number in enumerate(others, start=1):
        yield Progress(done, len(there), "leaves")
        found += [
            _at(labels[there[number]] == number, there[number]),
            _gap(labels, number, there[number], list(there)),
        ]
    rows, columns = np.concatenate(found, axis=1)
    return Repair(rows, columns, kept)


def iter_cut_in_two(
    labels: NDArray[np.integer], number: int, help_: Help
) -> Job[Repair]:
    """Cut a leaf in two where it is most probable that two leaves meet.

    One that lies apart already is parted there: the largest part stays what it is.
    Crumbs, in all less than a twentieth of the leaf, go only where nothing else does.

    Parameters
    ----------
    labels : H x W
    number : int
        Of the leaf.
    help_ : Help
        Sheet and judge, as for `napari_herbarium.segment.leaves.iter_extract_leaves`.

    Yields
    ------
    Progress
        After each look.

    Returns
    -------
    Repair
        The smaller part gets a number that is free.

    Raises
    ------
    SettingsError
        There is no such leaf, no place to cut it, or no number left.
    """
    box = _box_of(labels, number)
    if box is None:
        msg = f"There is no leaf {number} any more: select another one."
        raise SettingsError(msg)
    sheet = None if help_.image is None else SheetRows(as_rgb8(help_.image))
    looking = Looking(labels, 0.0, sheet, help_.judge)
    part = yield from _iter_part(_Leaf(number, box, labels[box] == number), looking)
    if part is None:
        msg = (
            f"Nothing in leaf {number} looks like a place where two leaves meet: erase "
            "a line across it, and fill one side with another label."
        )
        raise SettingsError(msg)
    rows, columns = _at(part, box)
    return Repair(rows, columns, _free_number(labels))


def _box_of(labels: NDArray[np.integer], number: int) -> Box | None:
    here = labels == number
    rows, columns = np.flatnonzero(here.any(1)), np.flatnonzero(here.any(0))
    if not len(rows):
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _grown(box: Box, by: int) -> Box:
    down, right = (slice(max(0, s.start - by), s.stop + by) for s in box)
    return down, right


def _at(part: NDArray[np.bool_], box: Box) -> NDArray[np.intp]:
    """Rows and columns in the sheet of what lies in a box, 2 x N."""
    return np.array(np.nonzero(part)) + [[side.start] for side in box]


def _gap(
    labels: NDArray[np.integer], number: int, box: Box, numbers: Sequence[int]
) -> NDArray[np.intp]:
    """Rows and columns, 2 x N, of the gap between a leaf and the others."""
    mask = np.pad(labels[box] == number, 1)
    widest = int(2 * ndimage.distance_transform_edt(mask).max())
    # What lies further away than the leaf is wide is not filled up to.
    near = _grown(box, widest)
    seen = labels[near]
    one, others = seen == number, np.isin(seen, numbers) & (seen != number)
    rim, distance = _rim_facing(one, others)
    narrowest = distance.min(initial=np.inf)
    if not 1.5 < narrowest <= widest:  # they touch, or are too far from each other
        return np.empty((2, 0), np.intp)
    # A strap across is not as wide everywhere as where it is narrowest.
    reach = 0.75 * narrowest + 1
    # Leaves may fill a sheet: distances are taken where they face each other alone.
    facing = rim[distance <= 4 * reach]
    down, right = map(slice, facing.min(0), facing.max(0) + 1)
    around = _grown((down, right), int(4 * reach) + 3)
    gap = _between(one[around], others[around], reach) & (seen[around] == 0)
    return _at(gap, moved(around, near[0].start, near[1].start))


def _between(
    one: NDArray[np.bool_], others: NDArray[np.bool_], reach: float
) -> NDArray[np.bool_]:
    """Give what is between a leaf and others, and in no bay of their outline."""
    close = np.maximum(_distance_to(one), _distance_to(others)) <= 2 * reach
    both = np.pad(one | others, int(reach) + 2)
    closed = _distance_to(_distance_to(both) > reach) > reach
    inner = tuple(slice(int(reach) + 2, side - int(reach) - 2) for side in both.shape)
    return close & closed[inner]


def _rim_facing(
    one: NDArray[np.bool_], others: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give a leaf's rim, N x 2 row and column, and how far others are from there."""
    rim, other = (
        np.argwhere(part & ~ndimage.binary_erosion(part)) for part in (one, others)
    )
    distance, _ = KDTree(other).query(rim)
    return rim, distance


def _distance_to(part: NDArray[np.bool_]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~part)
    return distance


def _loose(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give all but the largest of the parts that lie apart."""
    parts = components(mask)
    count = int(parts.max())
    largest = 1 + areas_of(parts, count)[1:].argmax()
    return mask & (parts != largest)


def _iter_part(leaf: _Leaf, looking: Looking) -> Job[NDArray[np.bool_] | None]:
    """Find what is to be cut off; None where there is nothing."""
    loose = _loose(leaf.mask)
    if loose.sum() >= _SMALLEST_SHARES[0] * leaf.mask.sum():
        return loose
    # Crumbs stay with the leaf, unless there is nothing else to cut.
    rest = leaf._replace(mask=leaf.mask & ~loose)
    area = float(rest.mask.sum())
    for share in _SMALLEST_SHARES:
        looks = yield from _iter_looks(rest, looking._replace(min_area=share * area))
        part = _surest_part(looks, rest.mask, seen=looking.sheet is not None)
        if part is not None:
            return part
    return loose if loose.any() else None


def _iter_looks(leaf: _Leaf, looking: Looking) -> Job[list[Looked]]:
    """Look at a leaf from each distance; what shows no place to cut is left out."""
    looks = []
    for done, closer in enumerate(CLOSER):
        job = looking._replace(closer=closer).iter_at(*leaf)
        looked = yield from reported(job, Progress(done, len(CLOSER), "looks"))
        looks += [] if looked is None else [looked]
    return looks


def _surest_part(
    looks: Sequence[Looked], mask: NDArray[np.bool_], *, seen: bool
) -> NDArray[np.bool_] | None:
    """Give the smaller part of the surest cut; None where there is none."""
    for looked, pieces in _by_odds(looks, seen=seen):
        first = set(looked.tree.members[pieces])
        rest = set(range(1, int(looked.tree.pieces.max()) + 1)) - first
        parts, _ = looked.grouped(mask, [sorted(first), sorted(rest)])
        if parts is not None:
            smaller = 1 + np.bincount(parts.ravel(), minlength=3)[1:].argmin()
            return parts == smaller
    return None


def _by_odds(looks: Sequence[Looked], *, seen: bool) -> Iterator[tuple[Looked, int]]:
    """Give the last join of each look, which holds least, by one side; surest first."""
    last = []
    for looked in looks:
        node = max(looked.tree.parts)
        odds = odds_of_joins(looked.tree, looked.whole, seen=seen)[node]
        last.append((odds, looked, looked.tree.parts[node][0]))
    for _, looked, side in sorted(last, key=lambda found: -found[0]):
        yield looked, side


def _free_number(labels: NDArray[np.integer]) -> int:
    """Give the next number, or where the type of the labels has none, one between."""
    largest = int(np.iinfo(labels.dtype).max)
    following = int(labels.max()) + 1
    if following <= largest:
        return following
    free = set(range(1, min(largest, 1 << 16) + 1)) - set(np.unique(labels).tolist())
    if not free:
        msg = (
            f"The labels are {labels.dtype}, in which all {largest} numbers are taken: "
            "right click on the layer > Convert data type, and choose a larger one."
        )
        raise SettingsError(msg)
    return min(free)
