"""A column of controls that scrolls on a small screen."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QScrollArea,
    QScrollBar,
    QSizePolicy,
    QStyle,
    QWidget,
)


class Column(QScrollArea):
    """As tall as what it holds where there is room; scrolls where there is not.

    It is never so narrow that a control is cut off, or hides behind the scroll bar. The
    wheel scrolls it, and turns only a control that the user has clicked before. A tall
    one takes all the room that there is.
    """

    def __init__(self, inside: QWidget, *, tall: bool = False) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        policies = QSizePolicy.Policy
        height = policies.Expanding if tall else policies.Maximum
        self.setSizePolicy(policies.Preferred, height)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(inside)
        self._fit()
        inside.installEventFilter(self)
        for control in _turned_by_wheel(inside):
            if control.focusProxy() is None:
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)

    def sizeHint(self) -> QSize:
        """Ask for the size of the contents; napari's style gives it a frame."""
        inside, margins = self.widget(), self.contentsMargins()
        hint = inside.sizeHint()
        if inside.hasHeightForWidth():
            # Sentences that wrap are taller where the column is narrower.
            wide = max(self.viewport().width(), self._least_width())
            hint.setHeight(inside.heightForWidth(wide))
        return hint.grownBy(margins)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for another height in another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow contents that fold and unfold; keep the wheel for scrolling."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
            self.updateGeometry()
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        margins = self.contentsMargins()
        edges = margins.left() + margins.right()
        self.setMinimumWidth(self._least_width() + bar + edges)

    def _least_width(self) -> int:
        return self.widget().minimumSizeHint().width()


def _turned_by_wheel(inside: QWidget) -> list[QWidget]:
    """Find the controls whose value the wheel changes."""
    kinds = (QComboBox, QAbstractSpinBox, QAbstractSlider)
    return [
        control
        for control in inside.findChildren(QWidget)
        if isinstance(control, kinds) and not isinstance(control, QScrollBar)
    ]
