"""Closing napari while repairs are not saved: the user is asked first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

MayClose = Callable[[Callable[[], object]], bool]


class CloseGuard(QObject):
    """Looks out for the main window's closing.

    Parameters
    ----------
    widget : QWidget
        Somewhere within the window, docked or floating.
    may_close : callable
        Tells whether the window may close now; else it is given what closes it later.
    """

    def __init__(self, widget: QWidget, may_close: MayClose) -> None:
        super().__init__(widget)
        self._widget = widget
        self._may_close = may_close

    def watch(self) -> None:
        """Look out, now that the widget has its place."""
        window = _top(self._widget)
        if window is not self._widget:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hold the window open where that saves repairs."""
        if event.type() != QEvent.Type.Close:
            return False
        # Asked anew: remembered, the window could never be freed with PySide6.
        window = _top(self._widget)
        if watched is not window or self._may_close(window.close):
            return False
        event.ignore()
        return True


def _top(widget: QWidget) -> QWidget:
    """Give the main window; a floating dock is a window of its own within it."""
    parent = widget.parentWidget()
    return widget if parent is None else _top(parent)
