"""The settings of "Segment leaves" as controls."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import (
    DEVICES,
    bare,
    check,
    choose,
    combo,
    form_layout,
    slim,
    spin,
)
from napari_herbarium._napari.common.fold import Fold
from napari_herbarium._napari.common.model_box import ModelBox
from napari_herbarium._napari.common.model_choice import own_threshold
from napari_herbarium._napari.common.numbers import NumberBox, ShareSlider
from napari_herbarium._napari.preferences import Preferences
from napari_herbarium._napari.segment import tooltips
from napari_herbarium.settings import (
    Detail,
    LeafMethod,
    LeafSettings,
    SegmentSettings,
    Touching,
)

_DETAILS = {
    "Full: coarse to fine": Detail.FULL,
    "Thorough: from four sides": Detail.THOROUGH,
    "Fast: one pass": Detail.FAST,
    "As published: 512 px": Detail.PAPER,
}
_TOUCHING = {
    "Cut where leaves meet": Touching.JUDGE,
    "Cut at narrow necks": Touching.NECKS,
    "Keep as one": Touching.KEEP,
}
_METHODS = {"Threshold": LeafMethod.DEFAULT, "As published": LeafMethod.PAPER}


class SegmentForm(QWidget):
    """Controls for `SegmentSettings` and `LeafSettings`.

    Signals
    -------
    leaf_settings_changed
        A setting changed that acts on a probability already there.

    Parameters
    ----------
    preferences : Preferences
        What the controls start with.
    """

    leaf_settings_changed = Signal()

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.models = ModelBox(preferences)
        self._preferences: Preferences | None = None
        self._calibrated = False
        self._own_threshold = True
        self._build_basic()
        self._build_leaf_controls()
        self._build_memory_controls()
        self._lay_out()
        self._connect()
        self.take_preferences(preferences)

    def segment_settings(self) -> SegmentSettings:
        """Give the settings of the network run."""
        return SegmentSettings(
            model=self.models.loads(),
            detail=self.detail.currentData(),
            device=self.device.currentData(),
            tile=self.tile.value() // 32 * 32,
            batch=self.batch.value(),
        )

    def leaf_settings(self) -> LeafSettings:
        """Give the settings of leaf extraction."""
        defaults = LeafSettings()
        area = self.min_area.value()
        return LeafSettings(
            method=self.method.currentData(),
            threshold=None if self._own_threshold else self.threshold.value(),
            fill_holes=self.fill_holes.isChecked(),
            touching=self.touching.currentData(),
            min_area_mm2=area if self._calibrated else defaults.min_area_mm2,
            min_area_px=None if self._calibrated or area < 0 else int(area),
        )

    def has_model(self) -> bool:
        """Whether there is any model to choose."""
        return self.models.has_model()

    def set_calibrated(self, calibrated: bool) -> None:
        """Ask for the smallest area in mm2 or in px; keeps no value of the other."""
        defaults = LeafSettings()
        if calibrated == self._calibrated and self.min_area.suffix():
            return
        self._calibrated = calibrated
        self.min_area.blockSignals(True)
        self.min_area.setDecimals(1 if calibrated else 0)
        self.min_area.setSuffix(" mm²" if calibrated else " px")
        self.min_area.setRange(*((0, 10_000) if calibrated else (-1, 10_000_000)))
        self.min_area.setSpecialValueText("" if calibrated else "by sheet size")
        self.min_area.setSingleStep(1 if calibrated else 50)
        self.min_area.setValue(defaults.min_area_mm2 if calibrated else -1)
        self.min_area.blockSignals(False)
        tip = tooltips.MIN_AREA_MM2 if calibrated else tooltips.MIN_AREA_PX
        self.min_area.setToolTip(tip)

    def take_preferences(self, preferences: Preferences) -> None:
        """Set the controls of the preferences that changed; others stay as chosen."""
        before, self._preferences = self._preferences, preferences
        self.models.take_preferences(preferences)
        if before is None or preferences.device is not before.device:
            choose(self.device, preferences.device)
        if before is None or preferences.detail is not before.detail:
            choose(self.detail, preferences.detail)

    def _build_basic(self) -> None:
        self.model = self.models.combo
        self.detail = combo(tooltips.DETAIL, _DETAILS)
        self.device = combo(tooltips.DEVICE, DEVICES)

    def _build_leaf_controls(self) -> None:
        self.threshold = ShareSlider(0.05, 0.95, tooltips.THRESHOLD)
        self.min_area = NumberBox()
        self.min_area.setKeyboardTracking(False)
        slim(self.min_area)
        self.set_calibrated(False)
        self.fill_holes = check("Fill holes", tooltips.FILL_HOLES)
        self.touching = combo(tooltips.TOUCHING, _TOUCHING)
        choose(self.touching, LeafSettings().touching)
        self.method = combo(tooltips.METHOD, _METHODS)

    def _build_memory_controls(self) -> None:
        defaults = SegmentSettings()
        self.tile = QSpinBox()
        self.tile.setRange(128, 4096)
        self.tile.setSingleStep(32)
        spin(self.tile, tooltips.TILE, " px", defaults.tile)
        self.batch = QSpinBox()
        self.batch.setRange(1, 256)
        spin(self.batch, tooltips.BATCH, " tiles", defaults.batch)

    def _lay_out(self) -> None:
        basic = form_layout()
        basic.addRow("Model", self.models)
        basic.addRow("Detail", self.detail)
        basic.addRow("Device", self.device)
        inside = QWidget()
        advanced = form_layout(inside)
        advanced.addRow("Threshold", self.threshold)
        advanced.addRow("Minimum area", self.min_area)
        advanced.addRow(self.fill_holes)
        advanced.addRow("Touching leaves", self.touching)
        advanced.addRow("Method", self.method)
        advanced.addRow("Tile", self.tile)
        advanced.addRow("Batch", self.batch)
        self.advanced = Fold("Advanced", inside)
        self.advanced.toggleButton().setToolTip(tooltips.ADVANCED)
        bare(QVBoxLayout(self), basic, self.advanced)

    def _connect(self) -> None:
        self.models.chosen.connect(self._use_own_threshold)
        self.threshold.valueChanged.connect(self._on_threshold)
        self.min_area.valueChanged.connect(self._on_leaf_setting)
        self.fill_holes.toggled.connect(self._on_leaf_setting)
        self.touching.currentIndexChanged.connect(self._on_leaf_setting)
        self.method.currentIndexChanged.connect(self._on_leaf_setting)

    def _use_own_threshold(self) -> None:
        """Put the slider where the model's threshold is, until the user moves it."""
        if self._own_threshold:
            self.threshold.blockSignals(True)
            self.threshold.setValue(own_threshold(self.segment_settings().model))
            self.threshold.blockSignals(False)

    def _on_threshold(self, _value: float) -> None:
        self._own_threshold = False
        self.leaf_settings_changed.emit()

    def _on_leaf_setting(self, _value: object = None) -> None:
        self.leaf_settings_changed.emit()
