"""What is trained from what, for how long, where, and under which name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import (
    DEVICES,
    bare,
    choose,
    combo,
    form_layout,
    slim,
    text_label,
)
from napari_herbarium._napari.common.model_box import ModelBox
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.finetune.folder import other_plants
from napari_herbarium._napari.finetune.job import free_name, out_folder
from napari_herbarium._napari.preferences import Preferences
from napari_herbarium.errors import HerbariumError
from napari_herbarium.settings import Device
from napari_herbarium.train.recipes import RECIPES, recipe_of

if TYPE_CHECKING:
    from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe

_RECIPES = {"Few sheets": "few-sheets", "As published": "paper"}
_UNITS = {"minutes": "minutes", "epochs": "epochs"}
_MOST = {"minutes": 10_000, "epochs": 100_000}
_USUAL_MINUTES = 10
_NAME = "my leaves"


class FineTuneForm(QWidget):
    """Controls for recipe, base model, device and name.

    Signals
    -------
    changed
        A control has another value.

    Parameters
    ----------
    preferences : Preferences
        What the controls start with.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self.base = ModelBox(preferences, tooltips.BASE)
        self.others = other_plants()
        self.recipe_name = combo(tooltips.RECIPE)
        self.unit = combo(tooltips.UNIT)
        for box, choices in ((self.recipe_name, _RECIPES), (self.unit, _UNITS)):
            for shown, value in choices.items():
                box.addItem(shown, value)
        self.length = QSpinBox()
        self.length.setToolTip(tooltips.LENGTH)
        slim(self.length)
        # Two short words, which must be read in full.
        self.unit.setMinimumWidth(0)  # as wide as its words
        self.device = combo(tooltips.DEVICE, DEVICES)
        choose(self.device, preferences.device)
        self.name = QLineEdit(free_name(_NAME, self._preferences.model_folder))
        self.name.setToolTip(tooltips.NAME)
        self.name.setMaxLength(80)
        self.refusal = text_label()
        self._lay_out()
        self._connect()
        self._usual_length()
        self._judge_name()

    def recipe(self) -> PaperRecipe | FewSheetsRecipe:
        """Give the recipe with the bound that is set.

        Raises
        ------
        SettingsError
            The recipe refuses it.
        """
        unit, length = self.unit.currentData(), self.length.value()
        changes: dict[str, Any] = {unit: length}
        if unit == "epochs":
            changes["minutes"] = None
        return recipe_of(self.recipe_name.currentData(), **changes)

    def other_sheets(self) -> Path | None:
        """Give the folder of other plants; None for none, or where none counts."""
        return self.others.folder() if self.needs_base() else None

    def device_chosen(self) -> Device:
        """Give the device."""
        return Device(self.device.currentData())

    def out(self) -> Path:
        """Give the folder of the new model.

        Raises
        ------
        ModelError
            The name is taken, or is none.
        """
        return out_folder(self.name.text().strip(), self._preferences.model_folder)

    def name_refusal(self) -> str:
        """Say why the name cannot be had; empty when it can."""
        try:
            self.out()
        except HerbariumError as error:
            return str(error)
        return ""

    def needs_base(self) -> bool:
        """Whether the recipe starts from the base model."""
        return bool(self.recipe_name.currentData() == "few-sheets")

    def propose_name(self) -> None:
        """Put a free name in place of one that is taken now."""
        if self.name_refusal():
            self.name.setText(free_name(_NAME, self._preferences.model_folder))

    def take_preferences(self, preferences: Preferences) -> None:
        """Set the controls of the preferences that changed; others stay as chosen."""
        before, self._preferences = self._preferences, preferences
        self.base.take_preferences(preferences)
        if preferences.device is not before.device:
            choose(self.device, preferences.device)
        self._judge_name()

    def _lay_out(self) -> None:
        bound = QHBoxLayout()
        bound.addWidget(self.length, 1)
        bound.addWidget(self.unit)
        form = form_layout()
        form.addRow("Base model", self.base)
        form.addRow("Recipe", self.recipe_name)
        form.addRow("Other plants", self.others)
        form.addRow("At most", bound)
        form.addRow("Device", self.device)
        form.addRow("New model", self.name)
        bare(QVBoxLayout(self), form, self.refusal)

    def _connect(self) -> None:
        self.recipe_name.currentIndexChanged.connect(self._on_recipe)
        self.unit.currentIndexChanged.connect(self._usual_length)
        self.name.textChanged.connect(self._judge_name)
        self.base.chosen.connect(self.changed)

    def _on_recipe(self, _index: int) -> None:
        unit = "minutes" if self.needs_base() else "epochs"
        self.unit.setCurrentIndex(self.unit.findData(unit))
        for part in (self.base, self.others):
            part.setEnabled(self.needs_base())
        self._usual_length()
        self.changed.emit()

    def _usual_length(self, _index: int = 0) -> None:
        unit = self.unit.currentData()
        self.length.setRange(1, _MOST[unit])
        fields = RECIPES[self.recipe_name.currentData()].model_fields
        self.length.setValue(int(fields[unit].default or _USUAL_MINUTES))

    def _judge_name(self, _text: str = "") -> None:
        refusal = self.name_refusal()
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))
        self.changed.emit()
