"""Leave out what lies beside the sheet: cloth, wood or clamps taken for leaves.

What the sheet lies on is dark against the paper and goes to the edge of the picture.
What has hardly anything else around it lies there, too. A leaf that the edge cuts off,
or that reaches beyond the paper, has paper on its other sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_opening
from skimage.measure import label as connected

from napari_herbarium.segment.mask import numbered_boxes, renumber
from napari_herbarium.segment.pixels import SheetRows, in_memory
from napari_herbarium.segment.touching.split import Box, Leaves

_SIDE = 1000
"""Long side in px of the copy that is looked at: about twice that at most."""
_RING = 250
"""A ring is the long side over this wide."""
_MARGIN = 0.05
"""Part of the long side, from the edges in, in which labels are looked at."""
_SOFT = 2  # px of blurred outline, neither leaf nor what lies around it
_DARK = 0.6  # of the brightness of paper
_BESIDE = 0.8  # part of the ring that must be ground
_LARGE = 0.01
"""Part of the picture. What is larger stays: no find beside a sheet was a third of it,
and the rim of a large dark leaf, where the model is not sure, would count as ground."""
_ENOUGH = 50  # px of paper beside leaves from which its brightness is known


def without_off_sheet(leaves: Leaves, image: Any) -> Leaves:
    """Leave out labels near the edge of the picture that lie beside the paper.

    Paper is what lies around the other labels, or most of the picture where there are
    none. Where that is dark itself nothing is left out, nor is a large label.

    Parameters
    ----------
    leaves : Leaves
        H x W.
    image : H x W x 3 uint8 array-like
        The sheet.

    Returns
    -------
    Leaves
        Numbered from 1 to the largest without gaps.
    """
    shape = leaves.labels.shape
    near = max(shape) * _MARGIN
    doubted = [i for i, box in enumerate(leaves.boxes, 1) if _reaches(box, shape, near)]
    if not doubted:
        return leaves
    step = max(1, max(shape) // _SIDE)
    seen = _Seen(leaves.labels[::step, ::step], _brightness(image, step))
    doubted = [label for label in doubted if not seen.is_large(label)]
    ground = seen.ground(seen.paper(doubted))
    beside = {label for label in doubted if seen.lies_on(label, ground)}
    return _without(leaves, beside) if beside else leaves


class _Seen:
    """A reduced copy of labels and brightness, both h x w."""

    def __init__(
        self, labels: NDArray[np.integer], brightness: NDArray[np.float32]
    ) -> None:
        self._labels, self._brightness = labels, brightness
        self._width = max(3, round(max(labels.shape) / _RING)) + _SOFT
        self._free = ~binary_dilation(labels > 0, iterations=_SOFT)
        self._boxes = dict(numbered_boxes(labels))

    def is_large(self, label: int) -> bool:
        """Whether a label is too large for a find beside the sheet."""
        box = self._boxes.get(label)
        if box is None:
            return False
        return bool((self._labels[box] == label).sum() > _LARGE * self._labels.size)

    def paper(self, but: list[int]) -> float:
        """Brightness beside the leaves, those in `but` aside."""
        others = (self._labels > 0) & ~np.isin(self._labels, but)
        ring = binary_dilation(others, iterations=self._width) & self._free
        beside = self._brightness[ring]
        if len(beside) < _ENOUGH:
            beside = self._brightness[self._free]
        return float(np.median(beside)) if len(beside) else 0.0

    def ground(self, paper: float) -> NDArray[np.bool_]:
        """Find what is dark, wider than a stem, and goes to the edge of the picture."""
        # What was taken for leaf does not part the ground that it lies on.
        dark = (self._brightness < _DARK * paper) | (self._labels > 0)
        # Beyond the edge the ground goes on.
        dark = np.pad(dark, self._width, mode="edge")
        parts = connected(binary_opening(dark, iterations=self._width), connectivity=1)
        rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        inner = slice(self._width, -self._width)
        ground: NDArray[np.bool_] = np.isin(parts[inner, inner], rim[rim > 0])
        return ground & (self._labels == 0)

    def lies_on(self, label: int, ground: NDArray[np.bool_]) -> bool:
        """Whether a label has hardly anything but ground around it."""
        box = self._boxes.get(label)
        if box is None:
            return False  # lost in the copy
        near = _wider(box[0], self._width), _wider(box[1], self._width)
        ring = binary_dilation(self._labels[near] == label, iterations=self._width)
        around = ground[near][ring & self._free[near]]
        return bool(len(around) and around.mean() > _BESIDE)


def _wider(part: slice, by: int) -> slice:
    return slice(max(0, part.start - by), part.stop + by)


def _reaches(box: Box, shape: tuple[int, ...], near: float) -> bool:
    return any(
        side.start < near or side.stop > length - near
        for side, length in zip(box, shape, strict=True)
    )


def _brightness(image: Any, step: int) -> NDArray[np.float32]:
    """Mean of the colours of every so many px, in bands so that little is in memory."""
    sheet = SheetRows(in_memory(image))
    band = step * max(1, 512 // step)
    rows = [
        sheet.read(top, top + band)[::step, ::step].mean(axis=2, dtype=np.float32)
        for top in range(0, sheet.height, band)
    ]
    return np.concatenate(rows)


def _without(leaves: Leaves, labels: set[int]) -> Leaves:
    kept = np.array([i not in labels for i in range(len(leaves.boxes) + 1)])
    kept[0] = False
    boxes = [box for i, box in enumerate(leaves.boxes, 1) if i not in labels]
    return Leaves(renumber(leaves.labels, np.where(kept, np.cumsum(kept), 0)), boxes)
