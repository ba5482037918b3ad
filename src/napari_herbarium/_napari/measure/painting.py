"""Shows what was measured as colours, legend and histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium._napari.measure.colours import (
    Colouring,
    apply_colours,
    by_trait,
    by_whole,
    restore_colours,
)
from napari_herbarium._napari.measure.form import ColourBy, MeasureForm
from napari_herbarium._napari.measure.live import LiveMeasure

if TYPE_CHECKING:
    import pandas as pd


class Painter:
    """Colours the watched layer as the form says.

    Parameters
    ----------
    live : LiveMeasure
        Has the layer and its table.
    form : MeasureForm
        Says what to show, and shows legend and histogram.
    """

    def __init__(self, live: LiveMeasure, form: MeasureForm) -> None:
        self._live, self._form = live, form

    def paint(self) -> None:
        """Bring colours, legend and histogram up to date."""
        measured, layer = self._live.measured, self._live.layer
        colouring = None if measured is None else self._colouring(measured.table)
        if layer is not None:
            with self._live.looking_away():
                if colouring is None:
                    restore_colours(layer)
                else:
                    apply_colours(layer, colouring.colours)
        self._form.legend.explain(colouring)
        self.draw()

    def draw(self) -> None:
        """Bring the histogram up to date, if it is to be seen."""
        measured, trait = self._live.measured, self._form.shown_trait()
        if measured is not None and trait is not None and self._form.wants_histogram():
            self._form.histogram.show_trait(measured.table, trait)

    def _colouring(self, table: pd.DataFrame) -> Colouring | None:
        by, trait = self._form.colour_by(), self._form.shown_trait()
        if by is ColourBy.WHOLE:
            return by_whole(table)
        if by is ColourBy.TRAIT and trait is not None:
            return by_trait(table, trait)
        return None
