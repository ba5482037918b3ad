"""Take the pictures of the docs from a real napari window.

    xvfb-run -a -s "-screen 0 1280x900x24 +extension GLX" \
        python docs/make_screenshots.py docs/images

Draws the sample sheet, opens "Segment leaves" beside it, runs it with the bundled
model, and saves a picture of each step.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from qtpy.QtWidgets import QApplication

from napari import Viewer
from napari_herbarium._napari.worker import State

PLUGIN = "napari-herbarium"
SIZE = (1240, 860)
COLOURS = 256


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the docs.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--model", help="model name or folder; default: the bundled")
    parser.add_argument("--detail", default="full", help="paper, fast, full, thorough")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    take_pictures(options.out, options.model, options.detail)


def take_pictures(out: Path, model: str | None, detail: str) -> None:
    """Open a sheet, segment it, look closer; one PNG a step."""
    viewer = Viewer(show=True)
    viewer.window.resize(*SIZE)
    viewer.open_sample(PLUGIN, "drawn_sheet")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment leaves")
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.reset_view()
    choose(widget.form, model, detail)
    shoot(viewer, out / "segment-leaves-start.png")
    widget.run()
    wait(lambda: widget.progress.maximum() > 0 or idle(widget))
    shoot(viewer, out / "segment-leaves-running.png")
    wait(lambda: idle(widget), 1800)
    shoot(viewer, out / "segment-leaves.png")
    viewer.close()


def choose(form: object, model: str | None, detail: str) -> None:
    """Set model and detail as a user would."""
    if model is not None and Path(model).is_dir():
        form.models.add(Path(model))
    elif model is not None:
        form.model.setCurrentText(model)
    form.detail.setCurrentIndex(form.detail.findData(detail))


def idle(widget: object) -> bool:
    """Tell whether nothing runs."""
    return widget.runner.state is State.IDLE


def wait(condition: Callable[[], bool], seconds: float = 600) -> None:
    """Let Qt work until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            msg = "napari did not get there in time"
            raise TimeoutError(msg)
        QApplication.processEvents()
        time.sleep(0.02)


def shoot(viewer: Viewer, path: Path) -> None:
    """Save the whole window, after it has settled; in 256 colours, as a small file."""
    for _ in range(40):
        QApplication.processEvents()
        time.sleep(0.02)
    window = Image.fromarray(viewer.window.screenshot(flash=False, canvas_only=False))
    # Rare colours are kept, too: that of one partial leaf, or of a colour map.
    few = window.convert("RGB").quantize(
        COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3
    )
    few.save(path, optimize=True)


if __name__ == "__main__":
    main()
