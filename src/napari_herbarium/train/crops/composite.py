"""Paste cut-out leaves and objects onto crops, to show rare sizes and neighbours.

A crop gains leaves it did not have (lamina is leaf, petiole is not) and things that
are not leaves (labels, rulers, colour charts). The ground under them stays real.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from napari_herbarium.segment.working_size import as_bytes
from napari_herbarium.train.crops.augment import recolour, relight
from napari_herbarium.train.crops.cut import (
    Sample,
    affine_map,
    one_of,
    random_matrix,
    warp,
)

HIDDEN = 2
"""Class of a cut-out's pixels that cover the ground but are not lamina."""
_PAPER_TONE = 245


@dataclass(frozen=True)
class Cutout:
    """A leaf or object cut out of its picture.

    Attributes
    ----------
    image : h x w x 3 uint8
    classes : h x w uint8
        0 see-through, 1 lamina, 2 petiole or object.
    """

    image: NDArray[np.uint8]
    classes: NDArray[np.uint8]


def lamina_classes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Tell lamina from petiole in a leaf's mask: what an opening removes is petiole.

    Parameters
    ----------
    mask : h x w bool
        A single leaf.

    Returns
    -------
    h x w uint8
        0 outside, 1 lamina, 2 petiole.
    """
    from scipy.ndimage import binary_opening, find_objects, label
    from skimage.morphology import disk

    step = max(1, max(mask.shape) // 128)
    small = np.pad(mask[::step, ::step], 8)
    radius = max(2, round(0.03 * max(small.shape)))
    parts, _ = label(small & ~binary_opening(small, disk(radius)))
    spans = [max(s.stop - s.start for s in box) for box in find_objects(parts)]
    classes = mask.astype(np.uint8)
    # Only a long thin part is a petiole; the teeth and tips that an opening takes
    # are lamina.
    if not spans or max(spans) < 0.1 * max(small.shape):
        return classes
    petiole = (parts == 1 + int(np.argmax(spans)))[8:-8, 8:-8]
    large = petiole.repeat(step, 0).repeat(step, 1)[: mask.shape[0], : mask.shape[1]]
    classes[large & mask] = HIDDEN
    return classes


def dry(
    image: NDArray[np.uint8],
    rng: np.random.Generator,
    leaf: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Give a leaf a dried tone: olive, brown, red, yellow or pale, its veins kept.

    Parameters
    ----------
    image : h x w x 3 uint8
    rng : numpy.random.Generator
    leaf : h x w bool, optional
        Where the leaf is; everywhere when None.
    """
    tones = np.array(
        [
            (96, 88, 52),
            (110, 78, 48),
            (78, 82, 50),
            (150, 128, 82),
            (70, 56, 42),
            (132, 136, 96),
            (168, 150, 108),
            (60, 64, 44),
            (120, 96, 40),
            (122, 64, 46),
            (150, 98, 86),
            (88, 50, 44),
            (86, 62, 68),
            (176, 132, 112),
            (186, 164, 132),
        ],
        float,
    )
    weights = rng.dirichlet(np.full(len(tones), 0.25))
    tone = weights @ tones
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    inside = grey if leaf is None else grey[leaf]
    relief = (grey - inside.mean()) / (inside.std() + 6)
    texture = 1 + rng.uniform(0.05, 0.22) * relief
    keep = rng.uniform(0, 0.5)
    dried = (1 - keep) * tone * texture + keep * image
    return np.clip(dried, 0, 255).astype(np.uint8)


def retone(sample: Sample, rng: np.random.Generator) -> Sample:
    """Give a plant another dried tone: its leaves alone, or all that is no paper.

    Parameters
    ----------
    sample : (S x S x 3 uint8, S x S uint8)
        Left unchanged.
    rng : numpy.random.Generator
    """
    image, mask = sample
    if rng.random() < 0.5:
        return _shift_dark(image, rng), mask
    leaf = mask == 1
    if leaf.sum() < 50:
        return sample
    cover = Image.fromarray(as_bytes(leaf))
    alpha = np.asarray(cover.filter(ImageFilter.GaussianBlur(0.8)), np.float32) / 255
    alpha = alpha[..., None] * rng.uniform(0.5, 0.95)
    dried = dry(image, rng, leaf)
    return (alpha * dried + (1 - alpha) * image).astype(np.uint8), mask


def _shift_dark(
    image: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Shift the colour of what is darker than the paper; the paper keeps its own."""
    grey = image.astype(np.float32).mean(axis=2)
    paper = np.percentile(grey, 85)
    dark = np.clip((paper - grey - 10) / 60, 0, 1)[..., None]
    shift = rng.normal(0, 14) + rng.normal(0, 16, 3)
    return np.clip(image + dark * shift, 0, 255).astype(np.uint8)


def paste(
    sample: Sample,
    cutout: Cutout,
    length: float,
    place: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    shadow: bool = True,
) -> Sample:
    """Paste a cut-out onto a crop.

    Parameters
    ----------
    sample : (S x S x 3 uint8, S x S uint8)
        Left unchanged.
    cutout : Cutout
    length : float
        Long side of the pasted cut-out in px.
    place : (2,) float
        Where its centre goes, as (x, y) in px.
    rng : numpy.random.Generator
        Turns and mirrors it.
    shadow : bool
        Darken the ground around it a little.
    """
    image, mask = sample
    mixed, classes = lay_over(image, cutout, length, place, rng, shadow=shadow)
    labelled = np.where(classes == HIDDEN, 0, np.where(classes == 1, 1, mask))
    return mixed, labelled.astype(np.uint8)


def lay_over(
    image: NDArray[np.uint8],
    cutout: Cutout,
    length: float,
    place: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    shadow: bool = True,
    thin: float = 0.0,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Lay a cut-out over a square picture.

    Parameters
    ----------
    image : S x S x 3 uint8
        Left unchanged.
    cutout, length, place, rng, shadow
        See `paste`.
    thin : float
        How much of what is dark below shows through, 0 to 1.

    Returns
    -------
    image : S x S x 3 uint8
    classes : S x S uint8
        Those of the cut-out where it lies now.
    """
    size = image.shape[0]
    zoom = length / max(cutout.classes.shape)
    middle = np.array(cutout.classes.shape[::-1]) / 2
    data = affine_map(random_matrix(rng, zoom, 0.2), place, middle)
    leaf: NDArray[Any] = warp(Image.fromarray(cutout.image), size, data, smooth=True)
    classes = warp(Image.fromarray(cutout.classes), size, data, smooth=False)
    cover = Image.fromarray(as_bytes(classes > 0))
    alpha = np.asarray(cover.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255
    ground = image.astype(np.float32)
    if thin:
        leaf = leaf * (1 - thin * (1 - np.clip(ground / _PAPER_TONE, 0.3, 1)))
    if shadow:
        dark = cover.filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
        ground *= 1 - rng.uniform(0, 0.35) * np.asarray(dark)[..., None] / 255
    alpha = np.where(classes > 0, alpha, 0)[..., None]
    return (alpha * leaf + (1 - alpha) * ground).astype(np.uint8), classes


def add_leaves(
    sample: Sample, leaves: list[Cutout], rng: np.random.Generator, most: int = 8
) -> Sample:
    """Paste some leaves of one kind and about one size, as a plant would have."""
    size = sample[0].shape[0]
    count = int(rng.integers(1, most + 1))
    length = math.exp(rng.uniform(math.log(14), math.log(1.1 * size)))
    count = min(count, max(1, round(0.6 * (size / length) ** 2)))
    chosen = one_of(leaves, rng)
    image = dry(chosen.image, rng) if rng.random() < 0.8 else chosen.image
    for _ in range(count):
        look = reduced(Cutout(relight(image, rng, 0.6), chosen.classes), length)
        place = rng.uniform(0, size, 2)
        sample = paste(sample, look, length * rng.uniform(0.7, 1.2), place, rng)
    return sample


def reduced(cutout: Cutout, length: float) -> Cutout:
    """Shrink a cut-out that is far larger than wanted to about 1.5 times as long."""
    factor = int(max(cutout.classes.shape) / (1.5 * length))
    if factor < 2:
        return cutout
    image = Image.fromarray(cutout.image).reduce(factor)
    classes = Image.fromarray(cutout.classes).resize(
        image.size, Image.Resampling.NEAREST
    )
    return Cutout(np.asarray(image), np.asarray(classes))


def add_objects(
    sample: Sample, objects: list[Cutout], rng: np.random.Generator, most: int = 2
) -> Sample:
    """Paste labels, rulers or charts; they hide what is under them."""
    size = sample[0].shape[0]
    for _ in range(int(rng.integers(1, most + 1))):
        chosen = one_of(objects, rng)
        look = Cutout(recolour(relight(chosen.image, rng), rng), chosen.classes)
        length = math.exp(rng.uniform(math.log(100), math.log(900)))
        sample = paste(sample, look, length, rng.uniform(0, size, 2), rng)
    return sample
