"""The look of a dried leaf: veins, mottling, brown margins, a crease."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.drawn.canvas import Canvas, Window, noise
from napari_herbarium.sheet.drawn.leaf import (
    PALMATE_RAYS,
    PALMATE_REACH,
    DrawnLeaf,
    Form,
)

F32 = NDArray[np.float32]
Real = NDArray[np.floating]
_SECONDARIES = {
    Form.OVATE: 7,
    Form.TOOTHED: 11,
    Form.LANCEOLATE: 16,
    Form.LOBED: 4.3,
    Form.LEAFLET: 8,
}


def draw_leaf(
    canvas: Canvas, leaf: DrawnLeaf, rng: np.random.Generator
) -> tuple[Window, NDArray[np.bool_]]:
    """Draw a leaf and its shadow.

    Returns
    -------
    window : pair of slices
        Where on the canvas.
    mask : ndarray of bool
        Pixels of the window that are at least half covered by the blade.
    """
    outline = leaf.outline()
    canvas.shadow(outline, 0.7, 0.4, leaf.hole_outlines())
    window, cover = canvas.coverage(outline, leaf.hole_outlines(), pad_mm=0.2)
    u, v = leaf.to_leaf(*canvas.positions(window))
    blade = _blade(canvas, leaf, u, v, rng)
    canvas.blend(window, blade, cover)
    return window, cover >= 0.5


def _blade(
    canvas: Canvas, leaf: DrawnLeaf, u: F32, v: F32, rng: np.random.Generator
) -> F32:
    """Colour of the blade, rows x columns x 3 float32."""
    shape = (u.shape[0], u.shape[1])
    scale = canvas.px_per_mm
    mottle = noise(rng, shape, scale, 2.2) * 0.035 + noise(rng, shape, scale, 8) * 0.06
    grain = noise(rng, shape, scale, 0.3) * 0.025
    crease = 0.045 * np.tanh(v / (0.04 * leaf.width))
    shade = 1 + mottle + grain + crease
    tone = np.asarray(leaf.tone, np.float32)
    brown = _browning(leaf, u, v, noise(rng, shape, scale, 6))
    rust = np.array([112, 78, 46], np.float32)
    colour = (tone + brown[..., None] * (rust - tone)) * shade[..., None]
    veins = _veins(leaf, u, v)[..., None]
    pale = np.minimum(tone * 1.32 + 14, 225).astype(np.float32)
    return np.asarray(colour + veins * (pale - colour), np.float32)


def _browning(leaf: DrawnLeaf, u: F32, v: F32, patches: F32) -> F32:
    """How brown the blade has turned, 0..1: in patches, most near the tip."""
    towards_tip = np.clip(u / leaf.length, 0, 1) ** 3 * 0.45
    edge = np.clip(np.abs(v) / (0.5 * leaf.width), 0, 1) ** 4 * 0.25
    return np.clip(towards_tip + edge + 0.16 * patches - 0.12, 0, 0.75)


def _veins(leaf: DrawnLeaf, u: F32, v: F32) -> F32:
    if leaf.form is Form.PALMATE:
        return _palmate_veins(leaf, u, v)
    return _pinnate_veins(leaf, u, v)


def _pinnate_veins(leaf: DrawnLeaf, u: F32, v: F32) -> F32:
    """Midrib, and secondaries that leave it at an angle and curve to the tip."""
    part = np.clip(u / leaf.length, 0, 1)
    across = np.abs(v)
    rib = _stroke(across, (0.012 * leaf.width + 0.12) * (1.25 - part))
    pitch = leaf.length / _SECONDARIES[leaf.form]
    side = np.where(v > 0, 0.0, 0.42).astype(np.float32)
    along = (u - 0.75 * across - 0.9 * across**2 / leaf.width) / pitch + side
    away = np.abs(along - np.round(along)) * pitch * 0.75
    fade = np.clip(1.15 - across / (0.52 * leaf.width), 0.15, 1)
    tertiary = (across - 0.35 * u) / (0.14 * pitch + 0.5)
    net = _stroke(np.abs(tertiary - np.round(tertiary)), 0.07) * 0.13
    return np.maximum(rib * 0.85, np.maximum(_stroke(away, 0.13) * 0.55 * fade, net))


def _palmate_veins(leaf: DrawnLeaf, u: F32, v: F32) -> F32:
    """Draw a main vein into each lobe, with short side veins."""
    veins = np.zeros_like(u)
    stretch = leaf.width / (1.55 * leaf.length)
    for angle, reach in zip(PALMATE_RAYS, PALMATE_REACH, strict=True):
        direction = np.array([np.cos(angle), np.sin(angle) * stretch])
        direction /= np.linalg.norm(direction)
        cos, sin = (np.float32(x) for x in direction)
        along, across = u * cos + v * sin, np.abs(v * cos - u * sin)
        length = np.float32(reach * leaf.length)
        on = np.clip(along, 0, 0.3) / 0.3 * (along < length * 0.97)
        rib = _stroke(across, 0.28 * np.clip(1.15 - along / length, 0.1, 1)) * on
        side = (along - 0.8 * across) / 4.5
        twig = _stroke(np.abs(side - np.round(side)) * 3.5, 0.12)
        near = np.clip(1 - across / (0.14 * leaf.length), 0, 1) * on
        veins = np.maximum(veins, np.maximum(rib * 0.85, twig * near * 0.5))
    return np.asarray(veins, np.float32)


def _stroke(distance: Real, half_width: Real | float) -> F32:
    """1 on a line, falling to 0 at about twice its half width."""
    return np.asarray(np.clip(1.5 - distance / half_width, 0, 1), np.float32)
