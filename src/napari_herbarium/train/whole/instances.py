"""Leaves of labelled sheets that are known to be whole, or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, find_objects

from napari_herbarium.segment.mask import numbered_boxes

# Sheets whose list of whole leaves is incomplete, as the data's README says.
INCOMPLETE = (
    "bu_Prosopis",
    "bu_55Lespedeza",
    "bu_49Prunella",
    "bu_Aureolaria",
    "bu_Colutea",
    "bu_Triodanis",
    "lm1_Fabaceae-Albizia",
    "lm1_Fagaceae-Quercus-incana",
)
_AROUND = 0.35
_LONG_SIDE = 256
_SMALLEST_PX = 25
OWN, OTHERS = 1, 2


@dataclass(frozen=True)
class Instance:
    """A label of a sheet with what lies around it.

    Attributes
    ----------
    sheet : str
        Stem of the sheet.
    label : int
        0 where several labels were merged.
    window : H x W uint8
        0 paper, 1 the label, 2 other labels or beyond the picture.
    whole : bool
        Whether it is one single, whole, unobscured leaf.
    """

    sheet: str
    label: int
    window: NDArray[np.uint8]
    whole: bool


def complete(sheet: str) -> bool:
    """Whether all whole leaves of a sheet are listed."""
    return not sheet.startswith(INCOMPLETE)


def labelled_sheets(folder: Path) -> Iterator[tuple[str, NDArray[Any], set[int]]]:
    """Give stem, labels and ids of the whole leaves of each sheet of a folder."""
    for path in sorted((folder / "instances").glob("*.json")):
        labels = np.asarray(Image.open(path.with_suffix(".png")))
        yield path.stem, labels, set(json.loads(path.read_text())["whole"])


def read_instances(folder: Path) -> list[Instance]:
    """Read every instance of the labelled sheets, and merges of those that touch.

    Instances not listed as whole are left out on sheets with an incomplete list.
    """
    found: list[Instance] = []
    for sheet, labels, whole in labelled_sheets(folder):
        for label, box in numbered_boxes(labels):
            if not (label in whole or complete(sheet)):
                continue
            window = cut_window(labels, box, label)
            if (window == OWN).sum() >= _SMALLEST_PX:
                found.append(Instance(sheet, label, window, label in whole))
        found.extend(_merged(sheet, labels))
    return found


def cut_window(labels: NDArray[Any], box: tuple[slice, slice], own: int) -> NDArray:
    """Cut a label's box with its surroundings, as the window of an `Instance`."""
    around = int(_AROUND * max(part.stop - part.start for part in box)) + 2
    padded = [slice(part.start - around, part.stop + around) for part in box]
    inside = tuple(
        slice(max(part.start, 0), min(part.stop, side))
        for part, side in zip(padded, labels.shape, strict=True)
    )
    shape = [part.stop - part.start for part in padded]
    window = np.full(shape, OTHERS, np.uint8)
    seen = labels[inside]
    at = tuple(
        slice(part.start - outer.start, part.stop - outer.start)
        for part, outer in zip(inside, padded, strict=True)
    )
    window[at] = np.where(seen == own, OWN, np.where(seen != 0, OTHERS, 0))
    return _thinned(window)


def _thinned(window: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _LONG_SIDE * (1 + 2 * _AROUND) / max(window.shape)
    if scale >= 1:
        return window
    size = [max(1, round(side * scale)) for side in window.shape[::-1]]
    return np.asarray(Image.fromarray(window).resize(size, Image.Resampling.NEAREST))


def _merged(sheet: str, labels: NDArray[Any]) -> Iterator[Instance]:
    """Each pair of labels that touch, as one label: what a mask of leaf shows."""
    for label, box in numbered_boxes(labels):
        grown = tuple(slice(max(part.start - 3, 0), part.stop + 3) for part in box)
        seen = labels[grown]
        near = binary_dilation(seen == label, iterations=2)
        for other in np.unique(seen[near & (seen > label)]):
            yield _pair(sheet, labels, (label, int(other)))


def _pair(sheet: str, labels: NDArray[Any], both: tuple[int, int]) -> Instance:
    first = np.isin(labels, both)
    box = find_objects(first.astype(np.uint8))[0]
    merged = np.where(first, both[0], labels)
    return Instance(sheet, 0, cut_window(merged, box, both[0]), whole=False)
