"""Leaves as outlines and run lengths, and the masks that they are drawn into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.metrics import IGNORED

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Polygons:
    """Leaves as outlines, drawn when they are needed.

    Attributes
    ----------
    shape : (int, int)
        Height and width in px.
    leaves, ignored : tuple of polygons
        Each a tuple of (x, y) in px, where the centre of the first pixel is
        (0.5, 0.5) as in COCO. `ignored` are crowds: nobody said which part is leaf.
    runs : tuple of (tuple of int, bool)
        Masks as run lengths down the columns (COCO's uncompressed RLE), each with
        whether it is ignored.
    """

    shape: tuple[int, int]
    leaves: tuple[Polygon, ...] = ()
    ignored: tuple[Polygon, ...] = ()
    runs: tuple[tuple[tuple[int, ...], bool], ...] = field(default=(), repr=False)

    def draw(self) -> NDArray[np.uint8]:
        """Draw the mask: 0, 1 leaf, 255 ignored; leaf wins."""
        mask = np.zeros(self.shape, np.uint8)
        for polygons, value in ((self.ignored, IGNORED), (self.leaves, LEAF)):
            for counts, crowd in self.runs:
                if crowd == (value == IGNORED):
                    mask[_filled(counts, self.shape)] = value
            for polygon in polygons:
                _draw(mask, polygon, value)
        return mask


def _draw(mask: NDArray[np.uint8], polygon: Polygon, value: int) -> None:
    from skimage.draw import polygon as inside

    x, y = np.array(polygon, float).T - 0.5
    mask[inside(y, x, mask.shape)] = value


def _filled(counts: tuple[int, ...], shape: tuple[int, int]) -> NDArray[np.bool_]:
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(shape[::-1]).T
