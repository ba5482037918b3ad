"""The whole way in a real napari window."""

from __future__ import annotations

import subprocess
import sys

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


SEGMENT = """
import sys
import time
import napari
import numpy as np
from pathlib import Path
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show=True)
viewer.add_image(np.full((96, 96, 3), 200, np.uint8), rgb=True, name="sheet")
_, widget = viewer.window.add_plugin_dock_widget("napari-herbarium", "Segment leaves")
widget.form.models.add(Path(sys.argv[1]))
widget.runner.done.connect(lambda result: print("done", result[0].probability.shape))
widget.runner.failed.connect(print)
assert "torch" not in sys.modules
widget.run()
while widget.runner.state != "idle":
    QApplication.processEvents()
    time.sleep(0.01)
print([layer.name for layer in viewer.layers])
viewer.close()
"""


@pytest.mark.slow
def test_the_network_runs_beside_a_window(tmp_path):
    """Torch comes into a process that has OpenGL, the order in which Triton crashes."""
    from napari_herbarium.model.checkpoint import ModelConfig, save_model
    from napari_herbarium.model.network import build_network

    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    config = ModelConfig(name="blind", encoder="mobilenet_v2", scales=(96,))
    save_model(tmp_path, network, config, "Knows nothing.")
    done = subprocess.run(
        [sys.executable, "-c", SEGMENT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "done (96, 96)" in done.stdout
    assert "['sheet', 'sheet leaves']" in done.stdout


def test_the_sample_opens_from_the_menu(window):
    (layer,) = window.open_sample(PLUGIN, "drawn_sheet")
    assert layer.name == "Drawn herbarium sheet"
    assert np.allclose(np.multiply(layer.data.shape[:2], layer.scale), (420, 280), 0.01)
