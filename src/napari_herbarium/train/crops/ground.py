"""Draw what lies around a sheet: table wood, cloth, felt, crumpled plastic.

Labelled pictures end at the edge of the sheet, photographs do not. A model that has
never seen a table takes its grain for leaves, most of all where the table is as dark
and as brown as the leaves are; so half of the grounds have the tone of the leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.crops.cut import Sample

WOODS = np.array(
    [(150, 105, 65), (115, 72, 42), (190, 150, 105), (90, 60, 42), (135, 60, 35)], float
)

_ENOUGH = 400

Ground = tuple[NDArray[np.float64], NDArray[np.floating]]


def lay_on_ground(sample: Sample, rng: np.random.Generator) -> Sample:
    """Put a drawn ground where a crop lies outside its picture; it is no leaf.

    Parameters
    ----------
    sample : (S x S x 3 uint8, S x S uint8)
        From `random_crop`: black and ignored outside the picture. Left unchanged.
    rng : numpy.random.Generator
    """
    image, mask = sample
    outside = (mask == IGNORED) & ~image.any(axis=2)
    if not outside.any():
        return sample
    ground = drawn_ground(image.shape[0], rng, _tone_of_leaves(image, mask, rng))
    return (
        np.where(outside[..., None], ground, image),
        np.where(outside, 0, mask).astype(np.uint8),
    )


def drawn_ground(
    size: int,
    rng: np.random.Generator,
    tone: NDArray[np.float64] | None = None,
) -> NDArray[np.uint8]:
    """Draw a square of wood, weave, plastic or plain ground, lit unevenly.

    Parameters
    ----------
    size : int
        Side in px.
    rng : numpy.random.Generator
    tone : 3 floats, optional
        About which colour it has; any that such a ground may have when None.

    Returns
    -------
    S x S x 3 uint8
    """
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
    usual, relief = kind(size, rng)
    given = usual if tone is None else np.exp(rng.normal(0, 0.2)) * tone
    light = 1 + rng.uniform(0, 0.35) * _noise(size, (2, 2), rng)
    return _toned(given, (1 + relief) * np.clip(light, 0.3, 1.6) - 1)


def _tone_of_leaves(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.float64] | None:
    """Mean colour of the leaves in a crop, now and then."""
    leaf = mask == 1
    if leaf.sum() < _ENOUGH or rng.random() < 0.5:
        return None
    return np.asarray(image[leaf].mean(0), np.float64)


def _wood(size: int, rng: np.random.Generator) -> Ground:
    tone = WOODS[int(rng.integers(len(WOODS)))] * np.exp(rng.normal(0, 0.2))
    wide, long = int(rng.integers(24, 200)), int(rng.integers(3, 8))
    bands = _noise(size, (long, wide), rng)
    fibres = _noise(size, (int(rng.integers(6, 24)), size), rng)
    rings = np.sin((bands * 2 + np.linspace(0, rng.uniform(2, 30), size)) * 2.0)
    grain = rng.uniform(0.03, 0.16) * (bands + 0.6 * rings) + 0.06 * fibres
    grain[:, _joints(size, rng)] -= 0.45
    return tone, np.rot90(grain, int(rng.integers(2)))


def _joints(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Columns of the dark joints between boards."""
    width = int(rng.integers(2, 5))
    starts = rng.integers(0, size - width, int(rng.integers(0, 4)))
    return np.array([s + w for s in starts for w in range(width)], np.int64)


def _weave(size: int, rng: np.random.Generator) -> Ground:
    tone = rng.uniform(20, 220) + rng.normal(0, 25, 3)
    across = np.sin(np.arange(size) * rng.uniform(0.3, 2.5))
    threads = across[:, None] * across[None, :]
    folds = _noise(size, (4, 4), rng)
    return tone, rng.uniform(0.02, 0.15) * threads + 0.12 * folds


def _plastic(size: int, rng: np.random.Generator) -> Ground:
    """Draw a crumpled bag: facets that meet in creases, some of them glaring."""
    tone = rng.uniform(60, 200) + rng.normal(0, 15, 3)
    spots = rng.uniform(0, size, (int(rng.integers(12, 90)), 2))
    grid = np.moveaxis(np.mgrid[0:size:4, 0:size:4], 0, 2)
    bent = [6 * _noise(len(grid), (7, 7), rng) for _ in range(2)]
    at = grid + np.stack(bent, axis=2)
    apart, facet = cKDTree(spots).query(at, k=2)
    lean = rng.normal(0, 1, (len(spots), 3))
    rest = (at - spots[facet[..., 0]]) / size * 6
    slope = lean[facet[..., 0]]
    sheen = slope[..., 2] + (slope[..., :2] * rest).sum(-1)
    crease = np.exp(-(apart[..., 1] - apart[..., 0]) / rng.uniform(2, 8))
    glare = np.clip(sheen - rng.uniform(0.8, 2), 0, None)
    relief = 0.16 * sheen + rng.uniform(-0.3, 0.4) * crease + 0.6 * glare
    return tone, _enlarged(relief.astype(np.float32), size)


def _plain(size: int, rng: np.random.Generator) -> Ground:
    tone = rng.uniform(5, 235) + rng.normal(0, 20, 3)
    cells = int(rng.integers(3, 60))
    spots = _noise(size, (cells, cells), rng)
    return tone, rng.uniform(0, 0.2) * spots


_KINDS = (_wood, _weave, _plastic, _plain)
_SHARES = (0.45, 0.2, 0.15, 0.2)


def _noise(
    size: int, cells: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Smooth noise of standard deviation about 1; fewer cells, longer waves."""
    return _enlarged(rng.normal(0, 1, cells).astype(np.float32), size)


def _enlarged(rough: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    picture = Image.fromarray(rough)
    return np.array(picture.resize((size, size), Image.Resampling.BICUBIC))


def _toned(
    tone: NDArray[np.floating], relief: NDArray[np.floating]
) -> NDArray[np.uint8]:
    return np.clip(tone * (1 + relief[..., None]), 0, 255).astype(np.uint8)
