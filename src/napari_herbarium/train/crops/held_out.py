"""Crops that no training sees, and how well a network does on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.metrics import (
    BoundaryCounts,
    PixelCounts,
    boundary_f,
    count_boundary,
    count_pixels,
    iou,
    precision,
    recall,
)
from napari_herbarium.train.crops.batches import stacked
from napari_herbarium.train.crops.cut import CropSettings, Sample, cut
from napari_herbarium.train.pairs.picture import Picture
from napari_herbarium.train.report import Preview, Score

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_CROPS = 16


@dataclass(frozen=True)
class Judge:
    """Scores networks on fixed crops.

    Attributes
    ----------
    crops : sequence of samples
        S x S x 3 uint8 and S x S uint8 (0, 1 leaf, 255 ignored).
    normalise, loss : callable
        As for the training.
    fabric : lightning_fabric.Fabric
        Where and in which precision networks run.
    threshold : float
        Leaf where the probability is at least this.
    batch : int
        Crops at a time.
    """

    crops: Sequence[Sample]
    normalise: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]
    fabric: Any
    threshold: float = 0.5
    batch: int = 4

    def __call__(self, network: nn.Module) -> tuple[Score, list[NDArray[np.bool_]]]:
        """Score a network in evaluation mode; give what it takes for leaf, too."""
        losses, found = [], []
        for first in range(0, len(self.crops), self.batch):
            part = self.crops[first : first + self.batch]
            loss, leaf = self._look(network, part)
            losses.append(loss * len(part))
            found.extend(leaf)
        loss = sum(losses) / len(self.crops)
        return self._score(loss, found), found

    def _look(
        self, network: nn.Module, part: Sequence[Sample]
    ) -> tuple[float, list[NDArray[np.bool_]]]:
        import torch

        images, masks = stacked(part)
        device = self.fabric.device
        ready = self.normalise(images.to(device))
        with torch.inference_mode(), self.fabric.autocast():
            logits = network(ready.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        leaf = logits[:, 0].sigmoid() >= self.threshold
        return float(self.loss(logits, masks.to(device))), list(leaf.cpu().numpy())

    def _score(self, loss: float, found: list[NDArray[np.bool_]]) -> Score:
        truths = [mask for _, mask in self.crops]
        pairs = list(zip(found, truths, strict=True))
        pixels = sum((count_pixels(*pair) for pair in pairs), PixelCounts())
        outlines = sum((count_boundary(*pair) for pair in pairs), BoundaryCounts())
        return Score(
            loss, iou(pixels), precision(pixels), recall(pixels), boundary_f(outlines)
        )


def held_out_crops(
    pictures: Sequence[Picture],
    long_sides: Sequence[int],
    size: int,
    rng: np.random.Generator,
) -> list[Sample]:
    """Cut about `MOST_CROPS` crops around leaves, equally of pictures and sizes.

    Parameters
    ----------
    pictures : sequence of Picture
        What is not held out is 255 in their masks.
    long_sides : sequence of int
        Long sides in px at which sheets are looked at.
    size : int
        Side of the crops in px.
    rng : numpy.random.Generator
    """
    still = CropSettings(size, stretch=0.0, turn=False)
    views = [(picture, side) for picture in pictures for side in long_sides]
    each = max(1, MOST_CROPS // len(views))
    chosen = rng.permutation(len(views))[: max(MOST_CROPS, len(pictures))]
    crops = []
    for picture, side in (views[i] for i in sorted(chosen)):
        zoom = side / max(picture.size)
        for _ in range(each):
            centre = _some_leaf(picture, rng)
            crops.append(cut(picture, centre, zoom, still, rng))
    return [crop for crop in crops if (crop[1] == LEAF).any()] or crops


def _some_leaf(picture: Picture, rng: np.random.Generator) -> NDArray[np.float64]:
    if not len(picture.outline):
        return np.array(picture.size) / 2
    point: NDArray[np.float64] = picture.outline[rng.integers(len(picture.outline))]
    return point.astype(float)


def worst_crop(judge: Judge, found: Sequence[NDArray[np.bool_]]) -> int:
    """Find the crop in which most is wrong."""
    wrong = [
        np.count_nonzero((leaf != (mask == LEAF)) & (mask <= LEAF))
        for leaf, (_, mask) in zip(found, judge.crops, strict=True)
    ]
    return int(np.argmax(wrong))


def preview(
    judge: Judge,
    which: int,
    before: Sequence[NDArray[np.bool_]],
    now: Sequence[NDArray[np.bool_]],
) -> Preview:
    """Show one crop before and now."""
    image, truth = judge.crops[which]
    return Preview(image, before[which], now[which], truth)
