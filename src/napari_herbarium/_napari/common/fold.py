"""Controls that are folded away until somebody wants them."""

from __future__ import annotations

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

_FOLDED, _OPEN = "▸", "▾"


class _NoIcon(QIcon):
    """An empty icon that counts as one.

    superqt passes over what is false, and PySide6 takes an empty icon for false.
    """

    def __bool__(self) -> bool:
        return True


class Fold(QCollapsible):
    """A heading that shows and hides what lies under it.

    The mark before the title is text: as an icon it would keep the colour of no theme.

    Parameters
    ----------
    title : str
        The heading.
    inside : QWidget
        What it shows and hides.
    """

    def __init__(self, title: str, inside: QWidget) -> None:
        super().__init__(title, expandedIcon=_NoIcon(), collapsedIcon=_NoIcon())
        self._title = title
        self.setDuration(0)
        self.addWidget(inside)
        # In line with the controls above and below.
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.toggled.connect(self._mark)
        self._mark(False)

    def _mark(self, is_open: bool) -> None:
        self.setText(f"{_OPEN if is_open else _FOLDED} {self._title}")
