"""Scale, orientation, profile and self-description as TIFF and EXIF tags hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_herbarium.sheet.catalogue_number import SelfDescription
from napari_herbarium.sheet.scale import ResolutionTag

_UNITS = {1: "none", 2: "inch", 3: "cm"}
_TEXT_TAGS = {269: "document name", 270: "image description", 285: "page name"}
_USER_COMMENT = "EXIF user comment"


def resolution_of(page: Any) -> ResolutionTag | None:
    """Resolution of a TIFF page; None when it has none."""
    x, y = page.tags.valueof(282), page.tags.valueof(283)
    if x is None and y is None:
        return None
    # the standard says inch when the tag is absent, writers that omit it do not know
    unit = _UNITS.get(_integer(page.tags.valueof(296)), "none")
    first, second = _ratio(x), _ratio(y)
    return ResolutionTag(first or second, second or first, unit)


def _ratio(value: Any) -> float:
    try:
        numerator, denominator = value
        return float(numerator) / float(denominator)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def orientation_of(page: Any) -> int:
    """Orientation 1-8 of a TIFF page; 1 when absent or senseless."""
    orientation = _integer(page.tags.valueof(274))
    return orientation if 1 <= orientation <= 8 else 1


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
