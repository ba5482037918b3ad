"""Leaves as a labels layer: written, found again, and never written over edits.

What we wrote is remembered in the layer's metadata as a fingerprint. A layer whose
labels or table no longer match it was edited by the user and is left alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Labels
from numpy.typing import NDArray

from napari_herbarium._napari.common.layers import (
    METADATA_KEY,
    kept_in_view,
    placement,
    put,
)
from napari_herbarium.settings import LeafSettings, SegmentSettings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

_OPACITY = 0.5
_FROM_IMAGE = ("catalog_number", "scale_source", "scale_trust", "path")


@dataclass(frozen=True)
class Leaves:
    """Leaves of one sheet, with how they were found.

    Attributes
    ----------
    labels : H x W unsigned integers
        0 is no leaf.
    rows : DataFrame
        One row a leaf, first column `index`; the layer's features.
    segment_settings, leaf_settings : settings
        What was asked for.
    model : dict
        Name, version, SHA-256 and threshold of the model.
    mm_per_px : float or None
        Scale that was used for areas.
    """

    labels: NDArray[np.unsignedinteger]
    rows: pd.DataFrame
    segment_settings: SegmentSettings
    leaf_settings: LeafSettings
    model: dict[str, Any]
    mm_per_px: float | None


def write_leaves(viewer: ViewerModel, image: Image, leaves: Leaves) -> Labels:
    """Put leaves into the viewer, over their image.

    The newest unedited leaves layer of the image is updated; where there is none, or
    the user has edited them all, a new layer is added.

    Parameters
    ----------
    viewer : ViewerModel
        Holds `image`.
    image : Image
        The sheet's layer; gives the place, the name and the sheet's own metadata.
    leaves : Leaves
        What was found.
    """
    layer = _unedited_layer(viewer, image)
    if layer is None:
        layer = viewer.add_labels(
            roomy(leaves.labels),
            name=f"{image.name} leaves",
            opacity=_OPACITY,
            **placement(image),
        )
        _describe(layer, image, leaves)
    else:
        rewrite_leaves(layer, image, leaves)
    return layer


def rewrite_leaves(layer: Labels, image: Image, leaves: Leaves) -> None:
    """Put leaves into a layer that is there, over whatever it holds."""
    put(layer, placement(image))
    layer.data = roomy(leaves.labels)
    _describe(layer, image, leaves)


def apply_scale(
    viewer: ViewerModel, image: Image, mm_per_px: float, source: str = "user"
) -> None:
    """Give an image and its leaves a scale in mm; areas in px become mm2.

    Whether the user has edited the leaves is remembered across the change.

    Parameters
    ----------
    viewer : ViewerModel
        Holds the layers.
    image : Image
        The sheet's layer.
    mm_per_px : float
        Size of a pixel.
    source : str
        Where the scale is from: ``"user"`` or ``"ruler"``.
    """
    ours = [(layer, is_edited(layer)) for layer in leaves_layers(viewer, image)]
    with kept_in_view(viewer, image):
        set_size(image, mm_per_px)
    image.metadata.update(
        scale_source=source, scale_trust="trusted", mm_per_px=mm_per_px
    )
    for layer, edited in ours:
        put(layer, placement(image))
        before = layer.metadata[METADATA_KEY].get("mm_per_px")
        layer.features = _in_mm2(layer.features, mm_per_px, before)
        layer.metadata.update(_from_image(image))
        layer.metadata[METADATA_KEY]["mm_per_px"] = mm_per_px
        if not edited:
            mark_written(layer)


def set_size(layer: Layer, mm_per_px: float) -> None:
    """Give a layer's pixels their size in mm."""
    # What was placed in px keeps its place relative to the pixels.
    layer.translate = layer.translate * (mm_per_px / layer.scale)
    layer.scale, layer.units = (mm_per_px, mm_per_px), ("mm", "mm")


def mark_written(layer: Labels) -> None:
    """Take the layer's labels and features as ours from now on."""
    facts = layer.metadata.setdefault(METADATA_KEY, {})
    facts["layer_id"] = str(layer.unique_id)
    facts["fingerprint"] = _fingerprint(layer)


def is_edited(layer: Labels) -> bool:
    """Tell whether labels or features differ from what we wrote."""
    facts = layer.metadata.get(METADATA_KEY, {})
    return bool(facts.get("fingerprint") != _fingerprint(layer))


def leaves_layers(viewer: ViewerModel, image: Image) -> list[Labels]:
    """List the leaves layers that we wrote for an image, oldest first.

    A copy that the user made carries our metadata but not our layer's identity, so it
    counts as the user's own.
    """
    return [layer for layer in viewer.layers if _is_ours(layer, image)]


def roomy(labels: NDArray) -> NDArray[np.unsignedinteger]:
    """Labels in a type that has room for as many leaves again, and fifty.

    napari refuses label numbers beyond the type, so the smallest type would keep users
    from painting leaves that were missed.
    """
    room = np.min_scalar_type(2 * int(labels.max(initial=0)) + 50)
    return labels.astype(np.promote_types(labels.dtype, room), copy=False)


def _unedited_layer(viewer: ViewerModel, image: Image) -> Labels | None:
    unedited = [layer for layer in leaves_layers(viewer, image) if not is_edited(layer)]
    return unedited[-1] if unedited else None


def _is_ours(layer: Layer, image: Image) -> bool:
    facts = layer.metadata.get(METADATA_KEY)
    return (
        isinstance(layer, Labels)
        and isinstance(facts, dict)
        and facts.get("image_id") == str(image.unique_id)
        and facts.get("layer_id") == str(layer.unique_id)
    )


def _describe(layer: Labels, image: Image, leaves: Leaves) -> None:
    layer.features = leaves.rows
    layer.metadata.update(_from_image(image))
    layer.metadata[METADATA_KEY] = _provenance(image, leaves)
    mark_written(layer)


def _in_mm2(
    features: pd.DataFrame, mm_per_px: float, before: float | None
) -> pd.DataFrame:
    """Bring areas to mm2 of a new scale; of a scale before where there was one."""
    has_px, has_mm2 = "area_px" in features, "area_mm2" in features
    if has_mm2 and not has_px and before:
        areas = features["area_mm2"] * (mm_per_px / before) ** 2
        return features.assign(area_mm2=areas)
    # A full table has both, and whoever made it brings it up to date.
    if not has_px or has_mm2:
        return features
    areas = features["area_px"] * mm_per_px**2
    return features.assign(area_px=areas).rename(columns={"area_px": "area_mm2"})


def _from_image(image: Image) -> dict[str, Any]:
    return {key: image.metadata[key] for key in _FROM_IMAGE if key in image.metadata}


def _provenance(image: Image, leaves: Leaves) -> dict[str, Any]:
    return {
        "image": image.name,
        "image_id": str(image.unique_id),
        "model": leaves.model,
        "segment_settings": leaves.segment_settings.model_dump(mode="json"),
        "leaf_settings": leaves.leaf_settings.model_dump(mode="json"),
        "threshold": leaves.leaf_settings.threshold or leaves.model["threshold"],
        "mm_per_px": leaves.mm_per_px,
        "version": version("napari-herbarium"),
    }


def _fingerprint(layer: Labels) -> str:
    labels = np.ascontiguousarray(layer.data)
    table = pd.util.hash_pandas_object(layer.features, index=False).to_numpy()
    columns = ",".join(map(str, layer.features.columns)).encode()
    parts = (zlib.crc32(labels.data), zlib.crc32(table.tobytes()), zlib.crc32(columns))
    return "-".join(f"{part:08x}" for part in parts)
