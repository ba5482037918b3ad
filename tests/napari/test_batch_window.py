"""The engine beside a real window, started from a script as users write them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.sheet.write import write_sheet_tiff

# Without "if __name__ == ...": a worker that ran it again would open a window.
SCRIPT = """
import sys
import time
from pathlib import Path

import napari
import psutil
from qtpy.QtWidgets import QApplication

scans, model, log = map(Path, sys.argv[1:])
with log.open("a") as file:
    file.write("begun\\n")


def wait(condition):
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end, (widget.outlook.text(), widget.message.text())
        QApplication.processEvents()
        time.sleep(0.02)


viewer = napari.Viewer(show=True)
_, widget = viewer.window.add_plugin_dock_widget("napari-herbarium", "Segment a folder")
form = widget.form
form.how.models.add(model)
form.how.detail.setCurrentIndex(form.how.detail.findData("paper"))
form.measure.setChecked(False)
form.workers.setValue(1)
form.sheets.set_paths([str(scans)])
wait(widget.button.isEnabled)
widget.button.click()
wait(lambda: widget.runner.state == "idle" and widget.button.text() == "All done")
print(widget.message.text())
print(widget.watch.failures.item(0).text())
widget.review.click()
wait(lambda: len(viewer.layers) == 2)
print([layer.name for layer in viewer.layers])
viewer.close()
wait(lambda: not any("spawn_main" in " ".join(child.cmdline())
                     for child in psutil.Process().children(recursive=True)))
"""


@pytest.mark.window
@pytest.mark.slow
def test_a_folder_is_segmented_by_workers_that_open_no_window(tmp_path):
    from napari_herbarium.model.checkpoint import ModelConfig, save_model
    from napari_herbarium.model.network import build_network

    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    config = ModelConfig(name="blind", encoder="mobilenet_v2", scales=(96,))
    save_model(tmp_path / "blind", network, config, "Knows nothing.")
    scans, script, log = (tmp_path / name for name in ("scans", "mine.py", "log"))
    scans.mkdir()
    for seed in (0, 1):
        drawn = drawn_sheet(dpi=50, seed=seed)
        pixels = drawn.sheet.image[:150, :150]
        write_sheet_tiff(scans / f"K{seed}.tif", pixels, drawn.mm_per_px)
    (scans / "K2.tif").write_bytes(b"")
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, scans, tmp_path / "blind", log],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0].startswith("2 sheets done")
    assert "1 failed" in said[0]
    assert said[1].startswith("K2: K2.tif is empty")
    assert "leaves" in said[2]
    assert log.read_text() == "begun\n"
