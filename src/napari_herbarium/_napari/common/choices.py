"""A list of choices that shows both ends of a long one."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

_MIDDLE = Qt.TextElideMode.ElideMiddle
_BY_LENGTH = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_USUAL_LENGTH = 14


class Choices(QComboBox):
    """Names that begin alike stay apart by their ends, however narrow the dock is.

    A long name asks for no more room than a short one: else it would take it from the
    picture.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(_BY_LENGTH)
        self.setMinimumContentsLength(_USUAL_LENGTH)
        self.view().setTextElideMode(_MIDDLE)

    def text_in_sight(self) -> str:
        """Give the current choice as far as there is room for it."""
        return self._option().currentText

    def paintEvent(self, event: QPaintEvent) -> None:
        option = self._option()
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

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
