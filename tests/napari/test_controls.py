"""What several widgets show in the same way."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QProgressBar

from napari_herbarium._napari.common.controls import show_on
from napari_herbarium.progress import Progress


@pytest.mark.parametrize(
    ("total", "said"), [(1, "1 of 1 leaf measured"), (4, "1 of 4 leaves measured")]
)
def test_a_bar_agrees_with_how_many_there_are_in_all(qtbot, total, said):
    bar = QProgressBar()
    qtbot.addWidget(bar)
    assert show_on(bar, Progress(1, total, "leaves measured"))
    assert bar.text() == said
