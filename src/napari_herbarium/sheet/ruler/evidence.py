"""From marks to a scale: what each find says, and how far it can be believed.

Every find is turned into a :class:`Claim`: so many px of the working copy are a
millimetre. A claim is *sound* only when the find itself shows its unit (long marks in
fives and tens, or in twos, fours and eights; a centimetre cut into ten; ten alternating
cells) and the sheet would then be about as large as herbarium sheets are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_herbarium.sheet.ruler.bar import Bar
from napari_herbarium.sheet.ruler.lattice import Lattice
from napari_herbarium.sheet.ruler.pixels import Frame
from napari_herbarium.sheet.ruler.ticks import Rhythm

INCH = 25.4
INCH_MARKS = tuple(INCH / parts for parts in (32, 16, 8, 4))

LONG_SIDE = (310.0, 610.0)
"""Believable longer side of a picture of one herbarium sheet, mm. The factor between
the ends is less than two, so that halves and doubles cannot both be believed."""

BAR_SIDE = (380.0, 560.0)
"""The same, narrower, for a bar whose cells nothing but their number marks as cm."""

_COHERENT, _PRESENT, _MARKS = 0.45, 0.7, 38
_METRIC, _INCHES, _CLEARLY = 0.4, 0.35, 2.5
_CELLS = 8
_BENT = 0.02


@dataclass(frozen=True)
class Claim:
    """What one find says about the scale.

    Attributes
    ----------
    px_per_mm : float
        Pixels of the working copy per millimetre.
    unit : str
        What was read: ``"mm"``, ``"1/16 inch"``, ``"cm"``, ...
    period : float
        Distance of the marks that were read, px of the working copy.
    confidence : float
        0 to 1.
    frame, length : Frame, float
        Where the ruler lies: `length` px from the frame's origin along u.
    upright : bool
        Found in the transposed picture: x and y are exchanged.
    reason : str
        What speaks for it.
    doubt : str
        What speaks against it; empty for a sound claim.
    """

    px_per_mm: float
    unit: str
    period: float
    confidence: float
    frame: Frame
    length: float
    upright: bool
    reason: str
    doubt: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.doubt


def ticks_claim(
    lattice: Lattice, rhythm: Rhythm, long_side: int, upright: bool
) -> Claim | None:
    """Turn a row of marks into a claim; None when no unit shows."""
    clear = lattice.coherence >= _COHERENT and rhythm.present >= _PRESENT
    if not clear or lattice.count < _MARKS:
        return None
    floor = max(rhythm.control, 0.08)
    if rhythm.metric >= max(_METRIC, _CLEARLY * max(rhythm.inch, floor)):
        mark, name, groups = 1.0, "mm", "fifth and tenth"
        strength = 0.2 + rhythm.metric
    elif rhythm.inch >= max(_INCHES, _CLEARLY * max(rhythm.metric, floor)):
        mark = _likely_mark(lattice.period, long_side)
        name, groups = f"1/{round(INCH / mark)} inch", "second, fourth and eighth"
        strength = rhythm.inch
    else:
        return None
    middle = (lattice.first + lattice.last) / 2
    length = lattice.last - lattice.first
    x, y = lattice.frame.place(middle - length / 2, 0.0)
    doubt = _bend_doubt(lattice.bend) or _size_doubt(
        lattice.period / mark, long_side, LONG_SIDE
    )
    return Claim(
        lattice.period / mark,
        name,
        lattice.period,
        0.7 + 0.2 * min(1.2, strength),
        Frame(float(x), float(y), lattice.frame.angle),
        length,
        upright,
        f"{round(lattice.count)} {name} marks, every {groups} longer",
        doubt,
    )


def bar_claim(bar: Bar, long_side: int, upright: bool) -> Claim | None:
    """Turn a bar of alternating cells into a claim; None when it is too short."""
    if bar.cells < _CELLS and not (bar.ruled and bar.cells >= _CELLS - 2):
        return None
    side = LONG_SIDE if bar.ruled else BAR_SIDE
    ruled = ", one cut into millimetres" if bar.ruled else ""
    return Claim(
        bar.cell / 10,
        "cm",
        bar.cell,
        0.95 if bar.ruled else 0.85,
        bar.frame,
        bar.cells * bar.cell,
        upright,
        f"a bar of {bar.cells} alternating cells{ruled}",
        _size_doubt(bar.cell / 10, long_side, side),
    )


def agree(a: Claim, b: Claim, within: float) -> bool:
    """Whether two claims give the same scale, up to a share `within`."""
    return abs(float(np.log(a.px_per_mm / b.px_per_mm))) <= within


def _likely_mark(period: float, long_side: int) -> float:
    """Choose the fraction of an inch that makes the sheet nearest to 450 mm long."""
    length = long_side / period
    return min(INCH_MARKS, key=lambda mark: abs(np.log(length * mark / 450)))


def _size_doubt(px_per_mm: float, long_side: int, believed: tuple[float, float]) -> str:
    size = long_side / px_per_mm
    if believed[0] <= size <= believed[1]:
        return ""
    return f"the picture would then be {size:.0f} mm long, which no sheet is"


def _bend_doubt(bend: float) -> str:
    if bend <= _BENT:
        return ""
    return f"its marks lie {100 * bend:.0f} % closer at one end than at the other"
