"""A list of layers of one kind that follows the active one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from psygnal import Signal as PySignal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_herbarium._napari.common.choices import Choices
from napari_herbarium._napari.common.controls import slim

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Wires:
    """Connections to a viewer that end with the widget that made them.

    A viewer outlives its widgets, and an event that reaches a widget whose Qt part is
    gone is a crash.
    """

    def __init__(self, widget: QWidget) -> None:
        self._wires: list[tuple[Any, Callable]] = []
        widget.destroyed.connect(self.cut)

    def connect(self, emitter: Any, callback: Callable) -> None:
        """Call `callback` on the events of `emitter`, until `cut`."""
        emitter.connect(callback)
        self._wires.append((emitter, callback))

    def cut(self) -> None:
        """End all connections."""
        for emitter, callback in self._wires:
            emitter.disconnect(callback)
        self._wires.clear()


class LayerChooser(Choices):
    """Lists the viewer's layers of one kind.

    Selecting such a layer in napari's layer list chooses it here; choosing here leaves
    napari's selection as it is. A selected layer of another kind changes nothing.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    kind : type
        Kind of layer to list.
    """

    chosen = PySignal(object)

    def __init__(self, viewer: ViewerModel, kind: type[Layer] = Image) -> None:
        super().__init__()
        self._viewer = viewer
        self._kind = kind
        self._layers: list[Layer] = []
        self._announced: Layer | None = None
        slim(self)
        wires = Wires(self)
        events = viewer.layers.events
        for emitter in (
            events.inserted,
            events.removed,
            events.reordered,
            events.renamed,
        ):
            wires.connect(emitter, self._list_layers)
        wires.connect(viewer.layers.selection.events.active, self._follow)
        self._wires = wires
        self.currentIndexChanged.connect(self._announce)
        self._list_layers()
        self._follow()

    @property
    def layer(self) -> Any:
        """The chosen layer; None when there is none of the kind."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the list."""
        self.setCurrentIndex(self._layers.index(layer))

    def _list_layers(self, _event: object = None) -> None:
        kept = self.layer
        # Qt must not announce half-filled lists.
        self.blockSignals(True)
        self._layers = [x for x in self._viewer.layers if isinstance(x, self._kind)]
        self.clear()
        for row, layer in enumerate(self._layers):
            self.addItem(layer.name)
            self.setItemData(row, layer.name, Qt.ItemDataRole.ToolTipRole)
        if kept in self._layers:
            self.setCurrentIndex(self._layers.index(kept))
        elif self._layers:
            self.setCurrentIndex(len(self._layers) - 1)
        self.blockSignals(False)
        self._announce()

    def _follow(self, _event: object = None) -> None:
        active = self._viewer.layers.selection.active
        if active in self._layers:
            self.choose(active)

    def _announce(self, _index: int = -1) -> None:
        if self.layer is not self._announced:
            self._announced = self.layer
            self.chosen.emit(self.layer)
