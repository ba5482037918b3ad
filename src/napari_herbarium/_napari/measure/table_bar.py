"""What the table shows: which traits, in which unit."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QWidget,
    QWidgetAction,
)

from napari_herbarium._napari.common.controls import bare
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.columns import (
    MAIN,
    UNITS,
    in_unit,
    meaning,
    title,
    twin,
)

_LIST_PX = (260, 320)


class TableBar(QWidget):
    """One line of controls over the table.

    Signals
    -------
    changed
        Other columns, or another unit.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[str] = []
        self._chosen = set(MAIN)
        self._calibrated = False
        self._build()
        layout = bare(QHBoxLayout(self))
        for widget in (self.traits, self.units):
            layout.addWidget(widget)
        layout.addStretch(1)

    @property
    def unit(self) -> str:
        """Unit of lengths: "mm" or "px"."""
        return self.units.currentText()

    def columns(self) -> list[str]:
        """Columns to show, in the unit of the moment; the main ones come first."""
        offered = in_unit(self._columns, self.unit)
        first = [twin(name, self.unit, self._columns) for name in MAIN]
        ordered = [*(c for c in first if c in offered), *offered]
        return [c for c in dict.fromkeys(ordered) if self._is_chosen(c)]

    def set_columns(self, columns: Sequence[str]) -> None:
        """Say which columns the table has."""
        columns = [name for name in columns if name != "label"]
        if columns != self._columns:
            self._columns = columns
            self._fill()

    def set_calibrated(self, calibrated: bool) -> None:
        """Offer mm where there is a scale, and start with it."""
        if calibrated == self._calibrated and self.units.count():
            return
        self._calibrated = calibrated
        self.units.blockSignals(True)
        self.units.clear()
        self.units.addItems(list(UNITS) if calibrated else ["px"])
        self.units.blockSignals(False)
        self.units.setEnabled(calibrated)
        self._fill()

    def show_all(self) -> None:
        """Show every column."""
        self._choose(self._columns)

    def show_main(self) -> None:
        """Show the few columns of the beginning."""
        self._choose(MAIN)

    def _build(self) -> None:
        self.units = QComboBox()
        self.units.setToolTip(tooltips.UNITS)
        self.units.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.set_calibrated(False)
        self.units.currentIndexChanged.connect(self._on_unit)
        self.traits = QPushButton("Traits  ")  # room for the arrow
        self.traits.setToolTip(tooltips.TRAITS)
        self.traits.setMenu(self._menu())

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Main traits").triggered.connect(self.show_main)
        menu.addAction("All traits").triggered.connect(self.show_all)
        self.list = QListWidget()
        self.list.setMinimumSize(*_LIST_PX)
        self.list.itemChanged.connect(self._on_item)
        action = QWidgetAction(menu)
        action.setDefaultWidget(self.list)
        menu.addAction(action)
        return menu

    def _is_chosen(self, column: str) -> bool:
        return not self._chosen.isdisjoint(
            {column, *(twin(column, unit, self._columns) for unit in UNITS)}
        )

    def _choose(self, columns: Sequence[str]) -> None:
        self._chosen = set(columns)
        self._fill()
        self.changed.emit()

    def _fill(self) -> None:
        if not hasattr(self, "list"):
            return
        self.list.blockSignals(True)
        self.list.clear()
        for column in in_unit(self._columns, self.unit):
            item = QListWidgetItem(title(column), self.list)
            item.setToolTip(meaning(column))
            item.setData(Qt.ItemDataRole.UserRole, column)
            on = self._is_chosen(column)
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)

    def _on_item(self, item: QListWidgetItem) -> None:
        column = item.data(Qt.ItemDataRole.UserRole)
        both = {column, *(twin(column, unit, self._columns) for unit in UNITS)}
        if item.checkState() == Qt.CheckState.Checked:
            self._chosen |= both
        else:
            self._chosen -= both
        self.changed.emit()

    def _on_unit(self, _index: int) -> None:
        self._fill()
        self.changed.emit()
