"""The table of leaves as Qt wants it: chosen columns, sorted rows, numbers in short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QBrush, QColor

from napari_herbarium._napari.measure.columns import header, meaning

_PARTIAL = QColor(240, 125, 0, 60)
_TOP = QModelIndex()
_LEAST = (1000, 10, 1, 0.1, 0.01)
"""From these values on 0, 1, 2 ... digits follow the point."""
_ROLE = Qt.ItemDataRole


class LeafTableModel(QAbstractTableModel):
    """Rows are leaves, the first column is the label."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = pd.DataFrame({"label": []})
        self._columns = ["label"]
        self._digits = {"label": 0}
        self._sorted_by = ("label", True)

    def show_table(self, table: pd.DataFrame, columns: list[str]) -> None:
        """Show these columns of a table, sorted as before."""
        self.beginResetModel()
        self._columns = ["label", *(c for c in columns if c in table)]
        self._digits = {column: digits_of(table[column]) for column in self._columns}
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
            digits = self._digits[self._columns[index.column()]]
            return shown(self._value(index), digits)
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
        value = self._value(index)
        return f"{column}: {'no value' if pd.isna(value) else value}"


def shown(value: Any, digits: int) -> str:
    """Give a value as a table shows it: words for yes, digits after the point."""
    if pd.isna(value):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}f}"
    return str(value)


def digits_of(column: pd.Series) -> int:
    """Give how many digits follow the point, the same in all of a column.

    Three or four count in its middle value; whole numbers have none.
    """
    if not pd.api.types.is_float_dtype(column):
        return 0
    values = column.dropna().abs()
    if (values == values.round()).all():
        return 0
    middle = float(values.median())
    return next((n for n, least in enumerate(_LEAST) if middle >= least), len(_LEAST))
