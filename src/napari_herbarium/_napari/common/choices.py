"""A list of choices that shows both ends of a long one."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

_MIDDLE = Qt.TextElideMode.ElideMiddle
_MOST_LETTERS = 28
_SPARE_PX = 8
"""With napari's style Qt asks for a little less than a choice needs."""


class Choices(QComboBox):
    """Names that begin alike stay apart by their ends, however narrow the dock is.

    A very long one asks for no more room than a usual one: it would come out of the
    picture.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.view().setTextElideMode(_MIDDLE)

    def sizeHint(self) -> QSize:
        """Ask for what the longest name needs, within bounds."""
        return self._bounded(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        """Need no more than that."""
        return self._bounded(super().minimumSizeHint())

    def text_in_sight(self) -> str:
        """Give the current choice as far as there is room for it."""
        return self._option().currentText

    def paintEvent(self, event: QPaintEvent) -> None:
        option = self._option()
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _bounded(self, size: QSize) -> QSize:
        most = self.fontMetrics().averageCharWidth() * _MOST_LETTERS
        return QSize(min(size.width() + _SPARE_PX, most), size.height())

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, _MIDDLE, field.width() - 2
        )
        return option
