"""Let leaves cast shadows on what lies behind them.

A curled leaf stands off the paper; lit from one side, as photographed sheets are, it
throws a dark shape of its own outline beside it, which is no leaf.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter, zoom

from napari_herbarium.train.crops import Sample

_LEAST_LEAF_PX = 50
_HILLS = 5
_RIM_PX = 3


def cast_shadows(sample: Sample, rng: np.random.Generator) -> Sample:
    """Darken the ground on one side of the leaves of a crop.

    Parameters
    ----------
    sample : (S x S x 3 uint8, S x S uint8)
        Left unchanged; its mask stays as it is.
    rng : numpy.random.Generator
        Chooses the side, how far leaves stand off, how dark and how soft shadows are.
    """
    image, mask = sample
    leaf = mask == 1
    if leaf.sum() < _LEAST_LEAF_PX:
        return sample
    reach = math.exp(rng.uniform(math.log(3), math.log(36)))
    shadow = _moved(leaf, reach * _lift(leaf.shape, rng), rng.uniform(0, math.tau))
    softened = gaussian_filter(
        shadow.astype(np.float32), rng.uniform(0.5, 1 + reach / 5)
    )
    softened *= _ground(image, leaf)
    dark = rng.uniform(0.15, 0.6) + rng.normal(0, 0.015, 3)
    shaded = image * (1 - softened[..., None] * dark.clip(0, 1))
    return shaded.astype(np.uint8), mask


def _ground(image: NDArray[np.uint8], leaf: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give 1 for ground, 0 for leaf, and what lies between by light along its rim.

    Labels reach a pixel or two beyond leaves; the paper there has to be dark, too, or a
    bright rim would tell leaf from shadow.
    """
    grey = image.astype(np.float32).mean(axis=2)
    inner = binary_erosion(leaf, iterations=_RIM_PX)
    dark = np.median(grey[inner if inner.any() else leaf])
    paper = np.percentile(grey[~leaf], 80) if not leaf.all() else 255.0
    ground = ((grey - dark) / max(paper - dark, 1.0)).clip(0, 1)
    ground[~leaf], ground[inner] = 1, 0
    return ground


def _lift(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """How far leaves stand off, 0 to 1, rising and falling slowly over the crop."""
    hills = rng.uniform(-0.5, 1.3, (_HILLS, _HILLS)).astype(np.float32)
    lift: NDArray[np.float32] = zoom(hills, [side / _HILLS for side in shape], order=1)
    return lift.clip(0, 1)


def _moved(
    leaf: NDArray[np.bool_], by: NDArray[np.float32], angle: float
) -> NDArray[np.bool_]:
    """Move a mask in one direction, by so many px at each place."""
    down, right = np.indices(leaf.shape)
    moved: NDArray[np.bool_] = leaf[
        _within(down - by * math.sin(angle), leaf.shape[0]),
        _within(right - by * math.cos(angle), leaf.shape[1]),
    ]
    return moved


def _within(places: NDArray[np.floating], side: int) -> NDArray[np.intp]:
    return places.round().clip(0, side - 1).astype(np.intp)
