"""The resolutions at which a sheet is looked at, and the way between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_herbarium.segment.pixels import SheetRows

if TYPE_CHECKING:
    from torch import Tensor

MAX_ENLARGEMENT = 4
"""Nothing is gained by looking at a small scan larger than this."""
SMALL_SCAN = 0.5
"""A sheet at most this times as long as the model's largest scale is a small scan,"""
ENLARGED = 1.5
"""and is also looked at this times as long as that scale, see `training/README.md`.
Of one that is larger only the outlines are."""

_BAND = 256


@dataclass(frozen=True)
class Level:
    """A resolution of the sheet.

    Attributes
    ----------
    height, width : int
        Size in px of this level.
    px_y, px_x : float
        Sheet pixels per pixel of this level.
    """

    height: int
    width: int
    px_y: float
    px_x: float

    @property
    def long_side(self) -> int:
        """The longer side in px."""
        return max(self.height, self.width)


@dataclass(frozen=True)
class CoarseMap:
    """What is known of the sheet at some level.

    Attributes
    ----------
    values : Tensor
        height x width, floating: logits or probability.
    level : Level
        The resolution of `values`.
    """

    values: Tensor
    level: Level


def scales_of(long_side: int, scales: Sequence[int]) -> list[int]:
    """Give the long sides in px at which a model looks at a whole sheet.

    Parameters
    ----------
    long_side : int
        Of the sheet, in px.
    scales : sequence of int
        The model's; a small scan, whose leaves are few px, gets one more.
    """
    small = long_side <= SMALL_SCAN * max(scales)
    return sorted({*scales, enlarged(scales)} if small else scales)


def enlarged(scales: Sequence[int]) -> int:
    """Long side in px of what is looked at beyond a model's scales."""
    return round(ENLARGED * max(scales))


def working_level(height: int, width: int, long_side: int) -> Level:
    """Level at which the sheet's long side is `long_side` px, its shape kept.

    Parameters
    ----------
    height, width : int
        Size of the sheet in px.
    long_side : int
        Wanted long side in px; sheets are enlarged at most `MAX_ENLARGEMENT` times.
    """
    factor = min(long_side / max(height, width), MAX_ENLARGEMENT)
    return squashed_level(
        height, width, max(1, round(height * factor)), max(1, round(width * factor))
    )


def squashed_level(height: int, width: int, new_height: int, new_width: int) -> Level:
    """Level of exactly the given size, whatever that does to the sheet's shape."""
    return Level(new_height, new_width, height / new_height, width / new_width)


def reduced_level(height: int, width: int, factor: int) -> Level:
    """Level whose pixels are means of `factor` x `factor` sheet pixels."""
    return Level(-(-height // factor), -(-width // factor), factor, factor)


def reduced(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks of `factor` x `factor` pixels, H x W (x 3) uint8."""
    # In bands: Pillow takes a larger copy of what it reduces.
    step = _BAND * factor
    bands = [
        np.asarray(Image.fromarray(pixels[top : top + step]).reduce(factor))
        for top in range(0, len(pixels), step)
    ]
    return bands[0] if len(bands) == 1 else np.concatenate(bands)


class LevelRows:
    """Reads bands of a sheet reduced by a whole factor.

    Parameters
    ----------
    rows : SheetRows
        The sheet at its own resolution.
    factor : int
        Sheet pixels per pixel in both directions; 1 gives the sheet itself.
    """

    def __init__(self, rows: SheetRows, factor: int) -> None:
        self._rows, self.factor = rows, factor
        self.level = reduced_level(rows.height, rows.width, factor)
        self._kept: np.ndarray | None = None

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Rows `top` to `bottom` of the level, H x W x 3 uint8."""
        if self._kept is not None:
            return self._kept[top:bottom]
        band = self._rows.read(top * self.factor, bottom * self.factor)
        if self.factor == 1:
            return band
        return reduced(band, self.factor)

    def read_all(self) -> np.ndarray:
        """Read the whole level, band by band."""
        level = self.level
        whole = np.empty((level.height, level.width, 3), np.uint8)
        for top in range(0, level.height, _BAND):
            whole[top : top + _BAND] = self.read(top, top + _BAND)
        return whole

    def keep(self) -> np.ndarray:
        """Read the whole level and keep it: the file need not be read again."""
        if self._kept is None:
            self._kept = self.read_all()
        return self._kept


class EnlargedRows(LevelRows):
    """Reads bands of an enlarged sheet, which is held as a whole.

    Parameters
    ----------
    rows : SheetRows
        The sheet at its own resolution.
    level : Level
        A finer one.
    """

    def __init__(self, rows: SheetRows, level: Level) -> None:
        super().__init__(rows, 1)  # what is enlarged is the sheet as it is
        self.level = level

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Rows `top` to `bottom` of the level, H x W x 3 uint8."""
        return self.keep()[top:bottom]

    def read_all(self) -> np.ndarray:
        """Enlarge the sheet."""
        sheet = Image.fromarray(self._rows.read(0, self._rows.height))
        size = self.level.width, self.level.height
        return np.asarray(sheet.resize(size, Image.Resampling.BICUBIC))


def shrink(
    rows: SheetRows, levels: list[Level], next_look: LevelRows | None = None
) -> list[np.ndarray]:
    """Bring the sheet to several working sizes, antialiased, reading it once.

    A large sheet is first reduced by averaging whole blocks of pixels to at least
    twice the largest size; the rest is a triangle filter as wide as the step.

    Parameters
    ----------
    rows : SheetRows
        The sheet at its own resolution.
    levels : list of Level
        The sizes wanted.
    next_look : LevelRows, optional
        What is read next; kept where it is what the sizes are made from.

    Returns
    -------
    list of ndarray
        H x W x 3 uint8, one for each level.
    """
    # Both sides count: the paper's squashed square shrinks them unequally.
    room = min(min(level.px_y, level.px_x) for level in levels)
    factor = max(1, int(room / 2))
    if next_look is not None and next_look.factor == factor > 1:
        whole = Image.fromarray(next_look.keep())
    else:
        whole = Image.fromarray(LevelRows(rows, factor).read_all())
    box = (0, 0, rows.width / factor, rows.height / factor)
    return [
        np.asarray(
            whole.resize((level.width, level.height), Image.Resampling.BILINEAR, box)
        )
        for level in levels
    ]


def enlarge_rows(values: Tensor, at: Level, to: Level, top: int, bottom: int) -> Tensor:
    """Bring a map from one level to rows `top` to `bottom` of a finer one.

    Parameters
    ----------
    values : Tensor
        h x w map at level `at`, any floating dtype.
    at, to : Level
        Where the map is and where it goes.
    top, bottom : int
        Rows of `to`.

    Returns
    -------
    Tensor
        (bottom - top) x width float32, bilinear.
    """
    import torch
    from torch.nn.functional import interpolate, pad

    row = (torch.arange(top, bottom) + 0.5) * (to.px_y / at.px_y) - 0.5
    row = row.clamp(0, at.height - 1)
    above = row.long()
    below = (above + 1).clamp(max=at.height - 1)
    share = (row - above).float()[:, None]
    lines = torch.lerp(values[above].float(), values[below].float(), share)
    # One more column than there is: the last output column must not be rounded away.
    lines = pad(lines[:, None], (0, 1), mode="replicate")
    scale = at.px_x / to.px_x
    wide = interpolate(lines, scale_factor=scale, mode="linear")
    return wide[:, 0, : to.width]
