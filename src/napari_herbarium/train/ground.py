"""Draw what lies around a sheet: table wood, cloth, felt, a copy stand.

Labelled pictures end at the edge of the sheet, photographs do not. A model that has
never seen a table takes its grain for leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.crops import Sample

WOODS = np.array(
    [(150, 105, 65), (115, 72, 42), (190, 150, 105), (90, 60, 42), (135, 60, 35)], float
)


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
    ground = drawn_ground(image.shape[0], rng)
    return (
        np.where(outside[..., None], ground, image),
        np.where(outside, 0, mask).astype(np.uint8),
    )


def drawn_ground(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a square of wood, weave or plain ground.

    Returns
    -------
    S x S x 3 uint8
    """
    kind = rng.random()
    if kind < 0.5:
        return _wood(size, rng)
    return _weave(size, rng) if kind < 0.75 else _plain(size, rng)


def _wood(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    tone = WOODS[int(rng.integers(len(WOODS)))] * np.exp(rng.normal(0, 0.2))
    wide, long = int(rng.integers(24, 200)), int(rng.integers(3, 8))
    bands = _noise(size, (long, wide), rng)
    fibres = _noise(size, (int(rng.integers(6, 24)), size), rng)
    rings = np.sin((bands * 2 + np.linspace(0, rng.uniform(2, 30), size)) * 2.0)
    grain = rng.uniform(0.03, 0.16) * (bands + 0.6 * rings) + 0.06 * fibres
    grain[:, _joints(size, rng)] -= 0.45
    return _toned(tone, np.rot90(grain, int(rng.integers(2))))


def _joints(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Columns of the dark joints between boards."""
    width = int(rng.integers(2, 5))
    starts = rng.integers(0, size - width, int(rng.integers(0, 4)))
    return np.array([s + w for s in starts for w in range(width)], np.int64)


def _weave(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    tone = rng.uniform(20, 220) + rng.normal(0, 25, 3)
    across = np.sin(np.arange(size) * rng.uniform(0.3, 2.5))
    threads = across[:, None] * across[None, :]
    folds = _noise(size, (4, 4), rng)
    return _toned(tone, rng.uniform(0.02, 0.15) * threads + 0.12 * folds)


def _plain(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    tone = rng.uniform(5, 235) + rng.normal(0, 20, 3)
    cells = int(rng.integers(3, 60))
    spots = _noise(size, (cells, cells), rng)
    return _toned(tone, rng.uniform(0, 0.2) * spots)


def _noise(
    size: int, cells: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Smooth noise of standard deviation about 1; fewer cells, longer waves."""
    rough = Image.fromarray(rng.normal(0, 1, cells).astype(np.float32))
    return np.array(rough.resize((size, size), Image.Resampling.BICUBIC))


def _toned(
    tone: NDArray[np.float64], relief: NDArray[np.floating]
) -> NDArray[np.uint8]:
    return np.clip(tone * (1 + relief[..., None]), 0, 255).astype(np.uint8)
