"""Opening the widget does not wait for torch."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

OPEN = dedent(
    """
    import os, sys
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from qtpy.QtWidgets import QApplication
    app = QApplication([])
    from napari.components import ViewerModel
    from napari_herbarium._napari.segment_widget import SegmentLeaves
    widget = SegmentLeaves(ViewerModel())
    heavy = ("torch", "torchvision", "timm", "segmentation_models_pytorch")
    print([name for name in heavy if name in sys.modules])
    """
)


def test_the_widget_opens_without_torch():
    done = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
