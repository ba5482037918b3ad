"""Write the numbers of the leaves onto a picture so that each can be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from napari_herbarium.segment.mask import numbered_boxes

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
WHOLE_NUMBER, PARTIAL_NUMBER = (255, 255, 255), (190, 190, 190)
SMALLEST_FONT, LARGEST_FONT = 15, 44
_DIRECTIONS = np.radians(np.arange(0, 360, 30))
"""Where a number may stand beside its leaf, the first rather than the others."""
_FARTHER = (0.0, 1.0, 2.0)
"""How far off, in heights of the number; from 1 on a line leads to the leaf."""
_ON_NUMBER, _ON_LEAF, _PER_HEIGHT, _PER_TURN = 8.0, 2.0, 0.4, 0.02

Colour = tuple[int, int, int]


class _Spot(NamedTuple):
    """The widest place of a leaf, and the room there, px of the picture."""

    x: float
    y: float
    room: float


class _Number(NamedTuple):
    """A number as it is written, its middle at x, y."""

    text: str
    x: float
    y: float
    size: float
    stroke: int
    fill: Colour
    edge: Colour
    leader: tuple[float, float] | None = None

    def box(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns that it takes on a picture of that size."""
        left, top, right, bottom = _extent(self.text, self.size, self.stroke)
        return (
            slice(max(0, int(self.y + top)), min(height, int(self.y + bottom) + 1)),
            slice(max(0, int(self.x + left)), min(width, int(self.x + right) + 1)),
        )

    def on_picture(self, width: int, height: int) -> _Number:
        """Move it onto the picture, as little as can be."""
        left, top, right, bottom = _extent(self.text, self.size, self.stroke)
        across = _way_in(self.x + left, self.x + right, width)
        down = _way_in(self.y + top, self.y + bottom, height)
        return self._replace(x=self.x + across, y=self.y + down)

    def lead(self, draw: ImageDraw.ImageDraw) -> None:
        """Draw the line to its leaf, where it stands farther off."""
        if self.leader:
            draw.line([self.leader, (self.x, self.y)], fill=self.fill, width=1)

    def write(self, draw: ImageDraw.ImageDraw) -> None:
        """Write it."""
        draw.text(
            (self.x, self.y),
            self.text,
            anchor="mm",
            fill=self.fill,
            font=_font(self.size),
            stroke_width=self.stroke,
            stroke_fill=self.edge,
        )


def with_numbers(
    picture: NDArray[np.uint8],
    labels: NDArray[np.integer],
    small: NDArray[np.integer],
    partial: Collection[int],
) -> NDArray[np.uint8]:
    """Write the number of every leaf, in it or where there is room beside it.

    Parameters
    ----------
    picture : h x w x 3 uint8
    labels : H x W integers
        Of the sheet; 0 is not leaf.
    small : h x w integers
        The same at the size of the picture; a tiny leaf may be lost there.
    partial : collection of int
        Labels whose number is grey.

    Returns
    -------
    h x w x 3 uint8
        A copy.
    """
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    numbers = _placed(small, _spots(labels, small), partial)
    # All lines first, so that none runs through a number.
    for number in numbers:
        number.lead(draw)
    for number in numbers:
        number.write(draw)
    return np.asarray(canvas)


def _placed(
    small: NDArray[np.integer], spots: dict[int, _Spot], partial: Collection[int]
) -> list[_Number]:
    page = _Page(small)
    numbers = list(_inside(spots, partial))
    for number in numbers:
        page.take(number)
    for label, spot in spots.items():
        if not _has_room(spot):
            numbers.append(page.best(_places_beside(label, spot, page.size)))
            page.take(numbers[-1])
    return numbers


class _Page:
    """What of a picture is taken by leaves, and what by numbers already written."""

    def __init__(self, small: NDArray[np.integer]) -> None:
        self._leaf = small
        self._taken = np.zeros(small.shape, bool)

    def take(self, number: _Number) -> None:
        """Keep the place of a number free of others."""
        self._taken[number.box(*self.size)] = True

    def best(self, places: Iterator[tuple[float, _Number]]) -> _Number:
        """Choose among places, each with how little it is liked."""
        return min(places, key=self._cost)[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self._leaf.shape[1], self._leaf.shape[0]

    def _cost(self, place: tuple[float, _Number]) -> float:
        """How bad a place is: what lies under the number, and how far it is off."""
        far, number = place
        box = number.box(*self.size)
        on_number = float(self._taken[box].mean())
        on_leaf = float((self._leaf[box] > 0).mean())
        return _ON_NUMBER * on_number + _ON_LEAF * on_leaf + far


def _has_room(spot: _Spot) -> bool:
    return spot.room >= SMALLEST_FONT / 2


def _inside(spots: dict[int, _Spot], partial: Collection[int]) -> Iterator[_Number]:
    for label, spot in spots.items():
        if _has_room(spot):
            size = float(np.clip(spot.room * 0.8, SMALLEST_FONT, LARGEST_FONT))
            stroke = max(2, round(size / 10))
            fill = PARTIAL_NUMBER if label in partial else WHOLE_NUMBER
            yield _Number(str(label), spot.x, spot.y, size, stroke, fill, (0, 0, 0))


def _places_beside(
    label: int, spot: _Spot, size: tuple[int, int]
) -> Iterator[tuple[float, _Number]]:
    """Places round the widest part of a leaf, and how little each is liked."""
    red, green, blue = (int(c) for c in COLOURS[label % len(COLOURS)])
    number = _Number(
        str(label),
        spot.x,
        spot.y,
        SMALLEST_FONT,
        2,
        (red, green, blue),
        (255, 255, 255),
    )
    left, top, right, bottom = _extent(number.text, number.size, number.stroke)
    high = bottom - top
    for farther in _FARTHER:
        for turn, angle in enumerate(_DIRECTIONS):
            off = spot.room + 1 + farther * high
            x = spot.x + (off + (right - left) / 2) * np.cos(angle)
            y = spot.y - (off + high / 2) * np.sin(angle)
            leader = (spot.x, spot.y) if farther else None
            there = number._replace(x=float(x), y=float(y), leader=leader)
            yield (
                _PER_HEIGHT * farther + _PER_TURN * turn,
                there.on_picture(*size),
            )


def _spots(labels: NDArray[np.integer], small: NDArray[np.integer]) -> dict[int, _Spot]:
    """Per label its widest place; that of a leaf lost in the picture has no room."""
    inner = (small > 0) & ~find_boundaries(small, mode="inner")
    depth = distance_transform_edt(np.pad(inner, 1))[1:-1, 1:-1]
    boxes = dict(numbered_boxes(small))
    factor = small.shape[0] / labels.shape[0]
    spots = {}
    for label, box in numbered_boxes(labels):
        seen = boxes.get(label)
        if seen is None:
            row, column = ((side.start + side.stop) / 2 * factor for side in box)
            spots[label] = _Spot(column, row, 0.0)
        else:
            spots[label] = _widest(small[seen] == label, depth[seen], seen)
    return spots


def _widest(
    mask: NDArray[np.bool_], depth: NDArray[np.float64], box: tuple[slice, slice]
) -> _Spot:
    inside = np.where(mask, depth, -1)
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    return _Spot(
        box[1].start + float(column),
        box[0].start + float(row),
        float(inside[row, column]),
    )


@lru_cache(256)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(4096)
def _extent(text: str, size: float, stroke: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text round its middle."""
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    return draw.textbbox(
        (0, 0), text, font=_font(size), anchor="mm", stroke_width=stroke
    )


def _way_in(low: float, high: float, end: int) -> float:
    return max(0, -low) or min(0, end - high)
