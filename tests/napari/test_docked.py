"""The x of a dock ends the widget that was in it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_herbarium._napari.common.docked import DockedWidget

PLUGIN = "napari-herbarium"
TITLES = (
    "Segment leaves",
    "Measure leaves",
    "Fine-tune model",
    "Segment a folder",
    "Batch review",
)


class Writer(DockedWidget):
    """A dock widget that may be writing."""

    writes = False

    @property
    def is_writing(self):
        return self.writes


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def docked(window, widget):
    dock = QDockWidget("dock", window)
    dock.setWidget(widget)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    return dock


def close(dock):
    """Do what napari does on a click on the x."""
    dock.widget().setParent(None)
    dock.deleteLater()


def gone(widget):
    ends = []
    widget.destroyed.connect(lambda: ends.append(True))
    return lambda: bool(ends)


def test_the_x_ends_the_widget(window, until):
    widget = Writer()
    is_gone = gone(widget)
    close(docked(window, widget))
    until(is_gone)


def test_a_widget_that_moves_to_another_dock_stays(window, qtbot):
    widget = Writer()
    is_gone = gone(widget)
    first = docked(window, widget)
    first.setFloating(True)
    close(first)
    docked(window, widget)
    qtbot.wait(200)
    assert not is_gone()


def test_a_widget_that_never_was_in_a_dock_stays(qtbot):
    widget = Writer()
    qtbot.addWidget(widget)
    is_gone = gone(widget)
    widget.show()
    widget.setParent(None)
    qtbot.wait(200)
    assert not is_gone()


def test_what_is_being_written_comes_to_its_end(window, qtbot, until):
    widget = Writer()
    is_gone = gone(widget)
    widget.writes = True
    close(docked(window, widget))
    qtbot.wait(200)
    assert not is_gone()
    widget.writes = False
    until(is_gone)


def test_a_second_widget_becomes_a_tab_with_the_first(window, until):
    window.show()
    foreign = QDockWidget("foreign", window)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, foreign)
    first = docked(window, Writer())
    second = docked(window, Writer())
    until(lambda: window.tabifiedDockWidgets(second) == [first])
    until(lambda: not second.visibleRegion().isEmpty())
    assert first.visibleRegion().isEmpty()
    assert not window.tabifiedDockWidgets(foreign)


def test_a_tab_that_is_shown_again_comes_forward(window, until):
    window.show()
    first, second = docked(window, Writer()), docked(window, Writer())
    until(lambda: window.tabifiedDockWidgets(second) == [first])
    until(lambda: first.visibleRegion().isEmpty())
    first.setVisible(False)
    first.setVisible(True)
    until(lambda: not first.visibleRegion().isEmpty())


def test_a_widget_stays_where_the_user_puts_it(window, qtbot, until):
    window.show()
    first = docked(window, Writer())
    second = docked(window, Writer())
    until(lambda: window.tabifiedDockWidgets(second) == [first])
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, second)
    widget = second.widget()
    close(second)
    third = docked(window, widget)
    qtbot.wait(100)
    assert not window.tabifiedDockWidgets(third)


@pytest.mark.window
@pytest.mark.parametrize("title", TITLES)
def test_the_x_in_napari_ends_our_widgets(make_napari_viewer, core, until, title):
    viewer = make_napari_viewer(show=True)
    clicks = list(viewer.mouse_drag_callbacks)
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    is_gone = gone(widget)
    dock.titleBarWidget().close_button.click()
    until(is_gone)
    assert viewer.mouse_drag_callbacks == clicks
    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    assert again is not widget
