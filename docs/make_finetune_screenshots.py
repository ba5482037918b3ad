"""Take the pictures of the fine-tuning tutorial from a real napari window.

    xvfb-run -a -s "-screen 0 1280x900x24 +extension GLX" \
        python docs/make_finetune_screenshots.py docs/images --minutes 4

Draws four sheets on dark paper, which the bundled model sees rarely; adds three of
them with their exact leaves as pairs, fine-tunes, and segments the fourth with the
model before and after. The new model goes into a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_screenshots import PLUGIN, SIZE, idle, shoot, wait
from napari.layers import Image, Labels

from napari import Viewer
from napari_herbarium._napari.worker import State
from napari_herbarium.settings import DEFAULT_MODEL
from napari_herbarium.sheet.drawn.drawing import drawn_sheet

SEEDS = (11, 12, 13)
NEW_SEED = 14
NAME = "dark paper"
DARK = np.array([0.42, 0.36, 0.30], np.float32)
DOCK_PX = 400


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the tutorial.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--minutes", type=int, default=4, help="to train for")
    parser.add_argument("--dpi", type=int, default=100, help="of the drawn sheets")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as models:
        os.environ["NAPARI_HERBARIUM_MODELS"] = models
        take_pictures(options.out, options.minutes, options.dpi)


def take_pictures(out: Path, minutes: int, dpi: int) -> None:
    """Add pairs, train, compare; one PNG a step."""
    viewer = Viewer(show=True)
    viewer.window.resize(*SIZE)
    dock, tune = viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune model")
    widen(viewer, dock)
    for number, seed in enumerate(SEEDS, start=1):
        add_pair(viewer, tune, f"sheet {number}", dpi, seed)
    wait(lambda: not tune.pairs.is_looking())
    tune.form.name.setText(NAME)
    tune.form.length.setValue(minutes)
    shoot(viewer, out / "fine-tune-pairs.png")
    tune.run()
    wait(lambda: len(tune.live.points().loss) > 2 or idle(tune), 1800)
    show_the_end(tune)
    shoot(viewer, out / "fine-tune-running.png")
    wait(lambda: idle(tune), 1800)
    wait(lambda: tune.live.runner.state is State.IDLE)
    show_the_end(tune)
    shoot(viewer, out / "fine-tune-done.png")
    dock.hide()
    compare(viewer, dpi)
    shoot(viewer, out / "fine-tune-compare.png")
    viewer.close()


def show_the_end(tune: Any) -> None:
    """Scroll down to the curves and the crops."""
    from qtpy.QtWidgets import QScrollArea

    bar = tune.findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())


def widen(viewer: Viewer, dock: Any) -> None:
    """Make a dock as wide as a laptop bears."""
    from qtpy.QtCore import Qt

    window = viewer.window._qt_window
    window.resizeDocks([dock], [DOCK_PX], Qt.Orientation.Horizontal)


def add_pair(viewer: Viewer, tune: Any, name: str, dpi: int, seed: int) -> None:
    """Open a sheet with corrected leaves, and put both into the list."""
    for layer in viewer.layers:
        layer.visible = False
    sheet = drawn_sheet(dpi, seed)
    placed = placement(sheet.mm_per_px)
    image = viewer.add_image(darkened(sheet.sheet.image), rgb=True, name=name, **placed)
    labels = viewer.add_labels(
        sheet.labels, name=f"{name} leaves", opacity=0.5, **placed
    )
    viewer.reset_view()
    tune.current.sheet.choose(image)
    tune.current.labels.choose(labels)
    tune.current.add.click()


def placement(mm_per_px: float) -> dict[str, Any]:
    """Say where a sheet lies."""
    return {"scale": (mm_per_px,) * 2, "units": ("mm", "mm"), "axis_labels": ("y", "x")}


def darkened(image: Any) -> np.ndarray:
    """Photograph a sheet on dark paper in bad light."""
    return (np.asarray(image) * DARK).astype(np.uint8)


def compare(viewer: Viewer, dpi: int) -> None:
    """Segment a new sheet with the model before, and with the new one."""
    dock, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment leaves")
    widen(viewer, dock)
    viewer.layers.clear()
    sheet = drawn_sheet(dpi, NEW_SEED)
    image = viewer.add_image(
        darkened(sheet.sheet.image),
        rgb=True,
        name="new sheet",
        **placement(sheet.mm_per_px),
    )
    viewer.reset_view()
    before = leaves_by(viewer, segment, image, DEFAULT_MODEL)
    viewer.layers.remove("new sheet leaves")
    after = leaves_by(viewer, segment, image, NAME)
    viewer.layers.remove("new sheet leaves")
    for name, labels, colour in (
        (DEFAULT_MODEL, before, "magenta"),
        (NAME, after, "cyan"),
    ):
        outline(
            viewer.add_labels(labels, name=name, **placement(sheet.mm_per_px)), colour
        )


def leaves_by(viewer: Viewer, segment: Any, image: Image, model: str) -> np.ndarray:
    """Segment with a model, as a user does; give the leaves."""
    segment.form.model.setCurrentText(model)
    viewer.layers.selection.active = image
    segment.run()
    wait(lambda: idle(segment))
    return np.array(viewer.layers["new sheet leaves"].data)


def outline(layer: Labels, colour: str) -> None:
    """Show labels as outlines of one colour."""
    from napari.utils import DirectLabelColormap

    layer.colormap = DirectLabelColormap(color_dict={None: colour, 0: "transparent"})
    layer.contour = 3
    layer.opacity = 1


if __name__ == "__main__":
    main()
