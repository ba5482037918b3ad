"""In a narrow dock nothing is cut off; nothing scrolls where there is room."""

from __future__ import annotations

import numpy as np
import pytest
from napari.qt import get_current_stylesheet
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium._napari.batch.widget import SegmentFolder
from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.fold import Fold
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium._napari.measure.form import MeasureForm
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium._napari.review.widget import BatchReview
from napari_herbarium._napari.segment.widget import SegmentLeaves

WIDGETS = (SegmentLeaves, MeasureLeaves, FineTuneModel, SegmentFolder, BatchReview)
DOCK_PX = 340


def right_edge(control, column):
    return control.mapTo(column.viewport(), QPoint(control.width(), 0)).x()


def cut_off(column):
    return [
        control
        for control in column.widget().findChildren(QWidget)
        if isinstance(control, QAbstractButton | QComboBox)
        and control.isVisible()
        and right_edge(control, column) > column.viewport().width()
    ]


@pytest.fixture
def sheet(viewer):
    """A sheet whose name has no place to wrap, with leaves."""
    name = "BR0000005182879_" * 14
    viewer.add_image(np.zeros((60, 80, 3), np.uint8), rgb=True, name=name)
    viewer.add_labels(np.ones((60, 80), np.uint8), name=f"{name}leaves")


@pytest.mark.parametrize("kind", WIDGETS)
@pytest.mark.usefixtures("sheet")
def test_no_control_is_cut_off(viewer, qtbot, kind):
    widget = kind(viewer)
    qtbot.addWidget(widget)
    widget.setStyleSheet(get_current_stylesheet())
    for fold in widget.findChildren(Fold):
        fold.expand(animate=False)
    if isinstance(widget, FineTuneModel):
        widget.current.add.click()
    widget.show()
    widget.resize(widget.minimumSizeHint())
    qtbot.wait(50)
    assert widget.width() <= DOCK_PX
    # A busy machine may take longer to lay it out.
    qtbot.waitUntil(lambda: not cut_off(widget.findChild(Column)))


def test_counts_that_wrap_are_read_in_full(qtbot):
    form = MeasureForm(0.5)
    qtbot.addWidget(form)
    form.show_counts("62 whole, 3 partial, 2 by your word")
    form.show()
    form.resize(form.minimumSizeHint().width(), 600)
    qtbot.wait(50)
    counts = form.counts
    assert counts.heightForWidth(counts.width()) > counts.fontMetrics().height() * 1.5
    assert counts.height() >= counts.heightForWidth(counts.width())


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
    assert fold.toggleButton().icon().isNull()


class WithFocus(QComboBox):
    """A list that the user has clicked; no window is active in a test."""

    def hasFocus(self):
        return True


def takes_wheel(control):
    """Turn the wheel down by a notch over a control; whether it keeps that."""
    middle = control.rect().center()
    event = QWheelEvent(
        QPointF(middle),
        QPointF(control.mapToGlobal(middle)),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(control, event)
    return event.isAccepted()


def test_the_wheel_scrolls_and_changes_no_setting_on_the_way(qtbot):
    inside, models, clicked = QWidget(), QComboBox(), WithFocus()
    for box in (models, clicked):
        box.addItems(["mine", "another"])
    tall = QLabel()
    tall.setMinimumHeight(900)
    layout = QVBoxLayout(inside)
    for widget in (models, clicked, tall):
        layout.addWidget(widget)
    column = Column(inside)
    qtbot.addWidget(column)
    column.resize(300, 200)
    column.show()
    qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() > 0)
    assert not takes_wheel(models)  # Qt gives it to the column, then
    assert models.currentText() == "mine"
    assert takes_wheel(clicked)
    assert clicked.currentText() == "another"
