"""Which scale counts: one that was given, the ruler, the resolution tag, or none.

Scales are taken in order of trust. A source that contradicts another one does not win
by its rank alone: a ruler and a believable tag that disagree leave the sheet without a
scale, because one of them is wrong and nobody knows which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, isfinite

from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import LEAST_MM_PER_PX, MOST_MM_PER_PX, ScaleSettings
from napari_herbarium.sheet.ruler import RulerReading, read_ruler
from napari_herbarium.sheet.scale import GIVEN, same_scale
from napari_herbarium.sheet.sheet import Sheet

SHORTEST_LINE_PX = 20.0
"""A hand places a point to about a pixel each end: shorter lines are off by 5 %."""

MM_PER = {"mm": 1.0, "cm": 10.0, "inch": 25.4}


@dataclass(frozen=True)
class Line:
    """A line the user drew along a ruler.

    Attributes
    ----------
    start, end : tuple of float
        Ends as (row, column), px of the full-resolution sheet.
    length : float
        What the ruler says, in `unit`.
    unit : str
        ``"mm"``, ``"cm"`` or ``"inch"``.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    length: float
    unit: str = "mm"


@dataclass(frozen=True)
class Calibration:
    """The scale that counts, with its source and the reason in one sentence.

    Attributes
    ----------
    mm_per_px : float or None
        None when no source can be trusted.
    scale_source : str
        As in `napari_herbarium.Sheet`.
    scale_trust : str
        ``"trusted"``; ``"suspect"`` when something was offered but not believed;
        ``"none"`` when nothing was found.
    reason : str
        One sentence.
    """

    mm_per_px: float | None
    scale_source: str
    scale_trust: str
    reason: str


def line_mm_per_px(line: Line) -> float:
    """Scale from a line drawn on the ruler.

    Parameters
    ----------
    line : Line
        The longer, the better: a point is placed to about a pixel.

    Returns
    -------
    float
        Millimetres per pixel.

    Raises
    ------
    SettingsError
        When the line is too short, its length is not a positive number of a known
        unit, or no sheet can have the scale that it makes.
    """
    if line.unit not in MM_PER:
        msg = f"The unit of a line is mm, cm or inch, not {line.unit!r}."
        raise SettingsError(msg)
    if not isfinite(line.length) or line.length <= 0:
        msg = "Type the length of the line on the ruler: a number greater than 0."
        raise SettingsError(msg)
    pixels = hypot(line.end[0] - line.start[0], line.end[1] - line.start[1])
    if not pixels >= SHORTEST_LINE_PX:
        msg = (
            f"The line is only {pixels:.1f} px long: draw it along as much of the "
            f"ruler as there is, at least {SHORTEST_LINE_PX:.0f} px."
        )
        raise SettingsError(msg)
    return _possible(line.length * MM_PER[line.unit] / pixels)


def calibrate(sheet: Sheet, *, use_ruler: bool = True) -> Calibration:
    """Choose the scale of a sheet.

    Parameters
    ----------
    sheet : Sheet
        Its own scale fields say what the resolution tag is worth.
    use_ruler : bool
        Whether to look for a ruler in the picture, which takes a second or two.

    Returns
    -------
    Calibration
        Never a scale from a source that another one contradicts.
    """
    if sheet.scale_source in GIVEN:
        reason = f"The scale was given with the sheet ({sheet.scale_source})."
        return Calibration(
            sheet.mm_per_px, sheet.scale_source, sheet.scale_trust, reason
        )
    reading = read_ruler(sheet.image) if use_ruler else None
    if reading is None or reading.mm_per_px is None:
        return _from_tag(sheet, reading)
    return _from_ruler(sheet, reading)


def calibrated(sheet: Sheet, calibration: Calibration) -> Sheet:
    """Give the sheet the chosen scale; the reason goes into its metadata."""
    facts = {
        "scale_source": calibration.scale_source,
        "scale_trust": calibration.scale_trust,
        "scale_reason": calibration.reason,
        "mm_per_px": calibration.mm_per_px,
    }
    return replace(
        sheet,
        mm_per_px=calibration.mm_per_px,
        scale_source=calibration.scale_source,
        scale_trust=calibration.scale_trust,
        metadata={**sheet.metadata, **facts},
    )


def settle_scale(sheet: Sheet, settings: ScaleSettings) -> Sheet:
    """Give the sheet the scale that counts, as commands and batch runs do.

    Parameters
    ----------
    sheet : Sheet
        As `read_sheet` gives it.
    settings : ScaleSettings
        The user's own scale, and whether the ruler is read.
    """
    given = settings.mm_per_px
    if given is None:
        return calibrated(sheet, calibrate(sheet, use_ruler=settings.ruler))
    reason = f"{given:g} mm per px was given."
    return calibrated(sheet, Calibration(given, "user", "trusted", reason))


def _possible(mm_per_px: float) -> float:
    if not LEAST_MM_PER_PX <= mm_per_px <= MOST_MM_PER_PX:
        msg = (
            f"No sheet has {mm_per_px:.5g} mm per px, as this line makes it: check the "
            "length of the line and its unit."
        )
        raise SettingsError(msg)
    return mm_per_px


def _from_ruler(sheet: Sheet, reading: RulerReading) -> Calibration:
    tag, read = sheet.mm_per_px, reading.mm_per_px
    if read and tag and not same_scale(read, tag):
        reason = (
            f"The ruler says {read:.4f} mm per px but the file's resolution says "
            f"{tag:.4f}: draw a line on the ruler to decide."
        )
        return Calibration(None, "none", "suspect", reason)
    agrees = " The file's resolution agrees." if tag else ""
    reason = f"{reading.reason}{agrees}"
    return Calibration(read, "ruler", "trusted", reason)


def _from_tag(sheet: Sheet, reading: RulerReading | None) -> Calibration:
    ruler = f" {reading.reason}" if reading else ""
    if sheet.mm_per_px is not None:
        reason = f"The file's resolution makes a sheet of believable size.{ruler}"
        return Calibration(
            sheet.mm_per_px, sheet.scale_source, sheet.scale_trust, reason
        )
    why = sheet.metadata.get("scale_reason") or "the file gives no resolution"
    trust = "none" if sheet.offered_mm_per_px is None else "suspect"
    reason = f"The file's resolution gives no scale: {why}.{ruler}"
    return Calibration(None, "none", trust, reason)
