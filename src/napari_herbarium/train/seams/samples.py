"""Squares from which a network learns where leaves meet.

Half of them show patches of labelled sheets as they are. On the others single leaves
are laid over each other, whose borders are known however much they overlap; in the
labels of sheets, leaves that overlap much are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_closing
from skimage.morphology import disk

from napari_herbarium.segment.touching.patch_view import HALF_WIDTH
from napari_herbarium.train.crops.augment import change_looks, relight
from napari_herbarium.train.crops.batches import Draw
from napari_herbarium.train.crops.composite import Cutout, dry, lay_over, reduced
from napari_herbarium.train.crops.cut import affine_map, one_of, random_matrix, warp
from napari_herbarium.train.seams.patches import LabelledPatch

Square = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int32]]
"""S x S x 3 picture, what is taken for leaf, and the leaves' numbers."""
_FIRST_PASTED = 100_000
_ZOOMS = (math.log(0.6), math.log(1.7))
_STRETCH = 0.12
_SMALLEST_PX = 60
_BRIDGED = 0.4
_GAPS = (1, 6)  # half their width, px


@dataclass(frozen=True)
class SeamData:
    """What squares are made from.

    Attributes
    ----------
    patches : sequence of LabelledPatch
    kinds : sequence of sequence of Cutout
        Single leaves without petiole, those of one plant or species together.
    """

    patches: Sequence[LabelledPatch]
    kinds: Sequence[Sequence[Cutout]]


def sampler(data: SeamData, size: int = 256, made: float = 0.5) -> Draw:
    """Give a function that draws squares.

    Parameters
    ----------
    data : SeamData
    size : int
        Side in px.
    made : float
        Share of squares onto which leaves are laid.

    Returns
    -------
    callable
        Gives, for a random generator, size x size x 4 uint8 (sRGB, and 1 on what is
        taken for leaf) and size x size int32: the leaf's number, 0 where unknown.
    """
    several = [patch for patch in data.patches if patch.count > 1]
    single = [patch for patch in data.patches if patch.count == 1]

    def draw(
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        laid = rng.random() < made
        pool = single if rng.random() < (0.6 if laid else 0.2) else several
        square = _cut(one_of(pool or data.patches, rng), size, rng)
        if laid:
            ground = _paper(size, rng) if rng.random() < 0.5 else square
            square = _with_leaves(ground, one_of(data.kinds, rng), rng)
        image, inside, leaves = square
        image = change_looks(image, rng, 0.8)
        return np.dstack([image, inside.astype(np.uint8)]), leaves

    return draw


def _cut(patch: LabelledPatch, size: int, rng: np.random.Generator) -> Square:
    zoom = patch.zoom * math.exp(rng.uniform(*_ZOOMS))
    middle = np.array(patch.image.size) / 2
    room = np.maximum(0, middle - 0.35 * size / zoom)
    to = middle + rng.uniform(-1, 1, 2) * room
    matrix = random_matrix(rng, zoom, _STRETCH)
    data = affine_map(matrix, np.full(2, size / 2), to)
    # Masks of other models and thresholds lie a little further in or out.
    inside = warp(patch.inside, size, data, smooth=True) >= rng.uniform(90, 165)
    leaves = warp(patch.leaves, size, data, smooth=False).astype(np.int32)
    image = warp(patch.image, size, data, smooth=True)
    there = Image.new("L", patch.image.size, 255)
    rim = np.asarray(patch.image)[[0, -1]].reshape(-1, 3)
    image[warp(there, size, data, smooth=False) == 0] = np.median(rim, 0)
    return image, inside, np.where(inside, leaves, 0)


def _paper(size: int, rng: np.random.Generator) -> Square:
    tone = rng.uniform((215, 205, 175), (255, 252, 245))
    noise = rng.normal(0, rng.uniform(0.5, 4), (size, size, 3))
    image = np.clip(tone + noise, 0, 255).astype(np.uint8)
    return image, np.zeros((size, size), bool), np.zeros((size, size), np.int32)


def _with_leaves(
    square: Square, kind: Sequence[Cutout], rng: np.random.Generator
) -> Square:
    """Lay leaves of one kind over a square, close together."""
    image, inside, leaves = square
    inside, leaves = inside.copy(), leaves.copy()
    size = len(inside)
    width = 2 * HALF_WIDTH * math.exp(rng.uniform(*_ZOOMS))
    tone = int(rng.integers(2**32)) if rng.random() < 0.6 else None
    middle = rng.uniform(0.25, 0.75, 2) * size
    for number in range(int(rng.integers(2, 9))):
        cutout = one_of(kind, rng)
        length = width * rng.uniform(0.65, 1.15) * _slenderness(cutout)
        look = reduced(_in_tone(cutout, tone, rng), length)
        place = middle + rng.normal(0, 1.3, 2) * width
        thin = rng.uniform(0, 0.7) if rng.random() < 0.3 else 0.0
        over, classes = lay_over(image, look, length, place, rng, thin=thin)
        lamina = classes == 1
        if lamina.sum() >= _SMALLEST_PX:
            image = over
            leaves[lamina] = _FIRST_PASTED + number
            inside |= lamina
    return image, _bridged(inside, rng), leaves


def _bridged(inside: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Take narrow gaps for leaf now and then, as a model does that finds leaves."""
    if rng.random() >= _BRIDGED:
        return inside
    width = int(rng.integers(*_GAPS))
    # Beyond the square there is no leaf to bridge to.
    return binary_closing(np.pad(inside, width), disk(width))[
        width:-width, width:-width
    ]


def _in_tone(cutout: Cutout, tone: int | None, rng: np.random.Generator) -> Cutout:
    image = relight(cutout.image, rng, 0.5)
    if tone is not None:
        image = dry(image, np.random.default_rng(tone))
    return Cutout(image, cutout.classes)


def _slenderness(cutout: Cutout) -> float:
    """Long side of the box over the width of the ellipse of like moments."""
    points = np.argwhere(cutout.classes == 1)
    if len(points) < 3:
        return 1.0
    narrow = float(np.linalg.eigvalsh(np.cov(points.T))[0])
    return max(cutout.classes.shape) / max(1.0, 4 * math.sqrt(max(0.0, narrow)))
