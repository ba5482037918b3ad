"""Who judges whether leaves are whole: a list of classifiers, and how to add one."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, button, combo
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.common.model_choice import (
    add_folder,
    installed,
    models_in,
)
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.preferences import preference_events, read_preferences
from napari_herbarium.measure.whole.models import list_whole_models
from napari_herbarium.model.catalogue import Kind
from napari_herbarium.model.checkpoint import CONFIG
from napari_herbarium.settings import WholeSettings


class JudgeBox(QWidget):
    """Lists the classifiers of whole leaves.

    Signals
    -------
    chosen
        Another classifier is chosen.
    learn_asked
        The user wants one that has learnt from what was said of leaves.
    """

    chosen = Signal()
    learn_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.combo = combo(tooltips.JUDGE)
        self.learn = button("Learn…", tooltips.LEARN)
        layout = bare(QHBoxLayout(self))
        layout.addWidget(self.combo, 1)
        layout.addWidget(self.learn)
        self.refresh()
        self.combo.currentIndexChanged.connect(lambda _: self.chosen.emit())
        self.learn.clicked.connect(self.learn_asked)
        self._wires = Wires(self)
        self._wires.connect(installed.changed, self.refresh)
        preferences = preference_events()
        if preferences is not None:
            self._wires.connect(preferences, lambda _: self.refresh())

    def settings(self) -> WholeSettings:
        """Say who judges."""
        return WholeSettings(model=self.combo.currentData())

    def refresh(self) -> None:
        """List classifiers that came or went; the choice stays where it can."""
        before = self.combo.currentData()
        self.combo.blockSignals(True)
        self.combo.clear()
        for row, (shown, loads) in enumerate(_choices(before).items()):
            self.combo.addItem(shown, loads)
            self.combo.setItemData(row, loads, Qt.ItemDataRole.ToolTipRole)
        self.combo.setCurrentIndex(max(self.combo.findData(before), 0))
        self.combo.blockSignals(False)
        if before is not None and self.combo.currentData() != before:
            self.chosen.emit()


def _choices(chosen: str | None) -> dict[str, str]:
    """Classifiers by what they are called to what loads them."""
    choices = {name: name for name in list_whole_models()}
    folder: Path | None = read_preferences().model_folder
    for model in models_in(folder, Kind.WHOLE):
        add_folder(choices, model)
    # Another folder of models in the preferences takes nothing out of the user's hand.
    if chosen and Path(chosen).name != chosen and (Path(chosen) / CONFIG).is_file():
        add_folder(choices, Path(chosen))
    return choices
