"""The last look, without the network: colours draw an outline that is known.

At half of the sheet's resolution the network has said what is leaf. Which side of the
outline a single pixel of the sheet lies on is then a matter of colour: whether it is
more like the leaf or more like the ground, both as they are close by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from napari_herbarium.segment.band import grown
from napari_herbarium.segment.canvas import Emit
from napari_herbarium.segment.levels import (
    CoarseMap,
    Level,
    LevelRows,
    enlarge_rows,
    reduced,
)
from napari_herbarium.segment.working_size import as_bytes

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]

STEP = 2
"""Sheet pixels per pixel of the map that is known."""
CELL = 2
"""Side, in px of the map, of the squares of which mean colours are compared."""
WINDOW = 11
"""Side of the square in which they are compared, in cells: 44 px of the sheet."""
LEAST_SHARE = 1 / WINDOW
"""How much of the square leaf and ground must each have."""
GRAIN = 10.0
"""Colours that differ less than this, of 255, are not told apart: noise and grain."""
TRUST = 0.2
"""Pixels close by look alike, so each counts less than it would on its own."""
LARGEST_CHANGE = 2.0
"""Logits; a probability under 0.12 or over 0.88 is never overruled."""
_OPEN = 2 * LARGEST_CHANGE
_HALO = (WINDOW // 2 + 1) * CELL
_ROWS, _COLUMNS = 128, 256  # whole cells


def tones(
    image: NDArray[np.uint8], leaf: NDArray[np.bool_], ground: NDArray[np.bool_]
) -> Floats:
    """Find what tells leaf from ground by colour, around each pixel.

    The linear discriminant of the colours of leaf and of ground in a square of
    `WINDOW` px, with one variance for all channels. Means on both sides of an outline,
    of its surroundings only, are those of Lankton and Tannenbaum (2008), IEEE
    Transactions on Image Processing 17:2029.

    Parameters
    ----------
    image : ndarray
        height x width x 3 uint8.
    leaf, ground : ndarray
        height x width bool. What is neither says nothing.

    Returns
    -------
    ndarray
        height x width x 4 float32: the logit of a colour is its sum with the first
        three as weights, plus the last. All are 0 where leaf or ground is hardly there.
    """
    colours = np.moveaxis(image, 2, 0).astype(np.float32)
    squares = _summed(colours, colours)
    inside, leaf_known, leaf_spread = _side(colours, squares, leaf)
    outside, ground_known, ground_spread = _side(colours, squares, ground)
    slope = inside - outside
    slope /= (leaf_spread + ground_spread) / 2 + GRAIN**2
    offset = -_summed(slope, inside + outside) / 2
    told: Floats = np.concatenate([slope, offset[None]])
    told[:, ~(leaf_known & ground_known)] = 0
    return np.ascontiguousarray(np.moveaxis(told, 0, 2))


def _side(
    colours: Floats, squares: Floats, flags: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Mean colour of what is flagged around each pixel, if any, and its variance."""
    weight = flags.astype(np.float32)
    share = _averaged(weight)
    some = np.maximum(share, np.float32(1e-6))
    mean = _averaged(colours * weight)
    mean /= some
    variance = _averaged(squares * weight)
    variance /= some
    variance -= _summed(mean, mean)
    variance /= len(colours)
    return mean, share >= LEAST_SHARE, variance.clip(0)


def _summed(one: Floats, other: Floats) -> Floats:
    total: Floats = np.einsum("cyx,cyx->yx", one, other)
    return total


def _averaged(values: Floats) -> Floats:
    across = (0,) * (values.ndim - 2) + (WINDOW, WINDOW)
    mean: Floats = uniform_filter(values, across, mode="nearest")
    return mean


def steps_of(level: Level) -> int:
    """How many steps a look at a level takes: its bands of rows."""
    return -(-level.height // (_ROWS * STEP))


class ColourLook:
    """The sheet's own pixels along the outlines of a map of half its resolution.

    Parameters
    ----------
    known : CoarseMap
        Logits.
    rows : LevelRows
        The sheet at twice the resolution of `known`.
    cut_logit : float
        Logit from which on a pixel is leaf.
    """

    def __init__(self, known: CoarseMap, rows: LevelRows, cut_logit: float) -> None:
        self._known, self._rows, self._cut = known, rows, cut_logit
        self.level = rows.level

    @property
    def count(self) -> int:
        """Number of bands of rows."""
        return steps_of(self.level)

    def run(self, emit: Emit) -> Iterator[int]:
        """Look from top to bottom.

        Parameters
        ----------
        emit : callable
            Given the logits of the level, each row once, top to bottom.

        Yields
        ------
        int
            Number of bands done since the last time, which is one.
        """
        for first in range(0, self._known.level.height, _ROWS):
            top = first * STEP
            bottom = min(top + _ROWS * STEP, self.level.height)
            emit(top, bottom, self._band(first, top, bottom))
            yield 1

    def _band(self, first: int, top: int, bottom: int) -> Tensor:
        known = self._known
        logits = enlarge_rows(known.values, known.level, self.level, top, bottom)
        above = max(0, first - _HALO)
        around = known.values[above : first + _ROWS + _HALO].float() - self._cut
        image = self._rows.read(above * STEP, (above + len(around)) * STEP)
        for left in range(0, known.level.width, _COLUMNS):
            self._block(logits.numpy(), image, around.numpy(), first - above, left)
        return logits

    def _block(
        self,
        logits: Floats,
        image: NDArray[np.uint8],
        around: Floats,
        down: int,
        left: int,
    ) -> None:
        """Change the logits of one block in place.

        `logits` are those of its rows. `image` and `around`, what is known, begin
        `down` px of the map further up.
        """
        here = logits[:, left * STEP : (left + _COLUMNS) * STEP]
        y, x = np.nonzero((here > self._cut - _OPEN) & (here < self._cut + _OPEN))
        if not len(y):
            return
        away = here[y, x] - self._cut
        x += left * STEP
        rows = _around(y + down * STEP, len(around))
        columns = _around(x, around.shape[1])
        near = np.ascontiguousarray(image[_enlarged(rows), _enlarged(columns)])
        leaf = around[rows, columns] >= 0
        told = tones(reduced(near, STEP * CELL), _cells_in(leaf), _cells_in(~leaf))
        y_near, x_near = y + (down - rows.start) * STEP, x - columns.start * STEP
        told = told[y_near // (STEP * CELL), x_near // (STEP * CELL)]
        logits[y, x] += _change(_said(told, near[y_near, x_near]), away)


def _cells_in(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells that lie in what is flagged, and at least 1 px from its outline."""
    inner = as_bytes(~grown(~flags, 1))
    return reduced(inner, CELL) == 255


def _said(told: Floats, colours: NDArray[np.uint8]) -> Floats:
    """Logit of each of N colours by what is told where it lies, N x 4."""
    logit: Floats = np.einsum("nc,nc->n", told[:, :3], colours) + told[:, 3]
    return logit


def _change(by_colour: Floats, away: Floats) -> Floats:
    """How far logits move that are so far away from the cut; none that is sure."""
    change = np.clip(TRUST * by_colour, -LARGEST_CHANGE, LARGEST_CHANGE)
    change *= np.clip(2 - np.abs(away) / LARGEST_CHANGE, 0, 1)
    return change


def _around(places: NDArray[np.intp], length: int) -> slice:
    """Part of the map that decides on pixels of the sheet, along one axis."""
    first, last = int(places.min()) // STEP, int(places.max()) // STEP
    whole_cells = (first - _HALO) // CELL * CELL
    return slice(max(0, whole_cells), min(length, last + 1 + _HALO))


def _enlarged(part: slice) -> slice:
    """Pixels of the sheet of a part of the map."""
    return slice(part.start * STEP, part.stop * STEP)
