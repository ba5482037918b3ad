"""The table of leaves beside the picture."""

from __future__ import annotations

import pandas as pd
from qtpy.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QMenu

from napari_herbarium._napari.common.rows import RowTable
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.table_model import LeafTableModel

_HEIGHT_PX = 200
_SIZE_PX = (380, _HEIGHT_PX)
_ROWS_MEASURED = 50


class LeafTable(RowTable):
    """Leaves as rows; a row that is chosen is a leaf that is shown.

    Signals
    -------
    leaf_chosen : int
        The user went to the row of this label.
    said : (list of int, bool or None)
        The user says that these leaves are whole, partial, or as the model says.
    """

    leaf_chosen = Signal(int)
    said = Signal(list, object)

    def __init__(self) -> None:
        super().__init__()
        self._quiet = False
        self.rows = LeafTableModel(self)
        self.setModel(self.rows)
        self.setToolTip(tooltips.TABLE)
        self._dress()
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def sizeHint(self) -> QSize:
        """Ask for room for a handful of columns."""
        return QSize(*_SIZE_PX)

    def clear(self) -> None:
        """Show no leaves."""
        self.show_table(pd.DataFrame({"label": []}), [])

    def show_table(self, table: pd.DataFrame, columns: list[str]) -> None:
        """Show a table; the leaves that were selected stay selected."""
        labels = self.labels()
        self._quiet = True
        self.rows.show_table(table, columns)
        self.resizeColumnsToContents()
        self._quiet = False
        self._select(labels)

    def labels(self) -> list[int]:
        """Labels of the selected rows."""
        return [
            self.rows.label_at(i.row()) for i in self.selectionModel().selectedRows()
        ]

    def select_leaf(self, label: int) -> None:
        """Select the row of a leaf without going to the leaf."""
        if not self._quiet and label not in self.labels():
            self._select([label])

    def toggle_leaf(self, label: int) -> None:
        """Select the row of a leaf beside those that are, or no longer."""
        chosen = self.labels()
        others = [other for other in chosen if other != label]
        self._select([*others, label] if others == chosen else others)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        """Go to the leaf of the row that mouse or keys reached."""
        super().currentChanged(current, previous)
        if not self._quiet and current.isValid():
            # Qt selects the row only after this, so nobody else may.
            self._quiet = True
            self.leaf_chosen.emit(self.rows.label_at(current.row()))
            self._quiet = False

    def sort_by(self, column: int, order: Qt.SortOrder) -> None:
        """Sort rows; the leaves that were selected stay selected."""
        labels = self.labels()
        self._quiet = True
        self.rows.sort(column, order)
        self._quiet = False
        self._select(labels)

    def menu(self) -> QMenu:
        """Give what can be done with the selected rows."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for text, tip, word in (
            ("Whole leaf", tooltips.SAY_WHOLE, True),
            ("Partial leaf", tooltips.SAY_PARTIAL, False),
            ("As the model says", tooltips.SAY_NOTHING, None),
        ):
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, word=word: self._say(word))
        return menu

    def _say(self, word: bool | None) -> None:
        self.said.emit(self.labels(), word)

    def _open_menu(self, where: QPoint) -> None:
        if self.labels():
            self.menu().exec(self.viewport().mapToGlobal(where))

    def _select(self, labels: list[int]) -> None:
        self._quiet = True
        self.clearSelection()
        rows = [row for label in labels if (row := self.rows.row_of(label)) is not None]
        for row in rows:
            self._select_row(row)
        if rows:
            self.scrollTo(self.rows.index(rows[-1], 0))
        self._quiet = False

    def _select_row(self, row: int) -> None:
        model = self.selectionModel()
        flags = model.SelectionFlag.Select | model.SelectionFlag.Rows
        model.setCurrentIndex(self.rows.index(row, 0), flags)

    def _dress(self) -> None:
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(_HEIGHT_PX)
        top = self.horizontalHeader()
        top.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        top.setResizeContentsPrecision(_ROWS_MEASURED)
        top.setSortIndicatorShown(True)
        top.setSectionsClickable(True)
        top.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        top.sortIndicatorChanged.connect(self.sort_by)
