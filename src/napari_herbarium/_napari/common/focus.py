"""Shows which control the keyboard acts on: napari's style does not."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QRectF, Qt
from qtpy.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

_PEN_PX = 2.0
_ROUND_PX = 2.0
_FOR_A_MOMENT = (
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)
"""Why a control may lose the focus and get it back."""


class FocusRing(QWidget):
    """A frame over a control, there while it has the focus."""

    def __init__(self, control: QWidget) -> None:
        super().__init__(control)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        control.installEventFilter(self)

    def put(self) -> None:
        """Show it, in front of what the control holds."""
        self.resize(self.parentWidget().size())
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the control."""
        if isinstance(event, QFocusEvent) and event.lostFocus():
            if event.reason() not in _FOR_A_MOMENT:
                self.hide()
        elif event.type() == QEvent.Type.Resize:
            self.resize(self.parentWidget().size())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().windowText().color(), _PEN_PX))
        half = _PEN_PX / 2
        frame = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(frame, _ROUND_PX, _ROUND_PX)
        painter.end()


def ring(control: QWidget) -> None:
    """Put a ring around a control that was reached with the keyboard.

    Who clicks a control knows where they clicked.
    """
    (_ring_of(control) or FocusRing(control)).put()


def has_ring(control: QWidget) -> bool:
    """Whether there is a ring around a control, be the control itself seen or not."""
    there = _ring_of(control)
    return there is not None and not there.isHidden()


def _ring_of(control: QWidget) -> FocusRing | None:
    directly = Qt.FindChildOption.FindDirectChildrenOnly
    return control.findChild(FocusRing, options=directly)
