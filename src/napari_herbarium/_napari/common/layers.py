"""What an image layer offers as a sheet, or why it is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pint

from napari_herbarium.errors import SheetError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

METADATA_KEY = "napari-herbarium"
_MIN_SIDE_PX = 16
_SQUARE_WITHIN = 1e-3


@dataclass(frozen=True)
class LayerSheet:
    """An image layer, taken as a sheet at one moment.

    Attributes
    ----------
    name : str
        Of the layer.
    layer_id : str
        Identifies the layer as long as napari is open.
    pixels : array-like
        Full resolution, H x W or H x W x channels, as the layer has it.
    limits : (float, float) or None
        Values shown as black and white, where the pixels have no range of their own.
    mm_per_px : float or None
        From the layer's scale and units; None when they are no equal lengths.
    """

    name: str
    layer_id: str
    pixels: Any
    limits: tuple[float, float] | None
    mm_per_px: float | None

    def rgb8(self) -> Any:
        """Give the pixels as H x W x 3 uint8; lazy where they are.

        Raises
        ------
        SettingsError
            When they cannot be seen as a picture.
        """
        from napari_herbarium.segment.pixels import as_rgb8, calculable

        pixels = calculable(self.pixels)
        if self.limits is not None:
            black, white = self.limits
            pixels = ((pixels - black) / max(white - black, 1e-9)).clip(0, 1)
        return as_rgb8(pixels)


def why_no_sheet(layer: Image | None) -> str | None:
    """Say in words why a layer cannot be segmented; None when it can."""
    if layer is None:
        return "There is no image yet: open a sheet, or one of File > Open Sample."
    if layer.ndim != 2:
        return (
            f"“{layer.name}” has {layer.ndim} dimensions; choose a layer that is "
            "one sheet, or open colour images with “rgb”."
        )
    pixels = full_resolution(layer)
    if min(pixels.shape[:2]) < _MIN_SIDE_PX:
        return f"“{layer.name}” is smaller than {_MIN_SIDE_PX} px; choose a sheet."
    return None


def sheet_of(layer: Image | None) -> LayerSheet:
    """Take a layer as a sheet.

    Raises
    ------
    SheetError
        When it cannot be one; the message says why.
    """
    reason = why_no_sheet(layer)
    if layer is None or reason is not None:
        raise SheetError(reason)
    pixels = full_resolution(layer)
    return LayerSheet(
        name=layer.name,
        layer_id=str(layer.unique_id),
        pixels=pixels,
        limits=_limits(layer, pixels),
        mm_per_px=mm_per_px(layer),
    )


def _limits(layer: Image, pixels: Any) -> tuple[float, float] | None:
    """Contrast limits where they are needed to read the values as grey.

    8-bit and 16-bit pictures mean the same everywhere, and so do floats from 0 to 1;
    other numbers (counts, 12-bit in 32-bit) have only the limits they are shown with.
    """
    if layer.rgb or np.dtype(pixels.dtype) in (np.uint8, np.uint16, np.bool_):
        return None
    low, high = layer.contrast_limits_range
    if np.dtype(pixels.dtype).kind == "f" and low >= 0 and high <= 1:
        return None
    black, white = layer.contrast_limits
    return float(black), float(white)


def full_resolution(layer: Image) -> Any:
    """Give the layer's array at full resolution.

    `np.asarray` of a multiscale layer's data would be its lowest level.
    """
    return layer.data[0] if layer.multiscale else layer.data


def mm_per_px(layer: Layer) -> float | None:
    """Size of a pixel in mm; None when not square or not in units of length."""
    sizes = [
        _as_mm(size, unit)
        for size, unit in zip(layer.scale[-2:], layer.units[-2:], strict=True)
    ]
    down, right = sizes
    if down is None or right is None or abs(down / right - 1) > _SQUARE_WITHIN:
        return None
    return down


def _as_mm(size: float, unit: pint.Unit) -> float | None:
    try:
        value = float((float(size) * unit).to("mm").magnitude)
    except pint.DimensionalityError:
        return None
    return value if np.isfinite(value) and value > 0 else None


def offered_mm_per_px(layer: Layer) -> float | None:
    """Give what the file says a pixel measures, though it was not believed."""
    offered = layer.metadata.get("offered_mm_per_px")
    return float(offered) if offered else None


def placement(layer: Layer) -> dict[str, Any]:
    """Where a layer lies, as keywords for another 2-D layer to lie on it."""
    return {
        "scale": layer.scale,
        "units": layer.units,
        "translate": layer.translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "axis_labels": layer.axis_labels,
    }


def put(layer: Layer, where: dict[str, Any]) -> None:
    """Lay a layer where `placement` says."""
    for name, value in where.items():
        setattr(layer, name, value)


@contextmanager
def kept_in_view(viewer: ViewerModel, layer: Layer) -> Iterator[None]:
    """Let the camera follow a layer that gets another scale, so that it stays in view.

    Parameters
    ----------
    viewer : ViewerModel
        Whose camera it is.
    layer : Layer
        Of one sheet.
    """
    camera = viewer.scene.camera
    seen, size = layer.world_to_data(camera.center[-2:]), _pixel_in_world(layer)
    yield
    camera.zoom *= size / _pixel_in_world(layer)
    camera.center = (*camera.center[:-2], *layer.data_to_world(seen))


def _pixel_in_world(layer: Layer) -> float:
    corner, next_to_it = map(layer.data_to_world, ((0, 0), (0, 1)))
    return float(np.linalg.norm(np.subtract(next_to_it, corner)))
