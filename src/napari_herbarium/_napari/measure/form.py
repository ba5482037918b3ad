"""Which leaves count as whole, and how leaves and traits are shown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, button, combo, form_layout
from napari_herbarium._napari.common.fold import Fold
from napari_herbarium._napari.common.numbers import ShareSlider
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.columns import (
    meaning,
    number_columns,
    title,
    twin,
)
from napari_herbarium._napari.measure.histogram import Histogram
from napari_herbarium._napari.measure.legend import Legend

_FIRST_TRAITS = ("length_mm", "length_px")


class ColourBy(StrEnum):
    """What the colours of the leaves mean."""

    NOTHING = "nothing"
    WHOLE = "whole"
    TRAIT = "trait"


_COLOURS = {
    "Their own": ColourBy.NOTHING,
    "Whole or partial": ColourBy.WHOLE,
    "The trait below": ColourBy.TRAIT,
}


class MeasureForm(QWidget):
    """Controls under the table.

    Signals
    -------
    threshold_changed
        Other leaves may count as whole.
    flip_asked
        The user says the opposite of the selected leaves.
    merge_asked, cut_asked
        The selected leaves are to be one; the selected leaf is to be two.
    colours_changed
        Leaves are to be coloured by something else.
    trait_changed
        Another trait is to be shown.
    """

    threshold_changed = Signal()
    flip_asked = Signal()
    merge_asked = Signal()
    cut_asked = Signal()
    colours_changed = Signal()
    trait_changed = Signal()

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self._build(threshold)
        self._lay_out()
        self.threshold.valueChanged.connect(self.threshold_changed)
        self.flip.clicked.connect(self.flip_asked)
        self.merge.clicked.connect(self.merge_asked)
        self.cut.clicked.connect(self.cut_asked)
        self.colour.currentIndexChanged.connect(self.colours_changed)
        self.trait.currentIndexChanged.connect(self.trait_changed)
        self.unfold.toggled.connect(self.trait_changed)

    def colour_by(self) -> ColourBy:
        """Tell what the colours are to mean."""
        return ColourBy(self.colour.currentData())

    def shown_trait(self) -> str | None:
        """Column that colours and histogram show; None before there is a table."""
        return self.trait.currentData()

    def wants_histogram(self) -> bool:
        """Whether the histogram is unfolded."""
        return bool(self.unfold.isExpanded())

    def set_columns(self, columns: Sequence[str], unit: str) -> None:
        """Offer the traits of a table in a unit; the chosen trait stays."""
        offered = number_columns(columns, unit)
        before = self.shown_trait()
        kept = twin(before, unit, columns) if before else None
        if [self.trait.itemData(i) for i in range(self.trait.count())] == offered:
            return
        self.trait.blockSignals(True)
        self.trait.clear()
        for row, column in enumerate(offered):
            self.trait.addItem(title(column), column)
            self.trait.setItemData(row, meaning(column), Qt.ItemDataRole.ToolTipRole)
        first = next((c for c in (kept, *_FIRST_TRAITS) if c in offered), None)
        self.trait.setCurrentIndex(
            max(self.trait.findData(first), 0) if offered else -1
        )
        self.trait.blockSignals(False)
        if self.shown_trait() != before:
            self.trait_changed.emit()

    def show_counts(self, words: str) -> None:
        """Say how many leaves are whole."""
        self.counts.setText(words)

    def _build(self, threshold: float) -> None:
        self.threshold = ShareSlider(0, 1, tooltips.THRESHOLD)
        self.threshold.setValue(threshold)
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.counts.setToolTip(tooltips.THRESHOLD)
        self.flip = button("Whole ⇄ partial", tooltips.FLIP)
        self.merge = button("Merge", tooltips.MERGE)
        self.cut = button("Cut in two", tooltips.CUT)
        self.colour = combo(tooltips.COLOUR, _COLOURS)
        self.trait = combo(tooltips.TRAIT)
        self.legend = Legend()
        self.histogram = Histogram()
        self.histogram.setToolTip(tooltips.HISTOGRAM)
        self.unfold = Fold("Histogram", self.histogram)
        self.unfold.setToolTip(tooltips.HISTOGRAM)

    def _lay_out(self) -> None:
        whole, shown, verdicts = form_layout(), form_layout(), QHBoxLayout()
        whole.addRow("Whole from", self.threshold)
        shown.addRow("Colour by", self.colour)
        shown.addRow("Trait", self.trait)
        verdicts.addWidget(self.counts, 1)
        verdicts.addWidget(self.flip)
        # A form would cut off the counts where they wrap.
        parts = (self._repairs(), whole, verdicts, shown, self.legend, self.unfold)
        bare(QVBoxLayout(self), *parts)

    def _repairs(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.merge)
        row.addWidget(self.cut)
        return row
