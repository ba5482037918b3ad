"""From decoded sources and what the file says to a `Sheet`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_herbarium.sheet.catalogue_number import (
    CatalogueNumber,
    SelfDescription,
    find_catalogue_number,
)
from napari_herbarium.sheet.decode.colour import Conversion, conversion_to_srgb
from napari_herbarium.sheet.decode.encoding import Encoding
from napari_herbarium.sheet.decode.orientation import swaps_sides, upright
from napari_herbarium.sheet.lazy import as_array
from napari_herbarium.sheet.pyramid import levels_below
from napari_herbarium.sheet.scale import ResolutionTag, Scale, judge_scale
from napari_herbarium.sheet.sheet import Sheet
from napari_herbarium.sheet.source import Source


@dataclass(frozen=True)
class Picture:
    """A decoded file, as stored.

    Attributes
    ----------
    sources : tuple of Source
        Full resolution first, then the file's own smaller levels.
    encoding : Encoding
        Of all sources.
    profile : bytes or None
        ICC profile.
    orientation : int
        1-8, how the picture is stored.
    resolution : ResolutionTag or None
        Along stored columns and rows.
    description : SelfDescription
        Where a catalogue number may stand.
    facts : dict
        Further metadata of the file.
    """

    sources: tuple[Source, ...]
    encoding: Encoding
    profile: bytes | None = None
    orientation: int = 1
    resolution: ResolutionTag | None = None
    description: SelfDescription = field(default_factory=SelfDescription)
    facts: dict[str, Any] = field(default_factory=dict)


def assemble(picture: Picture, path: Path) -> Sheet:
    """Make the sheet: upright, in sRGB, with levels, scale and metadata."""
    conversion = conversion_to_srgb(picture.encoding.model, picture.profile)
    image, levels = _pixels(picture, conversion)
    height, width, _ = levels[0].shape
    tag = _upright_tag(picture.resolution, picture.orientation)
    scale = judge_scale(tag, height, width)
    number = find_catalogue_number(picture.description, path)
    return Sheet(
        image=image,
        levels=levels,
        mm_per_px=scale.mm_per_px,
        scale_source=scale.source,
        scale_trust=scale.trust,
        offered_mm_per_px=scale.offered_mm_per_px,
        catalog_number=number.number,
        metadata={
            "path": str(path),
            "height": height,
            "width": width,
            **picture.facts,
            **_pixel_facts(picture, conversion),
            **_number_facts(number),
            **_scale_facts(tag, scale),
        },
        path=path,
    )


def _pixels(picture: Picture, conversion: Conversion) -> tuple[Any, tuple[Any, ...]]:
    """Make the 8-bit image and the levels for display, upright and in sRGB."""
    sources = [*picture.sources, *levels_below(picture.sources[-1])]
    levels = tuple(
        upright(as_array(s, conversion.convert, s.dtype), picture.orientation)
        for s in sources
    )
    if levels[0].dtype == np.uint8:
        return levels[0], levels
    image = as_array(sources[0], conversion.in_8_bit, np.dtype(np.uint8))
    return upright(image, picture.orientation), levels


def _upright_tag(tag: ResolutionTag | None, orientation: int) -> ResolutionTag | None:
    if tag is None or not swaps_sides(orientation):
        return tag
    return replace(tag, x=tag.y, y=tag.x)


def _pixel_facts(picture: Picture, conversion: Conversion) -> dict[str, Any]:
    return {
        "orientation": picture.orientation,
        "colours": picture.encoding.name,
        "alpha": picture.encoding.alpha,
        "profile": conversion.profile,
        "conversion": conversion.words,
        "levels": "in the file" if len(picture.sources) > 1 else "made from the sheet",
    }


def _number_facts(number: CatalogueNumber) -> dict[str, Any]:
    return {
        "catalog_number": number.number,
        "catalog_numbers": list(number.all_numbers),
        "catalog_number_source": number.source,
    }


def _scale_facts(tag: ResolutionTag | None, scale: Scale) -> dict[str, Any]:
    stated = None if tag is None else {"x": tag.x, "y": tag.y, "unit": tag.unit}
    return {
        "resolution_tag": stated,
        "scale_source": scale.source,
        "scale_trust": scale.trust,
        "scale_reason": scale.reason,
        "mm_per_px": scale.mm_per_px,
        "offered_mm_per_px": scale.offered_mm_per_px,
    }
