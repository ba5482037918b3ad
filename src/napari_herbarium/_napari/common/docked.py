"""A dock widget that is over once its dock is closed."""

from __future__ import annotations

from napari.settings import get_settings
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QDockWidget,
    QMainWindow,
    QSizePolicy,
    QWidget,
)

from napari_herbarium._napari.common.controls import settling
from napari_herbarium._napari.common.focus import has_ring, ring

_SETTLE_MS = 50
_SIZED = "QTableView, QHeaderView, QToolButton, PathLine { font-size: %dpt }"
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class DockedWidget(QWidget):
    """Base of our dock widgets.

    The x of a dock only takes the widget out of it, and a new one is made when the
    user opens it again. The old one, which the viewer's events still reach, would go
    on working where nobody sees it.

    Opened beside another of ours it becomes a tab with it: one over the other, as
    napari stacks docks, each would be a sliver. Where the user puts it later it stays.

    It can be used with the keyboard alone, and all of it has napari's size of font.
    """

    _font_size = 0

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._was_docked = False
        # Moved from one place to another, it is without a parent for a moment only.
        self._taken_out = settling(self, _SETTLE_MS)
        self._taken_out.timeout.connect(self._on_taken_out)
        self._opened = settling(self, 0)
        self._opened.timeout.connect(self._join)
        self._shown = settling(self, 0)
        self._shown.timeout.connect(self._come_forward)
        self._take_font_size()

    @property
    def is_writing(self) -> bool:
        """Whether something is under way that shall come to its end."""
        return False

    def leave(self) -> None:
        """End the widget, whose dock is closed, once nothing is being written."""
        if self.is_writing:
            self._taken_out.start()
        else:
            _leaving.discard(self)
            self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Click the button that has the focus, on Enter as on Space."""
        button = self.focusWidget()
        if event.key() in _ENTER and isinstance(button, QAbstractButton):
            # Held down, it would start a run, stop it, and so on.
            if not event.isAutoRepeat():
                button.click()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Show which control the keyboard acts on from now on."""
        left = self.window().focusWidget()
        # Qt goes on, too, where a click hid a control or switched it off.
        by_key = left is None or (left.isEnabled() and left.isVisible())
        shown = by_key or has_ring(left)
        moved = super().focusNextPrevChild(forward)
        now = self.window().focusWidget()
        if shown and now is not None and self.isAncestorOf(now):
            ring(now)
        return moved

    def changeEvent(self, event: QEvent) -> None:
        """Notice that the dock is closed, or that napari has another size of font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._take_font_size()
        if event.type() != QEvent.Type.ParentChange:
            return
        if self.parent() is not None:
            if not self._was_docked:
                self._opened.start()  # its dock is not in the window yet
            self._was_docked = True
            _leaving.discard(self)
        elif self._was_docked:
            _leaving.add(self)
            self._taken_out.start()

    def _take_font_size(self) -> None:
        """Give lines and tables the size that napari gives to labels and buttons."""
        size = get_settings().appearance.font_size
        if size != self._font_size:
            self._font_size = size
            self.setStyleSheet(_SIZED % size)

    def _join(self) -> None:
        """Become a tab with another of our docks that lies in the same place."""
        dock, window = dock_of(self), self.window()
        if dock is None or not isinstance(window, QMainWindow):
            return
        dock.toggleViewAction().toggled.connect(self._on_toggled)
        if dock.isFloating() or window.tabifiedDockWidgets(dock):
            return
        area = window.dockWidgetArea(dock)
        for other in self._docks_before(window):
            if other.isVisible() and window.dockWidgetArea(other) == area:
                window.tabifyDockWidget(other, dock)
                dock.raise_()
                return

    def _on_toggled(self, shown: bool) -> None:
        if shown:
            self._shown.start()  # it has no tab yet

    def _come_forward(self) -> None:
        dock = dock_of(self)
        if dock is not None:
            dock.raise_()

    def _docks_before(self, window: QMainWindow) -> list[QDockWidget]:
        """List the docks in a window of those of ours that were opened before."""
        ours = window.findChildren(DockedWidget)
        before = [x for x in ours if x is not self and not x._opened.isActive()]
        docks = [dock for dock in map(dock_of, before) if dock is not None]
        return [dock for dock in docks if not dock.isFloating()]

    def _on_taken_out(self) -> None:
        if self.parent() is None:
            self.leave()


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Find the dock that a widget is in."""
    inside: QWidget | None = widget
    while inside is not None and not isinstance(inside, QDockWidget):
        inside = inside.parentWidget()
    return inside


_leaving: set[DockedWidget] = set()
"""Nobody else holds a widget whose dock is closed; it shall not vanish in between."""
