"""From a row to the leaf in the picture, and back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_herbarium._napari.common.layers import full_resolution

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel

_SHARE = 0.4
"""How much of the canvas a leaf fills when the camera goes to it."""

_SIDES = ("top", "left", "bottom", "right")
_STILL_PX = 3
"""How far a hand moves during a click, px of the screen."""

Box = tuple[float, float, float, float]


def box_of(table: pd.DataFrame, label: int) -> Box | None:
    """Box of a leaf in a table, in px; None when it has no row."""
    row = table.loc[table["label"] == label]
    if not len(row):
        return None
    top, left, bottom, right = (float(row[f"bbox_{side}"].iloc[0]) for side in _SIDES)
    return top, left, bottom, right


def go_to_leaf(viewer: ViewerModel, layer: Labels, box: Box) -> None:
    """Put a leaf into the middle of the canvas, large enough to see.

    Parameters
    ----------
    viewer : ViewerModel
        Whose camera moves.
    layer : Labels
        Holds the leaf; its place and scale count.
    box : (top, left, bottom, right)
        Of the leaf, in px of the layer.
    """
    top, left, bottom, right = (value - 0.5 for value in box)
    corners = [(top, left), (top, right), (bottom, left), (bottom, right)]
    places = np.array([layer.data_to_world(corner)[-2:] for corner in corners])
    low, high = places.min(axis=0), places.max(axis=0)
    camera = viewer.scene.camera
    camera.center = tuple(map(float, (low + high) / 2))
    size = np.maximum(high - low, 1e-9)
    camera.zoom = float(_SHARE * np.min(np.asarray(viewer.canvas.size) / size))


def leaf_at(layer: Labels, position: Any) -> int:
    """Label at a place in the world; 0 where there is none."""
    row, column = (round(x) for x in layer.world_to_data(position)[-2:])
    labels = full_resolution(layer)
    if not (0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]):
        return 0
    return int(labels[row, column])


class LeafClicks:
    """Tells which leaf was clicked, while the pointer is there to move the picture.

    Parameters
    ----------
    viewer : ViewerModel
        Whose clicks.
    layer : callable
        Gives the labels layer of the moment, or None.
    clicked : callable
        Called with the label, and whether it is to be selected beside others.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        layer: Callable[[], Labels | None],
        clicked: Callable[[int, bool], None],
    ) -> None:
        self._viewer, self._layer, self._clicked = viewer, layer, clicked
        viewer.mouse_drag_callbacks.append(self._on_press)

    def stop(self) -> None:
        """Listen no longer."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def _on_press(
        self, _viewer: ViewerModel, event: Any
    ) -> Generator[None, None, None]:
        start, moved = np.array(event.pos), 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, float(np.abs(np.array(event.pos) - start).max()))
            yield
        if moved > _STILL_PX:
            return  # the picture was moved
        layer = self._layer()
        if layer is not None and self._is_free() and event.button == 1:
            label = leaf_at(layer, event.position)
            if label:
                self._clicked(label, "Shift" in event.modifiers)

    def _is_free(self) -> bool:
        """No tool is in use that means something else by a click."""
        active = self._viewer.layers.selection.active
        return active is None or str(active.mode) in ("pan_zoom", "pick")
