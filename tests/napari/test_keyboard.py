"""The widgets can be used without a mouse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtGui import QFocusEvent, QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
)

from napari_herbarium._napari.batch.widget import SegmentFolder
from napari_herbarium._napari.common import focus
from napari_herbarium._napari.common.docked import DockedWidget
from napari_herbarium._napari.common.fold import Fold
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium._napari.review.widget import BatchReview
from napari_herbarium._napari.segment.widget import SegmentLeaves

WIDGETS = (SegmentLeaves, MeasureLeaves, FineTuneModel, SegmentFolder, BatchReview)


@pytest.fixture
def sheets(viewer):
    for name in ("one", "two"):
        viewer.add_image(np.zeros((60, 80, 3), np.uint8), rgb=True, name=name)
        viewer.add_labels(np.ones((60, 80), np.uint8), name=f"{name} leaves")


def stops(widget):
    """List the controls that Tab goes to, in its order."""
    found, control = [], widget.nextInFocusChain()
    while control is not widget:
        tab = control.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
        if tab and control.isVisibleTo(widget) and control.focusProxy() is None:
            found.append(control)
        control = control.nextInFocusChain()
    return found


@pytest.mark.parametrize("kind", WIDGETS)
@pytest.mark.usefixtures("sheets")
def test_tab_goes_down_the_widget_as_it_is_seen(viewer, docked, kind):
    widget = docked(kind)
    for fold in widget.findChildren(Fold):
        fold.expand(animate=False)
    if isinstance(widget, FineTuneModel):
        for sheet, labels in (("one", "one leaves"), ("two", "two leaves")):
            widget.current.sheet.choose(viewer.layers[sheet])
            widget.current.labels.choose(viewer.layers[labels])
            widget.current.add.click()
    widget.resize(400, 1200)
    QApplication.processEvents()
    middles = [
        control.mapTo(widget, QPoint(0, control.height() // 2)).y()
        for control in stops(widget)
        if widget.isAncestorOf(control)
    ]
    # Controls of one line are not all of one height.
    assert all(after > before - 6 for before, after in pairwise(middles))


@pytest.mark.parametrize("kind", WIDGETS)
def test_no_table_keeps_tab_for_itself(docked, kind):
    widget = docked(kind)
    for table in widget.findChildren(QAbstractItemView):
        assert not table.tabKeyNavigation()


@pytest.fixture
def form(qtbot):
    """A widget of ours with a button and a line."""
    form = DockedWidget()
    qtbot.addWidget(form)
    form.button, form.line = QPushButton("Go"), QLineEdit()
    layout = QVBoxLayout(form)
    layout.addWidget(form.button)
    layout.addWidget(form.line)
    form.show()
    return form


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_space_and_enter_click_a_button(qtbot, form, key):
    clicks = []
    form.button.clicked.connect(lambda: clicks.append(1))
    form.button.setFocus()
    qtbot.keyClick(form.button, key)
    assert len(clicks) == 1


def test_enter_that_is_held_down_clicks_once(form):
    clicks = []
    form.button.clicked.connect(lambda: clicks.append(1))
    form.button.setFocus()
    for repeated in (False, True, True):
        held = QKeyEvent(
            QEvent.Type.KeyPress,
            Qt.Key.Key_Return,
            Qt.KeyboardModifier.NoModifier,
            "\r",
            repeated,
        )
        QApplication.sendEvent(form.button, held)
    assert len(clicks) == 1


def test_enter_in_a_line_clicks_nothing(qtbot, form):
    form.button.clicked.connect(lambda: pytest.fail("was clicked"))
    form.line.setFocus()
    qtbot.keyClick(form.line, Qt.Key.Key_Return)


def seen_ring(control):
    ring = control.findChild(focus.FocusRing)
    return ring is not None and ring.isVisible()


def test_a_ring_goes_with_tab(form, qtbot):
    form.button.setFocus()
    assert not seen_ring(form.button)  # nobody went there with the keyboard
    qtbot.keyClick(form.button, Qt.Key.Key_Tab)
    assert seen_ring(form.line)
    form.line.resize(200, 50)
    assert form.line.findChild(focus.FocusRing).size() == form.line.size()
    qtbot.keyClick(form.line, Qt.Key.Key_Backtab)
    assert seen_ring(form.button)


@pytest.mark.parametrize("by_key", [True, False])
def test_a_ring_goes_on_from_a_button_that_is_switched_off(form, qtbot, by_key):
    form.button.clicked.connect(lambda: form.button.setEnabled(False))
    form.line.setFocus()
    if by_key:
        qtbot.keyClick(form.line, Qt.Key.Key_Tab)
        qtbot.keyClick(form.button, Qt.Key.Key_Space)
    else:
        form.button.setFocus(Qt.FocusReason.MouseFocusReason)
        qtbot.mouseClick(form.button, Qt.MouseButton.LeftButton)
    assert form.focusWidget() is form.line
    assert seen_ring(form.line) is by_key


@pytest.mark.parametrize(
    ("reason", "stays"),
    [
        (Qt.FocusReason.PopupFocusReason, True),
        (Qt.FocusReason.ActiveWindowFocusReason, True),
        (Qt.FocusReason.MouseFocusReason, False),
        (Qt.FocusReason.OtherFocusReason, False),
    ],
)
def test_a_ring_waits_for_a_menu_or_another_window_alone(form, reason, stays):
    focus.ring(form.button)
    left = QFocusEvent(QEvent.Type.FocusOut, reason)
    QApplication.sendEvent(form.button, left)
    assert seen_ring(form.button) is stays
