"""Leaves labelled by hand: one number per leaf, and which are single and whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import DataError, SheetError
from napari_herbarium.evaluate.pairs import Pair, read_mask
from napari_herbarium.measure.files.labels_file import read_labels
from napari_herbarium.plain_json import parsed


@dataclass(frozen=True)
class LeafTruth:
    """True leaves of a sheet.

    Attributes
    ----------
    labels : H x W integers
        Number of the leaf, 0 elsewhere.
    mask : H x W uint8
        255 where nobody said what is there.
    whole : frozenset of int
        Numbers of the leaves that are single and whole.
    """

    labels: NDArray[np.integer]
    mask: NDArray[np.uint8]
    whole: frozenset[int]


def read_leaf_truth(folder: Path, pair: Pair) -> LeafTruth:
    """Read ``instances/<stem>.png``, its ``.json`` (key ``whole``) and the mask.

    Raises
    ------
    SheetError
        A file is missing, damaged, or of another size than the mask; or a leaf that
        is said to be whole is not there.
    """
    path = folder / "instances" / f"{pair.stem}.png"
    labels, mask = read_labels(path).labels, read_mask(pair.mask)
    if labels.shape != mask.shape:
        msg = f"{path} is {labels.shape} px, but its mask is {mask.shape} px."
        raise SheetError(msg)
    whole = _whole(path.with_suffix(".json"))
    absent = whole - {int(label) for label in np.unique(labels)}
    if absent:
        numbers = ", ".join(map(str, sorted(absent)))
        msg = f"{path} has no leaf {numbers}, which its JSON file says is whole."
        raise SheetError(msg)
    return LeafTruth(labels, mask, whole)


def _whole(path: Path) -> frozenset[int]:
    try:
        return frozenset(
            map(int, parsed(path.read_text(encoding="utf-8-sig"))["whole"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} does not say which leaves are whole ({error!r})."
        raise SheetError(msg) from error


def without(pairs: Sequence[Pair], patterns: Sequence[str]) -> list[Pair]:
    """Leave out the sheets whose stem matches a pattern such as ``bu_*``.

    Raises
    ------
    DataError
        No sheet is left.
    """
    kept = [p for p in pairs if not any(fnmatch(p.stem, each) for each in patterns)]
    if not kept:
        msg = "No sheet is left to be scored; leave out fewer."
        raise DataError(msg)
    return kept
