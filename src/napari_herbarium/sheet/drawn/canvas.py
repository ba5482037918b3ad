"""A picture that is drawn on in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from napari_herbarium.sheet.drawn.leaf import Points

Colour = tuple[float, float, float]
Window = tuple[slice, slice]
FINE = 4  # sub-pixels per pixel and axis where an outline is rasterised
BAND = 512  # rows of paper made at a time


class Canvas:
    """H x W x 3 uint8 `pixels` of a sheet, addressed in mm from its top left.

    Parameters
    ----------
    width_mm, height_mm : float
        Size of the sheet.
    px_per_mm : float
        Resolution; pixel ``i`` covers ``i / px_per_mm`` to ``(i + 1) / px_per_mm``.
    """

    def __init__(self, width_mm: float, height_mm: float, px_per_mm: float) -> None:
        self.px_per_mm = px_per_mm
        self.height = round(height_mm * px_per_mm)
        self.width = round(width_mm * px_per_mm)
        self.pixels = np.empty((self.height, self.width, 3), np.uint8)

    def paper(self, rng: np.random.Generator, tone: Colour) -> None:
        """Cover the sheet with paper: clouds, a few stains and a fine grain."""
        clouds = [
            (_noise_image(rng, self.px_per_mm, self.height, self.width, pitch), gain)
            for pitch, gain in ((60.0, 0.016), (9.0, 0.008), (1.3, 0.006))
        ]
        base = np.asarray(tone, np.float32)
        yellowing = np.array([0.75, 1.0, 1.55], np.float32)
        for top in range(0, self.height, BAND):
            bottom = min(top + BAND, self.height)
            shade = rng.standard_normal((bottom - top, self.width), np.float32) * 0.006
            for image, gain in clouds:
                part = (0, top * image.height / self.height)
                box = (*part, image.width, bottom * image.height / self.height)
                size = (self.width, bottom - top)
                big = image.resize(size, Image.Resampling.BICUBIC, box=box)
                shade += gain * np.asarray(big)
            paper = base * (1 + shade[..., None] * yellowing)
            self.pixels[top:bottom] = np.clip(paper + 0.5, 0, 255)

    def coverage(
        self, outline: Points, holes: Sequence[Points] = (), pad_mm: float = 0.0
    ) -> tuple[Window, NDArray[np.float32]]:
        """How much of each pixel lies inside `outline` (N x 2, mm), 0..1.

        Returns
        -------
        window : pair of slices
            Rows and columns that hold the outline and `pad_mm` around it.
        cover : ndarray of float32
            One value a pixel of the window.
        """
        window = self.window(outline, pad_mm)
        rows, cols = window
        size = (cols.stop - cols.start, rows.stop - rows.start)
        fine = Image.new("L", (size[0] * FINE, size[1] * FINE))
        pen = ImageDraw.Draw(fine)
        for points, inside in ((outline, 255), *((hole, 0) for hole in holes)):
            px = points * self.px_per_mm - (cols.start, rows.start)
            pen.polygon([tuple(p) for p in px * FINE - 0.5], fill=inside)
        cover = np.asarray(fine.reduce(FINE), np.float32) / np.float32(255)
        return window, cover

    def window(self, points: Points, pad_mm: float = 0.0) -> Window:
        """Rows and columns that hold `points` (mm) and `pad_mm` around them."""
        low = np.floor((points.min(axis=0) - pad_mm) * self.px_per_mm).astype(int)
        high = np.ceil((points.max(axis=0) + pad_mm) * self.px_per_mm).astype(int)
        x0, y0 = np.maximum(low, 0)
        x1, y1 = np.minimum(high, (self.width, self.height))
        return slice(int(y0), int(max(y1, y0 + 1))), slice(
            int(x0), int(max(x1, x0 + 1))
        )

    def positions(self, window: Window) -> tuple[NDArray, NDArray]:
        """Pixel centres of a window in mm: x as a row, y as a column, float32."""
        rows, cols = window
        x = (np.arange(cols.start, cols.stop, dtype=np.float32) + 0.5) / self.px_per_mm
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / self.px_per_mm
        return x[None, :], y[:, None]

    def fill(self, outline: Points, colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline (N x 2, mm) with one colour."""
        window, cover = self.coverage(outline)
        self.blend(window, np.asarray(colour, np.float32), cover * alpha)

    def box(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        """Fill the rectangle at (x, y) of w x h mm."""
        self.fill(np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]), colour)

    def shadow(
        self,
        outline: Points,
        reach_mm: float,
        strength: float,
        holes: Sequence[Points] = (),
    ) -> None:
        """Darken what lies under a raised outline, towards the lower right."""
        away = np.array([0.45, 0.7]) * reach_mm
        shifted = [points + away for points in (outline, *holes)]
        window, cover = self.coverage(shifted[0], shifted[1:], pad_mm=2 * reach_mm)
        soft = Image.fromarray((cover * 255).astype(np.uint8))
        blur = ImageFilter.GaussianBlur(reach_mm * self.px_per_mm * 0.6)
        shade = np.asarray(soft.filter(blur), np.float32) / 255
        self.blend(window, np.array([52, 42, 30], np.float32), shade * strength)

    def blend(self, window: Window, colour: NDArray, alpha: NDArray) -> None:
        """Lay `colour` (3, or rows x columns x 3) over a window with weight `alpha`."""
        under = self.pixels[window].astype(np.float32)
        over = under + alpha[..., None] * (colour - under)
        self.pixels[window] = np.clip(over + 0.5, 0, 255)

    def text(
        self, x: float, y: float, words: str, size_mm: float, colour: Colour
    ) -> None:
        """Write one line of text with its top left at (x, y); size is the em."""
        font = ImageFont.load_default(max(size_mm * self.px_per_mm, 1.0))
        _, _, right, bottom = font.getbbox(words)
        ink = Image.new("L", (max(int(right), 1), max(int(bottom), 1)))
        ImageDraw.Draw(ink).text((0, 0), words, fill=255, font=font)
        self.ink(x, y, np.asarray(ink, np.float32) / 255, colour)

    def ink(self, x: float, y: float, cover: NDArray, colour: Colour) -> None:
        """Print a mask (0..1, one value a pixel) with its corner at (x, y)."""
        top, left = round(y * self.px_per_mm), round(x * self.px_per_mm)
        window = slice(top, top + cover.shape[0]), slice(left, left + cover.shape[1])
        h, w = self.pixels[window].shape[:2]
        self.blend(window, np.asarray(colour, np.float32), cover[:h, :w])


def ribbon(line: Points, width: tuple[float, float], shift: float = 0.0) -> Points:
    """Outline of a line (N x 2, mm) whose width runs from the first to the second.

    `shift` moves the ribbon sideways, in parts of its half width.
    """
    step = np.gradient(line, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    half = np.linspace(width[0], width[1], len(line))[:, None] / 2
    middle = line + normal * half * shift
    return np.concatenate([middle + normal * half, (middle - normal * half)[::-1]])


def noise(
    rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float, pitch_mm: float
) -> NDArray[np.float32]:
    """Smooth noise of unit variance at `pitch_mm`, rows x columns float32."""
    image = _noise_image(rng, px_per_mm, *shape, pitch_mm)
    big = image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(big)


def _noise_image(
    rng: np.random.Generator,
    px_per_mm: float,
    height: int,
    width: int,
    pitch_mm: float,
) -> Image.Image:
    """Make the coarse grid of `noise`, the same for the same size in mm."""
    rows = max(round(height / px_per_mm / pitch_mm), 1) + 2
    cols = max(round(width / px_per_mm / pitch_mm), 1) + 2
    return Image.fromarray(rng.standard_normal((rows, cols), np.float32))
