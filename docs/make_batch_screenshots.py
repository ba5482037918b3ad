"""Take the pictures of "Segment a folder" and "Batch review" from a real window.

    xvfb-run -a -s "-screen 0 1280x900x24 +extension GLX" \
        python docs/make_batch_screenshots.py docs/images

Draws a few sheets into a temporary folder, beside a file that is damaged, segments the
folder with the bundled model, and opens the result for review.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from make_screenshots import PLUGIN, SIZE, idle, shoot, wait

from napari import Viewer
from napari_herbarium._napari.review.job import Word
from napari_herbarium._napari.review.widget import dock_name
from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.sheet.write import write_sheet_tiff

SHEETS = 6
PPI = 100


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of the batch widgets.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--detail", default="fast", help="paper, fast, full, thorough")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    out = options.out.absolute()
    with tempfile.TemporaryDirectory() as folder:
        # The folder is in the picture; a short relative path reads best.
        os.chdir(folder)
        draw_sheets(Path("Salix 2024"))
        take_pictures(out, options.detail, options.workers)


def draw_sheets(folder: Path) -> None:
    """Draw sheets, and a file that is none."""
    folder.mkdir()
    for seed in range(SHEETS):
        drawn = drawn_sheet(dpi=PPI, seed=seed)
        path = folder / f"H{seed + 1:06}.tif"
        write_sheet_tiff(path, drawn.sheet.image, drawn.mm_per_px)
    (folder / "H000000.tif").write_bytes(b"")


def take_pictures(out: Path, detail: str, workers: int) -> None:
    """Segment the folder and review it; one PNG a widget."""
    viewer = Viewer(show=True)
    viewer.window.resize(*SIZE)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment a folder")
    form = widget.form
    form.how.detail.setCurrentIndex(form.how.detail.findData(detail))
    form.workers.setValue(workers)
    form.sheets.set_paths(["Salix 2024"])
    wait(widget.button.isEnabled)
    widget.run()
    wait(lambda: widget.watch.failures.count() > 0 or idle(widget))
    wait(lambda: widget.watch.bar.value() >= SHEETS // 2 or idle(widget))
    shoot(viewer, out / "segment-a-folder.png")
    wait(lambda: idle(widget) and widget.review.isEnabled())
    review(viewer, widget, out / "batch-review.png")
    viewer.close()


def review(viewer: Viewer, widget: object, picture: Path) -> None:
    """Accept a sheet, reject one, and look at the third."""
    widget.review.click()
    reviewing = viewer.window.dock_widgets[dock_name()]
    session = reviewing.session
    reviewing.panel.training.set_folder("Salix training")
    for word in (Word.ACCEPT, Word.REJECT):
        wait(lambda: session.is_open and not session.is_saving)
        before = session.index
        reviewing.decide(word)
        wait(lambda before=before: session.index != before)
    wait(lambda: session.is_open)
    shoot(viewer, picture)


if __name__ == "__main__":
    main()
