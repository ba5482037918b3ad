"""A column of controls that scrolls on a small screen."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QStyle, QWidget


class Column(QScrollArea):
    """As tall as what it holds where there is room; scrolls where there is not.

    It is never so narrow that a control is cut off, or hides behind the scroll bar.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(inside)
        self._fit()
        inside.installEventFilter(self)

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
        """Follow contents that fold and unfold."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        margins = self.contentsMargins()
        edges = margins.left() + margins.right()
        self.setMinimumWidth(self._least_width() + bar + edges)

    def _least_width(self) -> int:
        return self.widget().minimumSizeHint().width()
