"""Controls become settings, with honest units and the model's own threshold."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox

from napari_herbarium import LeafSettings, SegmentSettings
from napari_herbarium._napari.preferences import Preferences
from napari_herbarium._napari.segment.form import SegmentForm
from napari_herbarium.model.checkpoint import ModelConfig
from napari_herbarium.settings import Detail, Device, LeafMethod


@pytest.fixture
def make_form(qtbot, core):
    def make(preferences=None):
        form = SegmentForm(preferences or Preferences())
        qtbot.addWidget(form)
        return form

    return make


@pytest.fixture
def model_folder(tmp_path):
    def make(name, threshold):
        folder = tmp_path / name
        folder.mkdir()
        config = ModelConfig(name=name, threshold=threshold)
        (folder / "config.json").write_text(config.model_dump_json())
        return folder

    return make


def test_untouched_controls_are_the_default_settings(make_form):
    form = make_form()
    assert form.segment_settings() == SegmentSettings()
    assert form.leaf_settings() == LeafSettings()
    form.set_calibrated(True)
    assert form.leaf_settings() == LeafSettings()


def test_every_control_is_a_setting(make_form):
    form = make_form()
    form.detail.setCurrentIndex(form.detail.findData(Detail.FAST.value))
    form.device.setCurrentIndex(1)
    form.tile.setValue(300)
    form.batch.setValue(2)
    form.threshold.setValue(0.3)
    form.fill_holes.setChecked(True)
    form.touching.setCurrentIndex(form.touching.findData("necks"))
    form.method.setCurrentIndex(1)
    form.min_area.setValue(250)
    assert form.segment_settings() == SegmentSettings(
        detail=Detail.FAST, device=Device.CPU, tile=288, batch=2
    )
    assert form.leaf_settings() == LeafSettings(
        method=LeafMethod.PAPER,
        threshold=0.3,
        fill_holes=True,
        touching="necks",
        min_area_px=250,
    )


def test_the_smallest_area_is_asked_in_the_unit_of_the_sheet(make_form):
    form = make_form()
    assert form.min_area.text() == "by sheet size"
    assert form.leaf_settings() == LeafSettings()
    assert form.min_area.suffix() == " px"
    assert "px" in form.min_area.toolTip()
    form.set_calibrated(True)
    assert form.min_area.suffix() == " mm²"
    assert "mm²" in form.min_area.toolTip()
    form.min_area.setValue(12.5)
    assert form.leaf_settings() == LeafSettings(min_area_mm2=12.5)
    form.set_calibrated(True)
    assert form.min_area.value() == 12.5


def test_the_threshold_is_the_models_own_until_it_is_moved(make_form, model_folder):
    form = make_form()
    form.models.add(model_folder("shade", 0.35))
    assert form.threshold.value() == pytest.approx(0.35)
    assert form.leaf_settings().threshold is None
    form.threshold.setValue(0.6)
    form.models.add(model_folder("sun", 0.45))
    assert form.leaf_settings().threshold == pytest.approx(0.6)


def test_models_of_the_preferred_folder_can_be_chosen(
    make_form, model_folder, tmp_path
):
    folder = model_folder("ferns", 0.4)
    form = make_form(Preferences(model=str(folder), model_folder=tmp_path))
    shown = [form.model.itemText(i) for i in range(form.model.count())]
    assert shown == ["herbarium-leaves", "ferns"]
    assert Path(form.segment_settings().model) == folder


def test_preferences_are_what_it_starts_with(make_form):
    form = make_form(Preferences(device=Device.CUDA, detail=Detail.PAPER))
    assert form.segment_settings().device is Device.CUDA
    assert form.segment_settings().detail is Detail.PAPER


def test_a_preference_that_changes_leaves_other_choices_alone(make_form, model_folder):
    form = make_form(Preferences())
    form.models.add(model_folder("ferns", 0.4))
    form.detail.setCurrentIndex(form.detail.findData(Detail.FAST.value))
    form.take_preferences(Preferences(device=Device.CPU))
    chosen = form.segment_settings()
    assert chosen.device is Device.CPU
    assert chosen.detail is Detail.FAST
    assert form.model.currentText() == "ferns"
    form.take_preferences(Preferences(device=Device.CPU, detail=Detail.PAPER))
    assert form.segment_settings().detail is Detail.PAPER


def test_only_leaf_settings_ask_for_new_leaves(make_form, qtbot):
    form = make_form()
    with qtbot.assertNotEmitted(form.leaf_settings_changed):
        form.detail.setCurrentIndex(2)
        form.tile.setValue(256)
        form.set_calibrated(True)
    for change in (
        lambda: form.threshold.setValue(0.7),
        lambda: form.min_area.setValue(9),
        lambda: form.fill_holes.setChecked(True),
        lambda: form.touching.setCurrentIndex(2),
        lambda: form.method.setCurrentIndex(1),
    ):
        with qtbot.waitSignal(form.leaf_settings_changed):
            change()


def test_every_control_says_what_it_is(make_form):
    form = make_form()
    kinds = (QComboBox, QAbstractButton, QAbstractSlider, QAbstractSpinBox)
    named = [control for control in vars(form).values() if isinstance(control, kinds)]
    assert len(named) >= 10
    assert all(control.toolTip() for control in named)


def test_it_fits_a_narrow_dock(make_form):
    form = make_form()
    form.advanced.expand(animate=False)
    assert form.minimumSizeHint().width() <= 250


def test_advanced_settings_are_folded(make_form):
    assert not make_form().advanced.isExpanded()
