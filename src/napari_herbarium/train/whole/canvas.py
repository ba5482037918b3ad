"""Shapes on a square canvas: leaves laid down, straight and torn cuts, bands, discs.

Every function gives a boolean canvas of ``CANVAS`` x ``CANVAS`` px. Places are
(x, y) in px.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import label

from napari_herbarium.train.crops.cut import affine_map, warp

CANVAS = 200
MIDDLE = (CANVAS / 2, CANVAS / 2)

Mask = NDArray[np.bool_]
Place = tuple[float, float]
Points = NDArray[Any]


def lay(
    leaf: NDArray[np.uint8],
    rng: np.random.Generator,
    length: float,
    place: Place = MIDDLE,
    angle: float | None = None,
) -> Mask:
    """Lay a leaf down at any angle, a little stretched and sheared, either way up.

    Parameters
    ----------
    leaf : H x W uint8
    rng : numpy.random.Generator
    length : float
        Longer side in px before stretching.
    place : pair of float
        Where its centre comes to lie.
    angle : float, optional
        In radians; any when not given.
    """
    angle = rng.uniform(0, 2 * np.pi) if angle is None else angle
    back = bent_back(rng, angle, length / max(leaf.shape))
    data = affine_map(back, np.array(place), np.array(leaf.shape[::-1]) / 2)
    return warp(Image.fromarray(leaf), CANVAS, data, smooth=True) >= 128


def bent_back(rng: np.random.Generator, angle: float, scale: float) -> Points:
    """Give the 2 x 2 matrix from a picture back to the leaf that was drawn in it.

    The leaf was stretched, sheared and mirrored a little at random, and turned.
    """
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([[np.exp(rng.normal(0, 0.1)), rng.normal(0, 0.08)], [0, 1]])
    flip = np.diag([rng.choice([-1, 1]), 1])
    return np.linalg.inv(scale * turn @ stretch @ flip)


def _filled(points: Points) -> Mask:
    picture = Image.new("1", (CANVAS, CANVAS))
    ImageDraw.Draw(picture).polygon([tuple(p) for p in points], fill=1)
    return np.array(picture)


def half_plane(
    distance: float, angle: float, rough: float, rng: np.random.Generator
) -> Mask:
    """Everything beyond a line at a distance from the middle; torn where rough.

    Parameters
    ----------
    distance : float
        From the middle to the line, in px along `angle`; may be negative.
    angle : float
        Direction, in radians, that points into the half plane.
    rough : float
        Standard deviation of the steps of the line, in px; 0 is a straight cut.
    """
    along = np.linspace(-CANVAS, CANVAS, 97)
    wander = np.cumsum(rng.normal(0, rough, 97)) if rough else np.zeros(97)
    inner = distance + wander - wander[48]
    out = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-out[1], out[0]])
    line = np.array(MIDDLE) + inner[:, None] * out + along[:, None] * side
    far = np.array(MIDDLE) + 2 * CANVAS * out + np.array([[1], [-1]]) * CANVAS * side
    return _filled(np.concatenate([line, far]))


def band(
    place: Place, angle: float, width: float, reach: float, bend: float = 0.0
) -> Mask:
    """Draw a strap, twig or stem: a line through a place, reaching both ways."""
    t = np.linspace(-1, 1, 17)
    along, aside = t * reach, bend * reach * (t**2)
    x = place[0] + along * np.cos(angle) - aside * np.sin(angle)
    y = place[1] + along * np.sin(angle) + aside * np.cos(angle)
    picture = Image.new("1", (CANVAS, CANVAS))
    points = [tuple(p) for p in np.column_stack([x, y])]
    pen = ImageDraw.Draw(picture)
    pen.line(points, fill=1, width=max(1, round(width)), joint="curve")
    return np.array(picture)


def blot(place: Place, radius: float, rng: np.random.Generator) -> Mask:
    """Draw a rounded shape, such as an insect leaves it."""
    theta = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wave = 1 + sum(
        rng.normal(0, 0.12) * np.cos(k * theta + rng.uniform(0, 6)) for k in (1, 2, 3)
    )
    r, squash = radius * wave, rng.uniform(0.6, 1)
    turn = rng.uniform(0, np.pi)
    a, b = r * np.cos(theta), r * np.sin(theta) * squash
    x = place[0] + a * np.cos(turn) - b * np.sin(turn)
    y = place[1] + a * np.sin(turn) + b * np.cos(turn)
    return _filled(np.column_stack([x, y]))


def largest(mask: Mask) -> Mask:
    """Keep the largest piece of a mask."""
    pieces, count = label(mask)
    if count < 2:
        return mask
    return pieces == np.bincount(pieces.ravel())[1:].argmax() + 1


def outline_place(mask: Mask, rng: np.random.Generator) -> Place:
    """Choose any place on the outline of a mask; the middle where it is empty."""
    inner = mask.copy()
    inner[1:-1, 1:-1] &= (
        mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    )
    edge = np.argwhere(mask & ~inner)
    if not len(edge):
        return MIDDLE
    y, x = edge[rng.integers(len(edge))]
    return float(x), float(y)
