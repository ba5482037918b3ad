"""What is measured: a labels layer, the sheet under it, and its scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_herbarium._napari.common.layers import (
    METADATA_KEY,
    full_resolution,
    mm_per_px,
    placement,
    put,
)
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.columns import isotropic_mm_per_px
from napari_herbarium.measure.table import SheetFacts

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer


def why_not_measured(layer: Labels | None) -> str | None:
    """Say in words why labels cannot be measured; None when they can."""
    if layer is None:
        return (
            "There are no labels yet: run Segment leaves, or open labels. An image of "
            "labels becomes one by right click > Convert to Labels."
        )
    if layer.ndim != 2:
        return (
            f"“{layer.name}” has {layer.ndim} dimensions; choose the labels of one "
            "sheet."
        )
    try:
        isotropic_mm_per_px(layer.scale)
    except SettingsError:
        down, right = layer.scale
        return (
            f"The pixels of “{layer.name}” are not square ({down:g} by {right:g}): "
            "resample the sheet to square pixels, or put the layer's scale right."
        )
    return None


def image_under(viewer: ViewerModel, labels: Labels) -> Image | None:
    """Find the image that labels were made from.

    The one that Segment leaves noted, or its file opened anew. Where none is noted, the
    topmost one of the same size in px and the same scale; labels that lie nowhere in
    particular, as a file of labels opens, belong to an image of their size whatever
    its scale.
    """
    fitting = [layer for layer in viewer.layers[::-1] if _fits(layer, labels)]
    noted = _noted_image(labels)
    if noted is not None:
        made_from = [x for x in fitting if str(x.unique_id) == noted]
        # Sheets of one scanner are all of one size: size tells nothing here.
        same_file = [x for x in fitting if _is_file_of(labels, x)]
        return next(iter([*made_from, *same_file]), None)
    alike = [x for x in fitting if np.allclose(x.scale, labels.scale)]
    unplaced = fitting if is_unplaced(labels) else []
    return next(iter([*alike, *unplaced]), None)


def is_unplaced(layer: Layer) -> bool:
    """Whether a layer lies where napari puts layers that say nothing."""
    pixels = all(str(unit) == "pixel" for unit in layer.units)
    return bool(
        pixels and np.allclose(layer.scale, 1) and np.allclose(layer.translate, 0)
    )


def lay_on(labels: Labels, image: Image | None) -> bool:
    """Lay unplaced labels on their calibrated sheet; tell whether that was needed.

    One layer in px beside one in mm would also take the units from the whole viewer.
    """
    if image is None or mm_per_px(image) is None or not is_unplaced(labels):
        return False
    put(labels, placement(image))
    return True


def facts_of(labels: Labels, image: Image | None) -> SheetFacts:
    """Gather what every row of the table says of the sheet.

    Parameters
    ----------
    labels : Labels
        Its scale counts.
    image : Image, optional
        Names the sheet; where the labels know nothing, what it knows counts.
    """
    known = {**(image.metadata if image is not None else {}), **labels.metadata}
    path = known.get("path")
    named = image if image is not None else labels
    scale = mm_per_px(labels)
    return SheetFacts(
        sheet=Path(path).stem if path else named.name,
        catalog_number=known.get("catalog_number"),
        mm_per_px=scale,
        scale_source=_text(known, "scale_source"),
        scale_trust=_text(known, "scale_trust"),
    )


def _text(known: dict[str, Any], key: str) -> str:
    return str(known.get(key) or "none")


def _noted_image(labels: Labels) -> str | None:
    noted = labels.metadata.get(METADATA_KEY)
    return noted.get("image_id") if isinstance(noted, dict) else None


def _is_file_of(labels: Labels, image: Layer) -> bool:
    path = labels.metadata.get("path")
    return path is not None and str(path) == str(image.metadata.get("path"))


def _fits(layer: Layer, labels: Labels) -> bool:
    if not isinstance(layer, Image) or layer.ndim != 2:
        return False
    return tuple(full_resolution(layer).shape[:2]) == full_resolution(labels).shape
