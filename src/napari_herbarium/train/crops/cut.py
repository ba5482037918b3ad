"""Cut square training crops from pictures: any place, scale, rotation and mirror.

Leaves on sheets are 5 to 3,000 px long, so the scale at which a sheet is seen is the
augmentation that matters most. It is drawn as the long side that the whole sheet
would have, because that is also how inference chooses its working sizes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.pairs.picture import Picture

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8]]
T = TypeVar("T")


@dataclass(frozen=True)
class CropSettings:
    """How crops are drawn.

    Attributes
    ----------
    size : int
        Side of the crop in px.
    long_side : (float, float)
        Range, log-uniform, of the long side in px to which the sheet is scaled.
    stretch : float
        Largest relative change of the aspect ratio.
    on_outline : float
        Share of crops centred near a leaf edge; the others fall anywhere.
    turn : bool
        Rotate by any angle (otherwise by none).
    beyond : float
        Share of half a crop that may lie outside the picture, where a crop falls
        anywhere.
    """

    size: int = 512
    long_side: tuple[float, float] = (800.0, 3200.0)
    stretch: float = 0.15
    on_outline: float = 0.7
    turn: bool = True
    beyond: float = 0.3


def random_crop(
    picture: Picture, settings: CropSettings, rng: np.random.Generator
) -> Sample:
    """Cut one crop; what lies outside the picture is black and ignored.

    Returns
    -------
    image : S x S x 3 uint8
    mask : S x S uint8
        0, 1 or 255 (ignore).
    """
    low, high = (math.log(side) for side in settings.long_side)
    zoom = math.exp(rng.uniform(low, high)) / max(picture.size)
    return cut(picture, _centre(picture, settings, zoom, rng), zoom, settings, rng)


def _centre(
    picture: Picture, settings: CropSettings, zoom: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    half = settings.size / zoom / 2
    if len(picture.outline) and rng.random() < settings.on_outline:
        point = picture.outline[rng.integers(len(picture.outline))]
        return point + rng.uniform(-0.8, 0.8, 2) * half
    low = np.minimum(half * (1 - settings.beyond), np.array(picture.size) / 2)
    return rng.uniform(low, np.array(picture.size) - low)


def cut(
    picture: Picture,
    centre: NDArray[np.float64],
    zoom: float,
    settings: CropSettings,
    rng: np.random.Generator,
) -> Sample:
    """Cut a crop at a place (x, y in px of the picture) and zoom.

    Returns
    -------
    image : S x S x 3 uint8
    mask : S x S uint8
    """
    matrix = random_matrix(rng, zoom, settings.stretch / 2, turn=settings.turn)
    level = min(len(picture.images) - 1, max(0, round(-math.log2(zoom) - 0.2)))
    matrix, middle = matrix / 2**level, np.asarray(centre) / 2**level
    data = affine_map(matrix, np.full(2, settings.size / 2), middle)
    return (
        warp(picture.images[level], settings.size, data, smooth=True),
        warp(picture.masks[level], settings.size, data, smooth=False, outside=IGNORED),
    )


def random_matrix(
    rng: np.random.Generator, zoom: float, stretch: float, *, turn: bool = True
) -> NDArray[np.float64]:
    """Mirror, stretch, shrink and turn at random: from px of a crop to px of a picture.

    Parameters
    ----------
    rng : numpy.random.Generator
    zoom : float
        Px of the crop per px of the picture.
    stretch : float
        Largest logarithm of the factor by which one axis is lengthened and the other
        shortened.
    turn : bool
        By any angle, otherwise by none.
    """
    angle = rng.uniform(0, 2 * math.pi) if turn else 0.0
    longer = math.exp(rng.uniform(-stretch, stretch))
    mirror = rng.choice([-1.0, 1.0])
    cos, sin = math.cos(angle), math.sin(angle)
    scale = np.diag([mirror * longer / zoom, 1 / longer / zoom])
    return np.array([[cos, -sin], [sin, cos]]) @ scale


def one_of(things: Sequence[T], rng: np.random.Generator) -> T:
    """Choose any of some things, each as likely as the others."""
    return things[int(rng.integers(len(things)))]


def affine_map(
    matrix: NDArray[np.float64], at: NDArray[np.float64], to: NDArray[np.float64]
) -> tuple[float, ...]:
    """Give the map that `warp` takes: turns by a matrix and brings one point there.

    Parameters
    ----------
    matrix : 2 x 2
        From px of the crop to px of the picture.
    at, to : (2,)
        x and y of the same point in the crop and in the picture.
    """
    offset = to - matrix @ at
    return (*matrix[0], offset[0], *matrix[1], offset[1])


def warp(
    image: Image.Image,
    size: int,
    data: tuple[float, ...],
    *,
    smooth: bool,
    outside: int | None = None,
) -> NDArray[np.uint8]:
    """Cut a square out of a picture by an affine map.

    Parameters
    ----------
    image : PIL image
    size : int
        Side of the square in px.
    data : tuple of 6 floats
        From px of the square to px of the picture, row by row.
    smooth : bool
        Interpolate; classes must not be.
    outside : int, optional
        What lies outside the picture; 0 when None.

    Returns
    -------
    S x S (x 3) uint8
    """
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    warped = image.transform(
        (size, size), Image.Transform.AFFINE, data, how, fillcolor=outside
    )
    return np.array(warped)
