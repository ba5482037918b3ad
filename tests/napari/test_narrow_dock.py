"""In a narrow dock nothing is cut off; nothing scrolls where there is room."""

from __future__ import annotations

import pytest
from napari.qt import get_current_stylesheet
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLabel, QVBoxLayout, QWidget

from napari_herbarium._napari.batch_widget import SegmentFolder
from napari_herbarium._napari.column import Column
from napari_herbarium._napari.finetune_widget import FineTuneModel
from napari_herbarium._napari.fold import Fold
from napari_herbarium._napari.measure_widget import MeasureLeaves
from napari_herbarium._napari.review_widget import BatchReview
from napari_herbarium._napari.segment_widget import SegmentLeaves

WIDGETS = (SegmentLeaves, MeasureLeaves, FineTuneModel, SegmentFolder, BatchReview)
DOCK_PX = 340


def right_edge(control, column):
    return control.mapTo(column.viewport(), QPoint(control.width(), 0)).x()


@pytest.mark.parametrize("kind", WIDGETS)
def test_no_control_is_cut_off(viewer, qtbot, kind):
    widget = kind(viewer)
    qtbot.addWidget(widget)
    widget.setStyleSheet(get_current_stylesheet())
    for fold in widget.findChildren(Fold):
        fold.expand(animate=False)
    widget.show()
    widget.resize(widget.minimumSizeHint())
    qtbot.wait(50)
    assert widget.width() <= DOCK_PX
    column = widget.findChild(Column)
    controls = column.widget().findChildren(QWidget)
    cut = [
        control
        for control in controls
        if isinstance(control, QAbstractButton | QComboBox)
        and control.isVisible()
        and right_edge(control, column) > column.viewport().width()
    ]
    assert not cut


def test_sentences_that_wrap_do_not_make_it_scroll_where_there_is_room(qtbot):
    inside, dock = QWidget(), QWidget()
    qtbot.addWidget(dock)
    text = QLabel("One sentence that is far too long for a single line. " * 6)
    text.setWordWrap(True)
    QVBoxLayout(inside).addWidget(text)
    column = Column(inside)
    around = QVBoxLayout(dock)
    around.addWidget(column)
    around.addStretch(1)
    dock.show()
    for width in (200, 600, 160):
        dock.resize(width, 900)
        qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() == 0)


def test_a_fold_shows_by_its_mark_whether_it_is_open(qtbot):
    fold = Fold("Advanced", QLabel("inside"))
    qtbot.addWidget(fold)
    closed = fold.text()
    fold.toggleButton().click()
    assert fold.isExpanded()
    assert fold.text() != closed
    fold.toggleButton().click()
    assert fold.text() == closed
    assert closed.endswith("Advanced")
