"""Made examples: whole leaves, and what is left, or too much, when they are not.

A maker gets a generator and a function that draws a silhouette, and gives the mask of
one label, and that of what lies on top of it or beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_herbarium.train.whole.canvas import (
    CANVAS,
    MIDDLE,
    Mask,
    Place,
    band,
    blot,
    half_plane,
    largest,
    lay,
    outline_place,
)
from napari_herbarium.train.whole.doubt import (
    crowded,
    hardly_damaged,
    hide_each_other,
    split_lengthwise,
    stub,
)
from napari_herbarium.train.whole.silhouettes import Silhouette

Pick = Callable[[], Silhouette]
_TRIES = 12
_LEAST_PX = 40


@dataclass(frozen=True)
class Scene:
    """One label on a canvas, and the other labels beside it.

    Attributes
    ----------
    own, others : mask
    doubtful : bool
        Whether nobody could tell what it is; see `doubt`.
    """

    own: Mask
    others: Mask
    doubtful: bool = False


Maker = Callable[[np.random.Generator, Pick], Scene]


def any_leaf(
    rng: np.random.Generator, pick: Pick, place: Place = MIDDLE, size: float = 1.0
) -> Mask:
    """Lay down a leaf, with or without its petiole."""
    silhouette = pick()
    shape = silhouette.leaf if rng.random() < 0.35 else silhouette.lamina
    return lay(shape, rng, size * rng.uniform(70, 104), place)


def alone(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a whole leaf, now and then with insect holes, others near it."""
    leaf = any_leaf(rng, pick)
    if rng.random() < 0.3:
        leaf = holed(leaf, rng)
    return Scene(leaf, _bystanders(leaf, rng, pick))


def on_top(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a whole leaf that hides a part of another."""
    leaf = any_leaf(rng, pick)
    below = any_leaf(rng, pick, outline_place(leaf, rng))
    return Scene(leaf, below & ~leaf)


def hidden(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a leaf under another leaf."""
    leaf = any_leaf(rng, pick)
    for _ in range(_TRIES):
        place = _jitter(outline_place(leaf, rng), rng, 20)
        over = any_leaf(rng, pick, place)
        left = largest(leaf & ~over)
        if _lost(left, leaf, 0.1, 0.75):
            return Scene(left, over, hardly_damaged(left, leaf))
    return cut(rng, pick)


def strapped(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a piece of a leaf that a strap, a twig or a stem crosses."""
    leaf = any_leaf(rng, pick)
    for _ in range(_TRIES):
        place = _jitter(outline_place(leaf, rng), rng, 28)
        width = rng.uniform(3, 28)
        over = band(place, rng.uniform(0, np.pi), width, CANVAS, rng.normal(0, 0.1))
        left = largest(leaf & ~over)
        if _lost(left, leaf, 0.1, 0.75):
            rest = leaf & ~over & ~left
            narrower = not rest.any() and split_lengthwise(left, leaf)
            return Scene(left, rest, narrower or hardly_damaged(left, leaf))
    return cut(rng, pick)


def cut(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a leaf cut straight, by the picture's edge or a label."""
    return _severed(rng, pick, 0.0)


def torn(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a leaf torn across."""
    return _severed(rng, pick, rng.uniform(0.6, 2.8))


def _severed(rng: np.random.Generator, pick: Pick, rough: float) -> Scene:
    leaf = any_leaf(rng, pick)
    edge_of_picture = rough == 0 and rng.random() < 0.4
    best = leaf
    for _ in range(_TRIES):
        angle = rng.uniform(0, 2 * np.pi)
        if edge_of_picture:
            angle = rng.integers(4) * np.pi / 2
        beyond = half_plane(rng.uniform(-28, 45), angle, rough, rng)
        best = largest(leaf & ~beyond)
        if _lost(best, leaf, 0.1, 0.7):
            break
    doubtful = hardly_damaged(best, leaf)
    if edge_of_picture:
        return Scene(best, beyond, doubtful)
    return Scene(best, _nothing(leaf), doubtful or split_lengthwise(best, leaf))


def fragment(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a small piece from the inside or the margin of a leaf."""
    leaf = any_leaf(rng, pick, size=1.6)
    best = leaf
    for _ in range(_TRIES):
        first = rng.uniform(0, 2 * np.pi)
        best = leaf
        for turn in (first, first + rng.normal(np.pi, 0.8)):
            rough = rng.choice([0, 1])
            best = best & ~half_plane(rng.uniform(-18, 35), turn, rough, rng)
        best = largest(best)
        if _lost(best, leaf, 0.35, 0.95):
            return Scene(best, _nothing(leaf), split_lengthwise(best, leaf))
    return cut(rng, pick)


def bitten(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a leaf of which insects have eaten much of the margin."""
    leaf = any_leaf(rng, pick)
    left = leaf
    for _ in range(_TRIES):
        radius = rng.uniform(6, 20)
        left = largest(left & ~blot(outline_place(left, rng), radius, rng))
        if _lost(left, leaf, rng.uniform(0.1, 0.25), 0.8):
            break
    return Scene(left, _nothing(leaf), hardly_damaged(left, leaf))


def overlapping(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make one patch of two to four leaves that hide each other."""
    patch = any_leaf(rng, pick, size=0.8)
    leaves = [patch]
    for _ in range(rng.integers(1, 4)):
        for _ in range(_TRIES):
            place = _jitter(outline_place(patch, rng), rng, 18)
            more = any_leaf(rng, pick, place, 0.8 * rng.uniform(0.6, 1.2))
            joined = patch | more
            if (more & patch).any() and joined.sum() > patch.sum() + 0.35 * more.sum():
                patch = joined
                leaves.append(more)
                break
    return Scene(patch, _nothing(patch), hide_each_other(leaves))


def leaflets(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make one patch of leaves of one kind along a stem or rachis."""
    shape = pick().lamina
    pairs, step = int(rng.integers(1, 5)), rng.uniform(12, 31)
    length, slant = rng.uniform(31, 62), rng.uniform(0.5, 1.5)
    axis = rng.uniform(0, 2 * np.pi)
    patch = band(MIDDLE, axis, rng.uniform(1.4, 3.5), step * pairs / 2 + 4)
    leaves: list[Mask] = []
    standing = np.pi / 2 if shape.shape[0] > shape.shape[1] else 0.0
    for i in range(pairs):
        along = (i - (pairs - 1) / 2) * step
        for side in (-1, 1):
            turn = axis + side * slant
            out = length * 0.48 * np.array([np.cos(turn), np.sin(turn)])
            foot = along * np.array([np.cos(axis), np.sin(axis)])
            x, y = np.array(MIDDLE) + foot + out
            place = float(x), float(y)
            leaves.append(lay(shape, rng, length, place, turn + standing))
            patch |= leaves[-1]
    return Scene(largest(patch), _nothing(patch), crowded(patch, leaves))


def stemmed(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make a leaf with a piece of stem left on."""
    silhouette = pick()
    leaf = lay(silhouette.leaf, rng, rng.uniform(60, 90))
    place = outline_place(leaf, rng)
    away = np.arctan2(place[1] - MIDDLE[1], place[0] - MIDDLE[0])
    angle = away + np.pi / 2 + rng.normal(0, 0.4)
    stem = band(
        place, angle, rng.uniform(2, 8), rng.uniform(20, 62), rng.normal(0, 0.15)
    )
    return Scene(largest(leaf | stem), _nothing(leaf), stub(stem, leaf))


def no_leaf(rng: np.random.Generator, pick: Pick) -> Scene:
    """Make what a mask may hold that is no leaf: straps, stems, paper labels."""
    angle, width = rng.uniform(0, np.pi), rng.uniform(2, 42)
    shape = band(MIDDLE, angle, width, rng.uniform(28, 56), rng.normal(0, 0.2))
    for _ in range(rng.integers(0, 3)):
        turn = angle + rng.normal(0.8, 0.4)
        shape |= band(outline_place(shape, rng), turn, width * 0.7, rng.uniform(10, 42))
    return Scene(largest(shape), _nothing(shape))


POSITIVE: dict[Maker, float] = {alone: 0.7, on_top: 0.3}
NEGATIVE: dict[Maker, float] = {
    hidden: 0.2,
    strapped: 0.08,
    cut: 0.12,
    torn: 0.12,
    fragment: 0.08,
    bitten: 0.1,
    overlapping: 0.16,
    leaflets: 0.06,
    stemmed: 0.06,
    no_leaf: 0.02,
}


def any_maker(rng: np.random.Generator, *, whole: bool) -> Maker:
    """Choose a maker of whole leaves, or of anything else, in the usual shares."""
    makers = POSITIVE if whole else NEGATIVE
    names, shares = list(makers), np.array(list(makers.values()))
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def seen_scene(
    maker: Maker, rng: np.random.Generator, pick: Pick, doubtful: bool = False
) -> Scene:
    """Make a scene of which something is to be seen, doubtful ones only if wanted."""
    while True:
        scene = maker(rng, pick)
        if scene.own.sum() >= _LEAST_PX and (doubtful or not scene.doubtful):
            return scene


def holed(leaf: Mask, rng: np.random.Generator) -> Mask:
    """Eat small holes and nibbles into a leaf, which leave it whole."""
    left = leaf
    inside = np.argwhere(leaf)
    for _ in range(rng.integers(1, 6) if len(inside) else 0):
        y, x = inside[rng.integers(len(inside))]
        left = left & ~blot((float(x), float(y)), rng.uniform(0.8, 3.5), rng)
    for _ in range(rng.integers(0, 3)):
        left = left & ~blot(outline_place(left, rng), rng.uniform(0.8, 2.8), rng)
    return largest(left)


def _bystanders(leaf: Mask, rng: np.random.Generator, pick: Pick) -> Mask:
    """Lay other leaves near a leaf, not on it."""
    others = np.zeros_like(leaf)
    for _ in range(rng.integers(0, 3)):
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(50, 105)
        place = MIDDLE[0] + far * np.cos(turn), MIDDLE[1] + far * np.sin(turn)
        others |= any_leaf(rng, pick, place)
    return others & ~leaf


def _nothing(leaf: Mask) -> Mask:
    return np.zeros_like(leaf)


def _jitter(place: Place, rng: np.random.Generator, spread: float) -> Place:
    x, y = np.array(place) + rng.normal(0, spread, 2)
    return float(x), float(y)


def _lost(left: Mask, leaf: Mask, least: float, most: float) -> bool:
    """Whether the share of a leaf that is gone lies between two bounds."""
    lost = 1 - left.sum() / max(leaf.sum(), 1)
    return bool(least <= lost <= most)
