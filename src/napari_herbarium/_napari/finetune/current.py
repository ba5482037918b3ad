"""The pair that is being worked on: a sheet and its labels, chosen together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, button, form_layout
from napari_herbarium._napari.common.labels_output import leaves_layers
from napari_herbarium._napari.common.layer_chooser import LayerChooser
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.measure.subject import image_under

if TYPE_CHECKING:
    from napari.components import ViewerModel


class CurrentPair(QWidget):
    """Choosers for sheet and labels, and what can be done with the two.

    Signals
    -------
    added
        The pair is wanted in the list.
    save_wanted
        The pair is to be stored in a training folder.
    changed
        Another sheet or other labels are chosen.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    """

    added = Signal()
    save_wanted = Signal()
    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.sheet = LayerChooser(viewer, kind=Image)
        self.sheet.setToolTip(tooltips.SHEET)
        self.labels = LayerChooser(viewer, kind=Labels)
        self.labels.setToolTip(tooltips.LABELS)
        self.add = button("Add pair", tooltips.ADD)
        self.save = button("Save as training pair…", tooltips.SAVE)
        self._lay_out()
        self.add.clicked.connect(self.added)
        self.save.clicked.connect(self.save_wanted)
        self.sheet.chosen.connect(self._take_its_labels)
        self.labels.chosen.connect(self._take_its_sheet)
        self._begin()

    def layers(self) -> tuple[Image, Labels] | None:
        """Give sheet and labels; None while one of them is missing."""
        sheet, labels = self.sheet.layer, self.labels.layer
        return None if sheet is None or labels is None else (sheet, labels)

    def _lay_out(self) -> None:
        form = form_layout()
        form.addRow("Sheet", self.sheet)
        form.addRow("Leaves", self.labels)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(self.save)
        bare(QVBoxLayout(self), form, buttons)

    def _begin(self) -> None:
        pair = chosen_pair(self._viewer)
        if pair is not None:
            self.sheet.choose(pair[0])
            self.labels.choose(pair[1])
        self._tell()

    def _take_its_labels(self, sheet: Image | None) -> None:
        labels = None if sheet is None else labels_on(self._viewer, sheet)
        if labels is not None and not self._fit(sheet, self.labels.layer):
            self.labels.choose(labels)
        self._tell()

    def _take_its_sheet(self, labels: Labels | None) -> None:
        sheet = None if labels is None else image_under(self._viewer, labels)
        if sheet is not None and not self._fit(self.sheet.layer, labels):
            self.sheet.choose(sheet)
        self._tell()

    def _fit(self, sheet: Image | None, labels: Labels | None) -> bool:
        return labels is not None and image_under(self._viewer, labels) is sheet

    def _tell(self) -> None:
        ready = self.layers() is not None
        self.add.setEnabled(ready)
        self.save.setEnabled(ready)
        self.changed.emit()


def chosen_pair(viewer: ViewerModel) -> tuple[Image, Labels] | None:
    """Find the pair that the selected layer belongs to; else the topmost pair."""
    active = viewer.layers.selection.active
    for layer in [active, *viewer.layers[::-1]]:
        if isinstance(layer, Labels):
            image = image_under(viewer, layer)
            if image is not None:
                return image, layer
        elif isinstance(layer, Image):
            labels = labels_on(viewer, layer)
            if labels is not None:
                return layer, labels
    return None


def labels_on(viewer: ViewerModel, sheet: Image) -> Labels | None:
    """Find the labels of a sheet: the newest of Segment leaves, else the topmost."""
    ours = leaves_layers(viewer, sheet)
    if ours:
        return ours[-1]
    every = [layer for layer in viewer.layers[::-1] if isinstance(layer, Labels)]
    return next((x for x in every if image_under(viewer, x) is sheet), None)
