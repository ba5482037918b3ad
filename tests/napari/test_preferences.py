"""The page in napari's Preferences."""

from __future__ import annotations

from pathlib import Path

import pytest

import napari_herbarium
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium._napari.preferences import (
    PLUGIN,
    Preferences,
    preference_events,
    read_preferences,
)
from napari_herbarium._napari.segment.widget import SegmentLeaves
from napari_herbarium.settings import Detail, Device

MANIFEST = Path(napari_herbarium.__file__).parent / "napari.yaml"


@pytest.fixture
def page(plugin_settings, npe2pm):
    from napari.settings import get_plugin_settings

    npe2pm.register(str(MANIFEST))
    return get_plugin_settings(PLUGIN).segment


def test_the_page_starts_with_our_defaults(page):
    assert read_preferences() == Preferences()


def test_the_users_choices_are_read(page, tmp_path):
    page.device = "cpu"
    page.default_model = " ferns "
    page.model_folder = str(tmp_path)
    page.default_detail = "fast"
    assert read_preferences() == Preferences(Device.CPU, "ferns", tmp_path, Detail.FAST)


def test_nonsense_is_refused_by_the_page(page):
    with pytest.raises(ValueError, match="device"):
        page.device = "abacus"


def test_without_the_plugin_there_are_defaults(plugin_settings, npe2pm):
    assert read_preferences() == Preferences()
    assert preference_events() is None


def test_an_open_widget_takes_a_changed_preference(page, viewer, core, qtbot):
    widget = SegmentLeaves(viewer)
    qtbot.addWidget(widget)
    assert widget.form.segment_settings().detail is Detail.FULL
    page.default_detail = "paper"
    assert widget.form.segment_settings().detail is Detail.PAPER


def test_an_open_fine_tuning_takes_a_changed_preference(page, viewer, qtbot):
    widget = FineTuneModel(viewer)
    qtbot.addWidget(widget)
    page.device = "cpu"
    assert widget.form.device.currentData() == "cpu"
