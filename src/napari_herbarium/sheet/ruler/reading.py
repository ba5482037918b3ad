"""Read the scale of a sheet from the ruler that lies on it, or say why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from napari_herbarium.sheet.ruler.bar import fit_bar
from napari_herbarium.sheet.ruler.bar_spots import find_bars
from napari_herbarium.sheet.ruler.combs import Comb, find_combs
from napari_herbarium.sheet.ruler.evidence import (
    INCH_MARKS,
    LONG_SIDE,
    Claim,
    agree,
    bar_claim,
    ticks_claim,
)
from napari_herbarium.sheet.ruler.lattice import Lattice, fit_lattice
from napari_herbarium.sheet.ruler.partner import other_scale
from napari_herbarium.sheet.ruler.pixels import Grey, grey_copy, shrink
from napari_herbarium.sheet.ruler.ticks import read_rhythm
from napari_herbarium.sheet.scale import same_scale

_LATTICES, _BARS = 40, 4
"""How many finds of each kind are looked at closely, each way."""

_SAME = 0.015
"""How far two rulers on one sheet may differ."""


@dataclass(frozen=True)
class RulerReading:
    """What the ruler on a sheet says.

    Attributes
    ----------
    mm_per_px : float or None
        Millimetres per pixel of the image given; None when not certain.
    confidence : float
        0 to 1; 0 without a scale.
    unit : str
        Marks that were read: ``"mm"``, ``"cm"``, ``"1/16 inch"``...; empty without.
    reason : str
        One sentence: what was read, or why there is no scale.
    """

    mm_per_px: float | None
    confidence: float
    unit: str
    reason: str


def read_ruler(image: Any, tag_mm_per_px: float | None = None) -> RulerReading:
    """Find the ruler or scale bar on a sheet and read its scale.

    Rows of equally spaced marks are followed over their whole length; the unit comes
    from the rhythm of the longer marks or from the build of the bar, never from the
    size of the sheet, which must only agree. Weak or contradicting evidence gives no
    scale.

    Parameters
    ----------
    image : array-like
        H x W x 3 uint8, numpy or dask, upright or lying, 500 px to A3 at 600 ppi.
    tag_mm_per_px : float, optional
        What the file's resolution tag says, if it is believable: a ruler that
        contradicts it by more than 3 % is not believed.

    Returns
    -------
    RulerReading
        With ``mm_per_px`` None when the scale is not certain.
    """
    grey, factor = grey_copy(image)
    claims = list(_claims(grey))
    sound = [claim for claim in claims if claim.sound]
    if not sound:
        return _refuse(_why_nothing(claims))
    best = max(sound, key=lambda claim: claim.confidence)
    if any(not agree(best, other, _SAME) for other in sound):
        return _refuse(_why_split(sound, factor))
    mm_per_px = 1 / best.px_per_mm / factor
    if tag_mm_per_px and not same_scale(mm_per_px, tag_mm_per_px):
        return _refuse(
            f"the ruler says {mm_per_px:.4f} mm per px but the file's resolution says "
            f"{tag_mm_per_px:.4f}"
        )
    return _accept(best, mm_per_px, len(sound))


def _claims(grey: Grey) -> Iterator[Claim]:
    """All claims of the picture, lying and upright."""
    long_side = max(grey.shape)
    for upright in (False, True):
        picture = np.ascontiguousarray(grey.T) if upright else grey
        yield from _bar_claims(picture, long_side)
        yield from _ticks_claims(picture, long_side)


def _bar_claims(grey: Grey, long_side: int) -> Iterator[Claim]:
    factor = max(1, long_side // 750)
    small = shrink(grey, factor)
    side = long_side / factor
    spots = find_bars(small, side / 61, side / 31)
    for cell, x, y in spots[:_BARS]:
        shift = (factor - 1) / 2
        bar = fit_bar(grey, cell * factor, x * factor + shift, y * factor + shift)
        claim = bar_claim(bar, long_side) if bar else None
        if claim:
            yield claim


def _ticks_claims(grey: Grey, long_side: int) -> Iterator[Claim]:
    shortest = max(2.2, min(1.0, INCH_MARKS[0]) * long_side / LONG_SIDE[1])
    combs = find_combs(grey, shortest, INCH_MARKS[2] * long_side / LONG_SIDE[0])
    seen: list[Lattice] = []
    for comb in combs:
        if comb.support <= 2 or any(_covers(lattice, comb) for lattice in seen):
            continue
        lattice = fit_lattice(grey, comb)
        if lattice is None:
            continue
        seen.append(lattice)
        rhythm = read_rhythm(grey, lattice)
        other = partial(other_scale, grey, lattice)
        claim = ticks_claim(lattice, rhythm, other, long_side)
        if claim:
            yield claim
        if len(seen) == _LATTICES:
            return


def _covers(lattice: Lattice, comb: Comb) -> bool:
    """Whether the comb is a part of a lattice already followed."""
    u = (comb.x - lattice.frame.x) / np.cos(lattice.frame.angle)
    y = lattice.frame.place(u, 0.0)[1]
    near = abs(comb.y - y) < 2 * lattice.period + 3
    inside = lattice.first < u < lattice.last
    return bool(near and inside and abs(comb.period / lattice.period - 1) < 0.06)


def _accept(best: Claim, mm_per_px: float, finds: int) -> RulerReading:
    more = f"; {finds} finds agree" if finds > 1 else ""
    confidence = min(0.99, best.confidence + 0.02 * (finds - 1))
    return RulerReading(mm_per_px, confidence, best.unit, f"Read {best.reason}{more}.")


def _refuse(why: str) -> RulerReading:
    return RulerReading(None, 0.0, "", f"No scale from a ruler: {why}.")


def _why_nothing(claims: list[Claim]) -> str:
    if not claims:
        return "no ruler with marks that show their unit was found"
    best = max(claims, key=lambda claim: claim.confidence)
    return f"found {best.reason}, but {best.doubt}"


def _why_split(sound: list[Claim], factor: int) -> str:
    scales = sorted({f"{1 / claim.px_per_mm / factor:.4f}" for claim in sound})
    return f"rulers on the sheet disagree ({', '.join(scales)} mm per px)"
