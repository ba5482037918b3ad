"""A list of models that knows of new ones at once."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, combo, tool_button
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.common.model_choice import (
    add_folder,
    installed,
    model_choices,
)
from napari_herbarium._napari.preferences import Preferences, read_preferences
from napari_herbarium._napari.segment import tooltips


class ModelBox(QWidget):
    """Lists the installed models, with a button for a model folder elsewhere.

    Signals
    -------
    chosen
        Another model may be chosen now.

    Parameters
    ----------
    preferences : Preferences
        Say where models are, and which one is chosen first.
    tip : str
        What the chosen model is for.
    """

    chosen = Signal()

    def __init__(self, preferences: Preferences, tip: str = tooltips.MODEL) -> None:
        super().__init__()
        self._models = model_choices(preferences)
        self._preferred = ""
        self.combo = combo(tip)
        self.browse = tool_button("…", tooltips.BROWSE_MODEL)
        bare(QHBoxLayout(self), self.combo, self.browse)
        self.browse.clicked.connect(self._browse)
        self.combo.currentIndexChanged.connect(lambda _: self.chosen.emit())
        self._wires = Wires(self)
        self._wires.connect(installed.changed, self._list_new)
        self.take_preferences(preferences)

    def loads(self) -> str:
        """Name or path of the chosen model; empty when there is none."""
        return self._models.get(self.combo.currentText(), "")

    def has_model(self) -> bool:
        """Whether there is any model to choose."""
        return bool(self._models)

    def add(self, folder: Path) -> None:
        """Offer a model folder, and choose it."""
        self._list(add_folder(self._models, folder))

    def take_preferences(self, preferences: Preferences) -> None:
        """Offer the models that the preferences know; choose theirs if it is new."""
        self._models |= model_choices(preferences)
        is_new = preferences.model != self._preferred
        self._preferred = preferences.model
        chosen = _shown(self._models, preferences.model)
        self._list(chosen if is_new else self.combo.currentText())

    def _list_new(self) -> None:
        """Offer models that came since; the choice stays."""
        self._models |= model_choices(read_preferences())
        self._list(self.combo.currentText())

    def _list(self, chosen: str) -> None:
        self.combo.blockSignals(True)
        self.combo.clear()
        for row, (shown, loads) in enumerate(self._models.items()):
            self.combo.addItem(shown)
            self.combo.setItemData(row, loads, Qt.ItemDataRole.ToolTipRole)
        self.combo.setCurrentIndex(max(self.combo.findText(chosen), 0))
        self.combo.blockSignals(False)
        self.chosen.emit()

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a model folder")
        if folder:
            self.add(Path(folder))


def _shown(choices: dict[str, str], loads: str) -> str:
    return next((shown for shown, what in choices.items() if what == loads), loads)
