"""Take the pictures of "Measure leaves" from a real napari window.

    xvfb-run -a -s "-screen 0 1280x900x24 +extension GLX" \
        python docs/make_measure_screenshots.py docs/images

Draws the sample sheet with its exact leaves, measures them, goes to a leaf, colours by
a trait and by whole or partial, and draws a line on the ruler.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from make_screenshots import PLUGIN, SIZE, shoot, wait
from qtpy.QtWidgets import QScrollArea

from napari import Viewer
from napari_herbarium.sheet.drawn.drawing import drawn_sheet

LEAF = 20


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the docs.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--ppi", type=int, default=150, help="of the drawn sheet")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    take_pictures(options.out, options.ppi)


def take_pictures(out: Path, ppi: int) -> None:
    """Measure a drawn sheet and look at it; one PNG a step."""
    viewer, widget = open_sheet(ppi)
    widget.run()
    wait(lambda: widget.live.settled)
    viewer.reset_view()
    shoot(viewer, out / "measure-leaves.png")
    widget.form.trait.setCurrentIndex(widget.form.trait.findData("length_mm"))
    widget.form.colour.setCurrentIndex(2)
    widget.form.unfold.expand(animate=False)
    wait(lambda: show_the_end(widget))
    shoot(viewer, out / "measure-leaves-trait.png")
    widget.form.unfold.collapse(animate=False)
    widget.form.colour.setCurrentIndex(1)
    widget.table.select_leaf(LEAF)
    widget.go_to(LEAF)
    shoot(viewer, out / "measure-leaves-leaf.png")
    draw_line(viewer, widget)
    shoot(viewer, out / "measure-leaves-line.png")
    widget.scale.drop_line()
    viewer.close()


def open_sheet(ppi: int) -> tuple[Viewer, Any]:
    """Show the drawn sheet with its leaves, and the widget."""
    viewer = Viewer(show=True)
    viewer.window.resize(*SIZE)
    drawn = drawn_sheet(dpi=ppi)
    placed = {"scale": (drawn.mm_per_px,) * 2, "units": ("mm", "mm")}
    viewer.add_image(
        np.asarray(drawn.sheet.image),
        rgb=True,
        name="Drawn herbarium sheet",
        metadata={"scale_source": "drawn", "scale_trust": "trusted"},
        **placed,
    )
    viewer.add_labels(
        drawn.labels, name="Drawn herbarium sheet leaves", opacity=0.5, **placed
    )
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Measure leaves")
    return viewer, widget


def show_the_end(widget: Any) -> bool:
    """Scroll down to the histogram; tell whether it has its place yet."""
    bar = widget.findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    return bar.maximum() > 0


def draw_line(viewer: Viewer, widget: Any) -> None:
    """Draw 10 cm along the ruler, and go there."""
    widget.scale.start_line()
    line = viewer.layers.selection.active
    sheet = viewer.layers[0]
    start = line.world_to_data((12, 117))
    line.add_lines([[start, start + np.array([0, 100 / sheet.scale[1]])]])
    viewer.scene.camera.center = (20, 170)
    viewer.scene.camera.zoom *= 0.6


if __name__ == "__main__":
    main()
