"""The table of leaves as Qt wants it: chosen columns, sorted rows, numbers in short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QBrush, QColor

from napari_herbarium._napari.measure_columns import header, meaning

_PARTIAL = QColor(240, 125, 0, 60)
_TOP = QModelIndex()
_ROLE = Qt.ItemDataRole


class LeafTableModel(QAbstractTableModel):
    """Rows are leaves, the first column is the label."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = pd.DataFrame({"label": []})
        self._columns = ["label"]
        self._sorted_by = ("label", True)

    def show_table(self, table: pd.DataFrame, columns: list[str]) -> None:
        """Show these columns of a table, sorted as before."""
        self.beginResetModel()
        self._columns = ["label", *(c for c in columns if c in table)]
        self._table = self._sorted(table)
        self.endResetModel()

    def label_at(self, row: int) -> int:
        """Label of the leaf in a row."""
        return int(self._table["label"].to_numpy()[row])

    def row_of(self, label: int) -> int | None:
        """Row of a leaf; None when it has none."""
        (rows,) = np.nonzero(self._table["label"].to_numpy() == label)
        return int(rows[0]) if len(rows) else None

    def rowCount(self, parent: QModelIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._table)

    def columnCount(self, parent: QModelIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        if role == _ROLE.DisplayRole:
            return shown(self._value(index))
        if role == _ROLE.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLE.BackgroundRole and self._is_partial(index.row()):
            return QBrush(_PARTIAL)
        if role == _ROLE.ToolTipRole:
            return self._about(index)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self._columns[section]
        if role == _ROLE.DisplayRole:
            return "leaf" if column == "label" else header(column)
        return meaning(column) if role == _ROLE.ToolTipRole else None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort by a column; leaves without a value come last either way."""
        self.beginResetModel()
        ascending = order == Qt.SortOrder.AscendingOrder
        self._sorted_by = (self._columns[column], ascending)
        self._table = self._sorted(self._table)
        self.endResetModel()

    def _sorted(self, table: pd.DataFrame) -> pd.DataFrame:
        column, ascending = self._sorted_by
        if column not in table:
            return table
        by = [column] if column == "label" else [column, "label"]
        directions = [ascending] if column == "label" else [ascending, True]
        return table.sort_values(by, ascending=directions, ignore_index=True)

    def _value(self, index: QModelIndex) -> Any:
        return self._table[self._columns[index.column()]].iat[index.row()]

    def _is_partial(self, row: int) -> bool:
        if "whole" not in self._table:
            return False
        return bool(self._table["whole"].iat[row] in (False,))

    def _about(self, index: QModelIndex) -> str:
        column = self._columns[index.column()]
        if column == "whole" and self._table["whole_by"].iat[index.row()] == "user":
            return "You said so."
        return f"{column}: {self._value(index)}"


def shown(value: Any) -> str:
    """Give a value as a table shows it: four digits of a fraction, words for yes."""
    if pd.isna(value):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return str(value)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 3
    return f"{value:.{digits}f}"
