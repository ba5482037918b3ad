"""Millimetres per pixel from the resolution tag, and how far to believe it.

Scanners write the resolution they scanned at; cameras and picture editors write
72, 96 or 300 whatever the picture shows. A value is believed only when the sheet
comes out as large as herbarium sheets are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

UNITS = {1: "none", 2: "inch", 3: "cm"}
"""By the number that TIFF and EXIF have for each."""
MM_PER_UNIT = {"inch": 25.4, "cm": 10.0, "mm": 1.0, "um": 0.001, "none": 25.4}
DEFAULT_PPI = (72.0, 96.0)
SHORT_SIDE_MM = (200.0, 300.0)
LONG_SIDE_MM = (300.0, 480.0)
SLACK = 0.1
"""Part by which a sheet may leave the usual sizes.

Small enough that a resolution wrong by a factor of two is always caught: the limits
with slack, 180-330 and 270-528 mm, span less than a factor of two each.
"""
SQUARE_WITHIN = 0.02
"""Relative difference of the two resolutions that still counts as square pixels."""

SAME_WITHIN = 0.03
"""Relative difference up to which two scales, as of ruler and tag, say the same."""
GIVEN = frozenset({"user", "drawn"})
"""Sources of scales that count more than what can be found: they were given."""


@dataclass(frozen=True)
class ResolutionTag:
    """What the file says: pixels per `unit` across and down the upright picture.

    `unit` is ``"inch"``, ``"cm"``, ``"mm"``, ``"um"`` or ``"none"``; `is_noted` says
    that it stands in a text only.
    """

    x: float
    y: float
    unit: str
    is_noted: bool = False

    @property
    def mm_per_px(self) -> float | None:
        """Millimetres per pixel, read as per inch when there is no unit."""
        if self.x <= 0 or self.y <= 0 or self.says_nothing:
            return None
        mm = MM_PER_UNIT[self.unit]
        return (mm / self.x + mm / self.y) / 2

    @property
    def says_nothing(self) -> bool:
        """One pixel per no unit is how writers say that they do not know."""
        return self.unit == "none" and self.x == self.y == 1


@dataclass(frozen=True)
class Scale:
    """A judged scale; see `napari_herbarium.Sheet` for the meaning of the fields."""

    mm_per_px: float | None
    offered_mm_per_px: float | None
    source: str
    trust: str
    reason: str | None


def judge_scale(tag: ResolutionTag | None, height: int, width: int) -> Scale:
    """Decide whether the resolution of a sheet can be believed.

    Parameters
    ----------
    tag : ResolutionTag or None
        What the file says; None when it says nothing.
    height, width : int
        Of the sheet in px.

    Returns
    -------
    Scale
        Trusted with `mm_per_px`; or suspect, with the value only offered and the
        reasons in words; or ``"none"``.
    """
    if tag is None:
        return Scale(None, None, "none", "none", "the file gives no resolution")
    offered = tag.mm_per_px
    doubts = _doubts(tag, height, width)
    if doubts or offered is None:
        return Scale(None, offered, "none", "suspect", "; ".join(doubts))
    return Scale(offered, offered, "resolution tag", "trusted", None)


def same_scale(a: float, b: float) -> bool:
    """Whether two scales say the same, within what a ruler can be read."""
    return abs(log(a / b)) <= SAME_WITHIN


def _doubts(tag: ResolutionTag, height: int, width: int) -> list[str]:
    """Reasons against the tag, in words."""
    offered = tag.mm_per_px
    if tag.says_nothing:
        return ["the file gives 1 pixel per no unit, which is no resolution"]
    if offered is None:
        return [f"{tag.x:g} x {tag.y:g} is no resolution"]
    doubts = []
    if tag.unit == "none":
        doubts.append("the resolution has no unit")
    if tag.is_noted:
        doubts.append("the unit of the resolution stands in a note only")
    ppi = 25.4 / offered
    if any(abs(ppi - default) < 0.5 for default in DEFAULT_PPI):
        doubts.append(f"{ppi:.0f} ppi is what programs write when they do not know")
    if abs(tag.x - tag.y) > SQUARE_WITHIN * max(tag.x, tag.y):
        doubts.append(f"the pixels are not square ({tag.x:g} x {tag.y:g})")
    if not _is_sheet_size(height * offered, width * offered):
        size = f"{width * offered:.0f} x {height * offered:.0f} mm"
        doubts.append(f"the sheet would be {size}")
    return doubts


def _is_sheet_size(height_mm: float, width_mm: float) -> bool:
    short, long = sorted((height_mm, width_mm))
    return _near(short, SHORT_SIDE_MM) and _near(long, LONG_SIDE_MM)


def _near(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] * (1 - SLACK) <= value <= limits[1] * (1 + SLACK)
