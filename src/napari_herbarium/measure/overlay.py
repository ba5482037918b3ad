"""Draw the leaves onto the sheet: outlines, and numbers that match the table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from napari_herbarium.segment.mask import numbered_boxes

LONG_SIDE = 2000
# Bright, unlike leaf and paper, and neighbours in the list far from each other.
COLOURS = np.array(
    [
        (230, 25, 75),
        (0, 110, 230),
        (240, 120, 0),
        (145, 30, 180),
        (0, 150, 130),
        (220, 0, 200),
        (0, 170, 230),
        (160, 60, 20),
    ],
    np.uint8,
)
TINT = 0.15
DASH = 14
WHOLE_NUMBER, PARTIAL_NUMBER = "white", (190, 190, 190)
SMALLEST_FONT, LARGEST_FONT = 15, 44


def draw_overlay(
    image: Any,
    labels: NDArray[np.integer],
    long_side: int = LONG_SIDE,
    partial: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Draw outline and number of every leaf onto a reduced copy of the sheet.

    The outline of a leaf that is not whole is dashed and its number grey.

    Parameters
    ----------
    image : H x W x 3 uint8 array-like
        The sheet, or a reduced copy of it.
    labels : H x W integers
        0 is not leaf.
    long_side : int
        Longest side of the result in px; nothing is enlarged.
    partial : collection of int
        Labels that are not single whole leaves.

    Returns
    -------
    h x w x 3 uint8
    """
    height, width = _reduced(labels.shape, long_side)
    sheet = Image.fromarray(np.asarray(image, np.uint8)).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=2.0
    )
    small = _nearest(labels, height, width)
    picture = Image.fromarray(_with_outlines(np.asarray(sheet), small, partial))
    _write_numbers(ImageDraw.Draw(picture), labels, small, partial)
    return np.asarray(picture)


def _reduced(shape: tuple[int, ...], long_side: int) -> tuple[int, int]:
    factor = min(1.0, long_side / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _nearest(labels: NDArray, height: int, width: int) -> NDArray:
    rows = (np.arange(height) + 0.5) * labels.shape[0] / height
    columns = (np.arange(width) + 0.5) * labels.shape[1] / width
    return labels[np.ix_(rows.astype(int), columns.astype(int))]


def _with_outlines(
    sheet: NDArray, small: NDArray, partial: Collection[int]
) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = sheet.copy()
    leaf = small > 0
    colour = COLOURS[small[leaf] % len(COLOURS)]
    picture[leaf] = picture[leaf] * (1 - TINT) + colour * TINT
    outline = _dashed(_outline(small), small, partial)
    picture[outline] = COLOURS[small[outline] % len(COLOURS)]
    return picture


def _outline(small: NDArray) -> NDArray[np.bool_]:
    """Two px wide, inside the leaf; one px on small pictures."""
    outer = find_boundaries(small, mode="inner")
    rest = np.where(outer, 0, small)
    if max(small.shape) > LONG_SIDE // 2:
        outer |= find_boundaries(rest, mode="inner")
    outline: NDArray[np.bool_] = outer & (small > 0)
    return outline


def _dashed(
    outline: NDArray[np.bool_], small: NDArray, partial: Collection[int]
) -> NDArray[np.bool_]:
    """Take gaps out of the outlines of partial leaves."""
    if not partial:
        return outline
    row, column = np.nonzero(outline)
    # Twice the columns, as the plain sum is the same all along a diagonal margin.
    gap = (row + 2 * column) % DASH >= DASH // 2
    gap &= np.isin(small[row, column], list(partial))
    dashed = outline.copy()
    dashed[row[gap], column[gap]] = False
    return dashed


def _write_numbers(
    draw: ImageDraw.ImageDraw,
    labels: NDArray,
    small: NDArray,
    partial: Collection[int],
) -> None:
    room = _room(small)
    factor = small.shape[0] / labels.shape[0]
    for label, box in numbered_boxes(labels):
        spot = room.get(label)
        if spot is not None and spot[2] >= SMALLEST_FONT / 2:
            fill = PARTIAL_NUMBER if label in partial else WHOLE_NUMBER
            _number_inside(draw, label, spot, fill)
        else:
            _number_beside(draw, label, box, factor)


def _room(small: NDArray) -> dict[int, tuple[float, float, float]]:
    """Per label the row and column of its widest place, and the room there in px."""
    inner = (small > 0) & ~find_boundaries(small, mode="inner")
    depth = distance_transform_edt(np.pad(inner, 1))[1:-1, 1:-1]
    room = {}
    for label, box in numbered_boxes(small):
        inside = np.where(small[box] == label, depth[box], 0)
        row, column = np.unravel_index(inside.argmax(), inside.shape)
        spot = (box[0].start + float(row), box[1].start + float(column))
        room[label] = (*spot, float(inside[row, column]))
    return room


def _number_inside(
    draw: ImageDraw.ImageDraw,
    label: int,
    spot: tuple[float, float, float],
    fill: str | tuple[int, int, int],
) -> None:
    row, column, room = spot
    size = float(np.clip(room * 0.8, SMALLEST_FONT, LARGEST_FONT))
    number = _Number(str(label), "mm", size, max(2, round(size / 10)))
    number.draw(draw, (column, row), fill, "black")


def _number_beside(
    draw: ImageDraw.ImageDraw, label: int, box: tuple[slice, slice], factor: float
) -> None:
    row = box[0].start * factor
    right = _Number(str(label), "lm", SMALLEST_FONT, 2)
    left = replace(right, anchor="rm")
    spot = (box[1].stop * factor + 2, row)
    number = right
    if right.way_in(draw, spot)[0] < 0:
        number, spot = left, (box[1].start * factor - 2, row)
    colour = tuple(int(c) for c in COLOURS[label % len(COLOURS)])
    number.draw(draw, spot, colour, "white")


@dataclass(frozen=True)
class _Number:
    """A number as it is written; `anchor` is Pillow's."""

    text: str
    anchor: str
    size: float
    stroke: int

    def draw(
        self,
        draw: ImageDraw.ImageDraw,
        spot: tuple[float, float],
        fill: str | tuple[int, ...],
        edge: str,
    ) -> None:
        """Write it at (x, y), or as near to there as the picture has room for it."""
        across, down = self.way_in(draw, spot)
        draw.text(
            (spot[0] + across, spot[1] + down),
            self.text,
            anchor=self.anchor,
            fill=fill,
            font=ImageFont.load_default(self.size),
            stroke_width=self.stroke,
            stroke_fill=edge,
        )

    def way_in(
        self, draw: ImageDraw.ImageDraw, spot: tuple[float, float]
    ) -> tuple[float, float]:
        """Columns and rows by which it must move to lie on the picture."""
        left, top, right, bottom = draw.textbbox(
            spot,
            self.text,
            font=ImageFont.load_default(self.size),
            anchor=self.anchor,
            stroke_width=self.stroke,
        )
        width, height = draw.im.size
        return _way_in(left, right, width), _way_in(top, bottom, height)


def _way_in(low: float, high: float, end: int) -> float:
    return max(0, -low) or min(0, end - high)
