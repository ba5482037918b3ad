"""A scale from a line on the ruler, or from the ruler itself, for sheet and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_herbarium._napari.common.labels_output import apply_scale, set_size
from napari_herbarium._napari.common.layers import (
    LayerSheet,
    full_resolution,
    kept_in_view,
    mm_per_px,
    placement,
    put,
)
from napari_herbarium.progress import Job, Progress
from napari_herbarium.sheet.ruler import RulerReading, read_ruler

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

LINE_LAYER = "line on the ruler"
_COLOUR = "#ff2d55"
_WIDTH_SHARE = 1 / 500

Point = tuple[float, float]


def add_line_layer(viewer: ViewerModel, under: Layer) -> Shapes:
    """Add a layer to draw a line on, over another layer, with the line tool in hand."""
    shape = full_resolution(under).shape[:2]
    layer = viewer.add_shapes(
        ndim=2,
        name=LINE_LAYER,
        edge_color=_COLOUR,
        face_color="transparent",
        edge_width=max(1.0, max(shape) * _WIDTH_SHARE),
        **placement(under),
    )
    # A new layer takes its widths from what is drawn, so say it for what comes.
    layer.current_edge_width = max(1.0, max(shape) * _WIDTH_SHARE)
    layer.current_edge_color = _COLOUR
    layer.mode = "add_line"
    viewer.layers.selection.active = layer
    return layer


def drawn_line(layer: Shapes, under: Layer) -> tuple[Point, Point] | None:
    """Give the ends of the last drawn line, in full-resolution px of another layer.

    Returns
    -------
    two points (row, column), or None
        None when nothing was drawn.
    """
    if not len(layer.data):
        return None
    ends = layer.data[-1][[0, -1]]
    start, end = (
        tuple(map(float, under.world_to_data(layer.data_to_world(point))[-2:]))
        for point in ends
    )
    return (start[0], start[1]), (end[0], end[1])


def set_scale(
    viewer: ViewerModel,
    labels: Labels | None,
    image: Image | None,
    mm_per_px: float,
    source: str,
) -> str:
    """Give a sheet and its leaves a scale; say in words what was done.

    Parameters
    ----------
    viewer : ViewerModel
        Holds the layers.
    labels, image : layers, optional
        At least one of them.
    mm_per_px : float
        Size of a full-resolution pixel.
    source : str
        ``"user"`` or ``"ruler"``.
    """
    if image is not None:
        apply_scale(viewer, image, mm_per_px, source)
    if labels is not None:
        if image is not None:
            put(labels, placement(image))
        else:
            with kept_in_view(viewer, labels):
                set_size(labels, mm_per_px)
        labels.metadata.update(
            scale_source=source, scale_trust="trusted", mm_per_px=mm_per_px
        )
    names = " and ".join(f"“{x.name}”" for x in (image, labels) if x is not None)
    have = "have" if image is not None and labels is not None else "has"
    return f"{names} now {have} {mm_per_px:.4g} mm per px."


def iter_read_ruler(
    sheet: LayerSheet, tag_mm_per_px: float | None
) -> Job[RulerReading]:
    """Look for a ruler on a sheet and read it.

    Parameters
    ----------
    sheet : LayerSheet
        The picture.
    tag_mm_per_px : float, optional
        The file's believable resolution, which a ruler must not contradict.
    """
    yield Progress(0, 0, "reading the ruler")
    return read_ruler(np.asarray(sheet.rgb8()), tag_mm_per_px)


def tag_of(image: Image) -> float | None:
    """Give the scale of a layer if it is from its file."""
    believed = image.metadata.get("scale_source") == "resolution tag"
    return mm_per_px(image) if believed else None
