"""The list of sheets: confidence, leaves and state, in the order of the review."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView

from napari_herbarium._napari.common.rows import RowTable
from napari_herbarium._napari.review import tooltips
from napari_herbarium._napari.review.listing import FAILED, Listing, Show

_COLUMNS = ("Sheet", "Confidence", "Leaves", "State")
_COLOURS = {
    "accepted": QColor(70, 160, 70, 70),
    "repaired": QColor(70, 120, 200, 70),
    "rejected": QColor(130, 130, 130, 90),
    FAILED: QColor(200, 60, 50, 80),
}
_TOP = QModelIndex()
_ROLE = Qt.ItemDataRole
_HEIGHT_PX = 230


class ReviewModel(QAbstractTableModel):
    """Rows are sheets of a listing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listing: Listing | None = None
        self._indices: list[int] = []

    def show_listing(self, listing: Listing | None, show: Show) -> None:
        """Show the sheets of one kind."""
        self.beginResetModel()
        self._listing = listing
        self._indices = [] if listing is None else listing.indices(show)
        self.endResetModel()

    def update(self, listing: Listing) -> None:
        """Take a listing in which sheets changed; the same ones stay in sight."""
        self._listing = listing
        if not self._indices:
            return
        corner = self.index(self.rowCount() - 1, len(_COLUMNS) - 1)
        self.dataChanged.emit(self.index(0, 0), corner)

    def index_at(self, row: int) -> int:
        """Place in the listing of the sheet in a row."""
        return self._indices[row]

    def row_of(self, index: int | None) -> int | None:
        """Row of a sheet; None when it is not in sight."""
        return self._indices.index(index) if index in self._indices else None

    def rowCount(self, parent: QModelIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._indices)

    def columnCount(self, parent: QModelIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> Any:
        if role == _ROLE.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _COLUMNS[section]
        return None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        listing = self._listing
        if listing is None:
            return None
        at = self._indices[index.row()]
        if role == _ROLE.DisplayRole:
            return _text(listing, at, index.column())
        if role == _ROLE.ToolTipRole:
            entry = listing.entry(at)
            return "\n".join(filter(None, (entry.source, entry.reason)))
        if role == _ROLE.BackgroundRole:
            colour = _COLOURS.get(listing.state(at).split(",")[0])
            return None if colour is None else QBrush(colour)
        if role == _ROLE.TextAlignmentRole and index.column() in (1, 2):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class ReviewTable(RowTable):
    """Sheets as rows; a row that the user chooses is a sheet to open.

    Signals
    -------
    chosen : int
        Place in the listing of the sheet to open.
    clicked_on : int
        Place in the listing of the sheet that was clicked, open or not.
    """

    chosen = Signal(int)
    clicked_on = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._quiet = False
        self.rows = ReviewModel(self)
        self.setModel(self.rows)
        self.setToolTip(tooltips.TABLE)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumHeight(_HEIGHT_PX)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.clicked.connect(self._on_click)

    def show_listing(self, listing: Listing | None, show: Show) -> None:
        """Show the sheets of one kind; none is chosen by that."""
        self._quiet = True
        self.rows.show_listing(listing, show)
        self._quiet = False

    def select(self, index: int | None) -> None:
        """Mark the row of a sheet without opening it."""
        row = self.rows.row_of(index)
        self._quiet = True
        if row is None:
            self.clearSelection()
        else:
            self.selectRow(row)
        self._quiet = False

    def neighbour(self, index: int | None, step: int) -> int | None:
        """Give the sheet so many rows further down; None beyond the ends."""
        row = self.rows.row_of(index)
        wanted = 0 if row is None else row + step
        return (
            self.rows.index_at(wanted) if 0 <= wanted < self.rows.rowCount() else None
        )

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if not self._quiet and current.isValid():
            self.chosen.emit(self.rows.index_at(current.row()))

    def _on_click(self, where: QModelIndex) -> None:
        self.clicked_on.emit(self.rows.index_at(where.row()))


def _text(listing: Listing, at: int, column: int) -> str:
    sheet = listing.sheet(at)
    if column == 0:
        return listing.entry(at).name
    if column == 3:
        return listing.state(at)
    if sheet is None:
        return ""
    return f"{sheet.confidence:.2f}" if column == 1 else f"{sheet.leaves:,}"
