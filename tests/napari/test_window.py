"""The whole way in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_herbarium._napari.worker import State

PLUGIN = "napari-herbarium"
pytestmark = pytest.mark.window


@pytest.fixture
def window(make_napari_viewer, core):
    return make_napari_viewer(show=True)


def add_sheet(viewer, picture):
    return viewer.add_image(
        picture, rgb=True, name="sheet", scale=(0.1, 0.1), units=("mm", "mm")
    )


def test_open_the_widget_and_click(window, picture, qtbot, until):
    add_sheet(window, picture)
    _, widget = window.window.add_plugin_dock_widget(PLUGIN, "Segment leaves")
    qtbot.mouseClick(widget.button, Qt.MouseButton.LeftButton)
    until(lambda: len(window.layers) == 2)
    leaves = window.layers["sheet leaves"]
    assert leaves.editable
    assert leaves.data.max() == 3
    # the scale bar has a unit only when all layers share theirs
    assert {str(unit) for layer in window.layers for unit in layer.units} == {
        "millimeter"
    }


def test_closing_napari_stops_the_run(window, picture, core, until):
    add_sheet(window, picture)
    _, widget = window.window.add_plugin_dock_widget(PLUGIN, "Segment leaves")
    core.go_on.clear()
    widget.run()
    until(lambda: widget.progress.maximum() == core.TILES)
    tasks = window.window._task_status_manager
    assert tasks.is_busy()
    assert "Segment leaves of “sheet”" in tasks.get_status()[0]
    tasks.cancel_all()
    core.go_on.set()
    until(lambda: core.closed)
    until(lambda: widget.runner.state is State.IDLE)
    assert not tasks.is_busy()
    assert len(window.layers) == 1


def test_the_sample_opens_from_the_menu(window):
    (layer,) = window.open_sample(PLUGIN, "drawn_sheet")
    assert layer.name == "Drawn herbarium sheet"
    assert np.allclose(np.multiply(layer.data.shape[:2], layer.scale), (420, 280), 0.01)
