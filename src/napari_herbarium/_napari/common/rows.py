"""A table of rows, as all our widgets show one."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QAbstractItemView, QTableView

_LEAST_PX, _SPARE_PX = 22, 6


class RowTable(QTableView):
    """Whole rows are selected; a row is as high as its text needs.

    Tab goes on to the next control: in a table of Qt it would go from cell to cell, and
    never out of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        # Names of sheets begin alike.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self._fit_rows()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the size of the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit_rows()

    def _fit_rows(self) -> None:
        needed = self.fontMetrics().height() + _SPARE_PX
        self.verticalHeader().setDefaultSectionSize(max(_LEAST_PX, needed))
