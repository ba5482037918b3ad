"""From marks to a scale: what each find says, and how far it can be believed.

Every find is turned into a :class:`Claim`: so many px of the working copy are a
millimetre. A claim is *sound* only when the find itself shows its unit (long marks in
fives and tens, or in twos, fours and eights; a centimetre cut into ten; ten alternating
cells) and the sheet would then be about as large as herbarium sheets are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_herbarium.sheet.ruler.bar import Bar
from napari_herbarium.sheet.ruler.lattice import Lattice
from napari_herbarium.sheet.ruler.partner import INCH, PARTNERS
from napari_herbarium.sheet.ruler.ticks import Rhythm

INCH_MARKS = tuple(INCH / parts for parts in (32, 16, 8, 4))

LONG_SIDE = (310.0, 610.0)
"""Believable longer side of a picture of one herbarium sheet, mm. The factor between
the ends is less than two, so that halves and doubles cannot both be believed."""

BAR_SIDE = (380.0, 560.0)
"""The same, narrower, for a bar whose cells nothing but their number marks as cm."""

_COHERENT, _OTHER_COHERENT, _PRESENT, _MARKS = 0.45, 0.35, 0.7, 38
_METRIC, _INCHES, _CLEARLY = 0.4, 0.42, 2.5
_BORDERS, _EVEN, _LEVEL = 9, 20.0, float(np.radians(2.1))
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
    confidence : float
        0 to 1.
    reason : str
        What speaks for it.
    doubt : str
        What speaks against it; empty for a sound claim.
    """

    px_per_mm: float
    unit: str
    confidence: float
    reason: str
    doubt: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.doubt


def ticks_claim(
    lattice: Lattice, rhythm: Rhythm, other: Callable[[float], float], long_side: int
) -> Claim | None:
    """Turn a row of marks into a claim; None when no unit shows.

    Parameters
    ----------
    lattice, rhythm : Lattice, Rhythm
        The marks and the rhythm of the long ones.
    other : callable
        Says how surely the other unit's marks lie beside them, given the distance of
        these marks in mm; 1 is enough.
    long_side : int
        Of the working copy, px.
    """
    unit = _unit_by_rhythm(lattice, rhythm, long_side)
    unit = unit or _unit_by_other(lattice, rhythm, long_side, other)
    if unit is None:
        return None
    px_per_mm = lattice.period / unit.mark
    doubt = _bend_doubt(lattice.bend) or _size_doubt(px_per_mm, long_side, LONG_SIDE)
    return Claim(
        px_per_mm,
        unit.name,
        unit.confidence,
        f"{round(lattice.count)} {unit.name} marks, {unit.shown_by}",
        doubt,
    )


@dataclass(frozen=True)
class _Unit:
    mark: float
    name: str
    shown_by: str
    confidence: float


def _unit_by_rhythm(lattice: Lattice, rhythm: Rhythm, long_side: int) -> _Unit | None:
    if min(lattice.coherence / _COHERENT, rhythm.present / _PRESENT) < 1:
        return None
    floor = max(rhythm.control, 0.08)
    if lattice.count < _MARKS:
        return None
    if rhythm.metric >= max(_METRIC, _CLEARLY * max(rhythm.inch, floor)):
        sure = 0.8 + 0.14 * min(1.0, rhythm.metric)
        return _Unit(1.0, "mm", "every fifth or tenth longer", sure)
    if rhythm.inch >= max(_INCHES, _CLEARLY * max(rhythm.metric, floor)):
        mark = _likely_mark(lattice.period, long_side)
        sure = 0.66 + 0.18 * min(1.0, rhythm.inch)
        return _Unit(mark, _name(mark), "every second, fourth and eighth longer", sure)
    return None


def _unit_by_other(
    lattice: Lattice,
    rhythm: Rhythm,
    long_side: int,
    other: Callable[[float], float],
) -> _Unit | None:
    """Take the one unit that the marks of the other edge fit, if there is one."""
    if rhythm.present < _PRESENT or lattice.coherence < _OTHER_COHERENT:
        return None
    if lattice.count < _MARKS:
        return None
    fits = {
        mark: other(mark)
        for mark in PARTNERS
        if not _size_doubt(lattice.period / mark, long_side, LONG_SIDE)
    }
    marks = [mark for mark, fit in fits.items() if fit >= 0.5]
    if len(marks) != 1 or fits[marks[0]] < 1:
        return None
    beside = "inches" if marks[0] == 1.0 else "centimetres"
    return _Unit(marks[0], _name(marks[0]), f"{beside} beside them", 0.8)


def _name(mark: float) -> str:
    return "mm" if mark == 1.0 else f"1/{round(INCH / mark)} inch"


def bar_claim(bar: Bar, long_side: int) -> Claim | None:
    """Turn a bar of alternating cells into a claim; None when it is too short."""
    if not (bar.ruled or _is_plain_bar(bar)):
        return None
    side = LONG_SIDE if bar.ruled else BAR_SIDE
    ruled = ", one cut into millimetres" if bar.ruled else ""
    return Claim(
        bar.cell / 10,
        "cm",
        0.95 if bar.ruled else 0.85,
        f"a bar of {bar.cells} alternating cells{ruled}",
        _size_doubt(bar.cell / 10, long_side, side),
    )


def _is_plain_bar(bar: Bar) -> bool:
    """Whether the cells alone, uncut, are regular beyond what plants can do."""
    level = abs(bar.frame.angle) <= _LEVEL
    return level and bar.borders >= _BORDERS and bar.evenness >= _EVEN


def agree(a: Claim, b: Claim, within: float) -> bool:
    """Whether two claims give the same scale, up to a share `within`."""
    return abs(float(np.log(a.px_per_mm / b.px_per_mm))) <= within


def _likely_mark(period: float, long_side: int) -> float:
    """Choose the fraction of an inch that makes the sheet nearest to 450 mm long."""
    return min(
        INCH_MARKS, key=lambda mark: abs(np.log(long_side / period * mark / 450))
    )


def _size_doubt(px_per_mm: float, long_side: int, believed: tuple[float, float]) -> str:
    size = long_side / px_per_mm
    if believed[0] <= size <= believed[1]:
        return ""
    return f"the picture would then be {size:.0f} mm long, which no sheet is"


def _bend_doubt(bend: float) -> str:
    if bend <= _BENT:
        return ""
    return f"its marks lie {100 * bend:.0f} % closer at one end than at the other"
