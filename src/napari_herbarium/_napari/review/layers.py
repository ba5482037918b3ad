"""The layers of the sheet that is looked at: its picture, and leaves to repair."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_herbarium._napari.common.labels_output import Leaves, roomy, write_leaves
from napari_herbarium._napari.reader import layer_of
from napari_herbarium._napari.review.job import Opened

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_TELLING = ("set_data", "labels_update")


class SheetLayers:
    """Two layers in the viewer, replaced by those of the next sheet.

    Signals
    -------
    touched
        The user may have changed a leaf.
    gone
        The user removed the leaves from the viewer.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the layers; layers of others are left alone.
    """

    touched = Signal()
    gone = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._image: Image | None = None
        self._labels: Labels | None = None
        self._saved = 0

    def show(self, opened: Opened) -> None:
        """Show a sheet in the place of the one before."""
        self.clear()
        pixels, options, _ = layer_of(opened.sheet)
        options["name"] = opened.review.name
        self._image = self._viewer.add_image(pixels, **options)
        self._labels = write_leaves(self._viewer, self._image, _leaves(opened))
        self._labels.selected_label = int(opened.labels.max(initial=0)) + 1
        self._labels.events.connect(self._on_event)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self._viewer.reset_view()
        self.mark_saved(self._labels.data)

    def clear(self) -> None:
        """Remove our layers, those that the user has not removed."""
        self.let_go()
        ours, self._image, self._labels = (self._labels, self._image), None, None
        for layer in ours:
            if layer is not None and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def let_go(self) -> None:
        """Listen no longer; the layers stay with the user."""
        if self._labels is not None:
            self._labels.events.disconnect(self._on_event)
            self._viewer.layers.events.removed.disconnect(self._on_removed)

    @property
    def are_there(self) -> bool:
        """Whether the leaves of the sheet are in the viewer."""
        return self._labels is not None and self._labels in self._viewer.layers

    @property
    def are_gone(self) -> bool:
        """Whether the user removed the leaves of the sheet from the viewer."""
        return self._labels is not None and not self.are_there

    def bring_back(self) -> None:
        """Put layers that the user removed into the viewer again, repairs and all."""
        for layer in (self._image, self._labels):
            if layer is not None and layer not in self._viewer.layers:
                self._viewer.layers.append(layer)

    def labels(self) -> NDArray[Any]:
        """Copy the leaves as they are now."""
        return np.array(self._layer().data)

    def put(self, labels: NDArray[Any]) -> None:
        """Put other leaves into the layer; they count as the user's change."""
        layer = self._layer()
        room = np.promote_types(roomy(labels).dtype, layer.data.dtype)
        layer.data = labels.astype(room)

    def is_edited(self) -> bool:
        """Tell whether the leaves differ from those in the run."""
        return self.are_there and _fingerprint(self._layer().data) != self._saved

    def mark_saved(
        self, labels: NDArray[Any], rows: pd.DataFrame | None = None
    ) -> None:
        """Take these leaves for those in the run, with what is known of them."""
        self._saved = _fingerprint(labels)
        if rows is not None and self._labels is not None:
            self._labels.features = rows

    def _layer(self) -> Labels:
        if self._labels is None:
            msg = "no sheet is shown"
            raise LookupError(msg)
        return self._labels

    def _on_event(self, event: Any) -> None:
        if event.type in _TELLING:
            self.touched.emit()

    def _on_removed(self, event: Any) -> None:
        if event.value is self._labels:
            self.gone.emit()


def _fingerprint(labels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(labels).data)


def _leaves(opened: Opened) -> Leaves:
    plan = opened.run.plan
    model = {
        "name": plan.model_name,
        "version": plan.model_version,
        "sha256": plan.model_sha256,
        "threshold": plan.settings.leaves.threshold,
    }
    return Leaves(
        labels=opened.labels,
        rows=opened.rows,
        segment_settings=plan.settings.segment,
        leaf_settings=plan.settings.leaves,
        model=model,
        mm_per_px=opened.sheet.mm_per_px,
    )
