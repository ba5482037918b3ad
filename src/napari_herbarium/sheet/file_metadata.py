"""Scale, orientation, profile and self-description as TIFF and EXIF tags hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from napari_herbarium.sheet.catalogue_number import SelfDescription
from napari_herbarium.sheet.scale import UNITS, ResolutionTag

_IMAGEJ_UNITS = {
    "inch": "inch",
    "in": "inch",
    "cm": "cm",
    "mm": "mm",
    "um": "um",
    "micron": "um",
    "microns": "um",
    "\\u00B5m": "um",  # ImageJ writes the sign of micro so, in seven characters
    "\u00b5m": "um",
}
_TEXT_TAGS = {269: "document name", 270: "image description", 285: "page name"}
_USER_COMMENT = "EXIF user comment"


def resolution_of(*pages: Any) -> ResolutionTag | None:
    """Resolution of the first TIFF page that has one which says something."""
    tags = [tag for tag in map(_resolution, pages) if tag is not None]
    return next(
        (tag for tag in tags if not tag.says_nothing), tags[0] if tags else None
    )


def _resolution(page: Any) -> ResolutionTag | None:
    x, y = page.tags.valueof(282), page.tags.valueof(283)
    if x is None and y is None:
        return None
    # the standard says inch when the tag is absent, writers that omit it do not know
    unit = UNITS.get(_integer(page.tags.valueof(296)), "none")
    noted = _imagej_unit(page) if unit == "none" else None
    first, second = _ratio(x), _ratio(y)
    sides = first or second, second or first
    return ResolutionTag(*sides, noted or unit, is_noted=noted is not None)


def _imagej_unit(page: Any) -> str | None:
    """Read the unit that ImageJ notes in words, as TIFF has few."""
    note = page.tags.valueof(270)
    if not isinstance(note, str) or not note.startswith("ImageJ="):
        return None
    lines = (line.partition("=") for line in note.splitlines())
    unit = next((value for key, _, value in lines if key == "unit"), "")
    return _IMAGEJ_UNITS.get(unit.strip())


def _ratio(value: Any) -> float:
    try:
        numerator, *denominator = value  # none when it is no fraction, as it should be
        ratio = float(numerator) / float(*denominator or (1,))
        return ratio if math.isfinite(ratio) else 0.0
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def orientation_of(*pages: Any) -> int:
    """Orientation 1-8 of the first TIFF page that states one; 1 when none does."""
    stated = (_integer(page.tags.valueof(274)) for page in pages)
    return next((value for value in stated if 1 <= value <= 8), 1)


def profile_of(page: Any) -> bytes | None:
    """ICC profile of a TIFF page."""
    value = page.tags.valueof(34675)
    return _as_bytes(value) or None


def description_of(*pages: Any) -> SelfDescription:
    """XMP, IPTC, EXIF and text tags, each from the first page that has it."""
    return SelfDescription(
        xmp=next(filter(None, (_as_bytes(p.tags.valueof(700)) for p in pages)), b""),
        iptc=next(filter(None, (_as_bytes(p.tags.valueof(33723)) for p in pages)), b""),
        texts=tuple(text for page in pages for text in _texts(page)),
    )


def _texts(page: Any) -> list[tuple[str, str]]:
    found = [(name, page.tags.valueof(code)) for code, name in _TEXT_TAGS.items()]
    exif = page.tags.valueof(34665)
    if isinstance(exif, Mapping):
        found.append((_USER_COMMENT, _comment(exif.get("UserComment"))))
    return [(name, text) for name, text in found if isinstance(text, str)]


def _comment(value: Any) -> str:
    if isinstance(value, bytes):
        return value[8:].decode("utf-8", "replace").strip("\0 ")
    return value if isinstance(value, str) else ""


def _as_bytes(value: Any) -> bytes:
    """Bytes of a tag that writers store as bytes or as text."""
    if isinstance(value, str):
        return value.encode("utf-8")
    return value if isinstance(value, bytes) else b""
