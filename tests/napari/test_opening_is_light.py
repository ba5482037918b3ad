"""Opening a widget does not wait for torch, nor for a plot library."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

OPEN = dedent(
    """
    import os, sys
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from qtpy.QtWidgets import QApplication
    app = QApplication([])
    from napari.components import ViewerModel
    from napari_herbarium._napari.{module}.widget import {widget}
    widget = {widget}(ViewerModel())
    heavy = ("torch", "torchvision", "timm", "segmentation_models_pytorch")
    heavy += ("matplotlib.figure", "matplotlib.backends.backend_qtagg")
    print([name for name in heavy if name in sys.modules])
    """
)


@pytest.mark.parametrize(
    ("module", "widget"),
    [("segment", "SegmentLeaves"), ("measure", "MeasureLeaves")],
)
def test_the_widget_opens_without_torch(module, widget):
    code = OPEN.format(module=module, widget=widget)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
