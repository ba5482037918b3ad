"""Numbers that are typed alike on computers of all languages.

Everything we write has a decimal point, as files and tables do. Qt's own controls read
by the language of the computer: in a German one, 2.5 would silently become 25.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QLocale, QObject, Qt
from qtpy.QtGui import QDoubleValidator
from qtpy.QtWidgets import QAbstractSlider, QDoubleSpinBox, QLineEdit
from superqt import QLabeledDoubleSlider

_DIGITS = 2


class NumberBox(QDoubleSpinBox):
    """A box for a number, which takes a decimal comma for a point."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def validate(self, text: str, position: int) -> Any:
        """Judge what was typed so far."""
        return super().validate(_pointed(text), position)


class ShareSlider(QLabeledDoubleSlider):
    """A slider for a share, whose number can be typed.

    Parameters
    ----------
    low, high : float
        Its ends.
    tip : str
        What it is for.
    """

    def __init__(self, low: float, high: float, tip: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setDecimals(_DIGITS)
        self.setToolTip(tip)
        number = self.findChild(QLineEdit)
        number.setValidator(_Share(number))
        number.installEventFilter(self)
        # Else Tab would stop at it twice, once where no key moves it.
        self.setFocusProxy(self.findChild(QAbstractSlider))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show the number again when what was typed in its place is none."""
        if (
            event.type() == QEvent.Type.FocusOut
            and isinstance(watched, QLineEdit)
            and not watched.hasAcceptableInput()
        ):
            watched.setText(f"{self.value():.{_DIGITS}f}")
        return super().eventFilter(watched, event)


class _Share(QDoubleValidator):
    def __init__(self, parent: QLineEdit) -> None:
        super().__init__(parent)
        self.setLocale(QLocale.c())

    def validate(self, text: str, position: int) -> Any:
        return super().validate(_pointed(text), position)


def _pointed(text: str) -> str:
    return text.replace(",", ".")
