"""How a trait is spread: whole and partial leaves apart.

matplotlib is imported when the histogram is first shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare
from napari_herbarium._napari.measure.colours import kinds_of
from napari_herbarium._napari.measure.columns import title

_INCHES = (3.6, 2.3)
_HEIGHT_PX = 210
_BINS = 20


class Histogram(QWidget):
    """A histogram that looks like the rest of napari."""

    def __init__(self) -> None:
        super().__init__()
        self._figure: Any = None
        self._canvas: Any = None
        self._shown: tuple[pd.DataFrame, str] | None = None
        bare(QVBoxLayout(self))
        self.setMinimumHeight(_HEIGHT_PX)

    def show_trait(self, table: pd.DataFrame, trait: str) -> None:
        """Draw the histogram of a column of the table.

        Parameters
        ----------
        table : DataFrame
            Also with column ``whole``.
        trait : str
            A column of numbers; its name carries the unit.
        """
        self._shown = table, trait
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between dark and light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        if self._shown is None:
            return
        if self._canvas is None:
            self._make_canvas()
        table, trait = self._shown
        self._figure.clear()
        axes = self._figure.add_subplot()
        ink = self.palette().windowText().color().name()
        groups = split_by_whole(table, trait)
        _draw(axes, groups)
        _dress(axes, title(trait), ink, legend=bool(groups))
        self._canvas.draw_idle()

    def _make_canvas(self) -> None:
        from matplotlib.backends import backend_qtagg
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=_INCHES, layout="constrained")
        self._figure.patch.set_alpha(0)
        make_canvas: Any = backend_qtagg.FigureCanvasQTAgg
        self._canvas = make_canvas(self._figure)
        self._canvas.setStyleSheet("background: transparent")
        self.layout().addWidget(self._canvas)


Groups = dict[str, tuple[str, NDArray[np.floating]]]


def split_by_whole(table: pd.DataFrame, trait: str) -> Groups:
    """Values of a trait by whole, partial and not known; no empty group.

    Returns
    -------
    dict
        Name to colour and values.
    """
    values = pd.to_numeric(table[trait], errors="coerce")
    groups = {
        name: (colour, values[where].dropna().to_numpy(float))
        for name, (colour, where) in kinds_of(table).items()
    }
    return {name: group for name, group in groups.items() if len(group[1])}


def _draw(axes: Any, groups: Groups) -> None:
    if not groups:
        axes.text(0.5, 0.5, "no values", ha="center", va="center", color="gray")
        return
    edges = np.histogram_bin_edges(
        np.concatenate([values for _, values in groups.values()]), bins=_bins(groups)
    )
    axes.hist(
        [values for _, values in groups.values()],
        bins=edges,
        stacked=True,
        color=[colour for colour, _ in groups.values()],
        label=[f"{name} ({len(values)})" for name, (_, values) in groups.items()],
    )


def _bins(groups: Groups) -> int:
    count = sum(len(values) for _, values in groups.values())
    return int(np.clip(np.ceil(2 * np.sqrt(count)), 5, _BINS))


def _dress(axes: Any, text: str, ink: str, *, legend: bool) -> None:
    axes.set_facecolor("none")
    axes.set_xlabel(text, color=ink, fontsize=8)
    axes.set_ylabel("leaves", color=ink, fontsize=8)
    axes.tick_params(colors=ink, labelsize=8)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ink)
    if legend:
        axes.legend(fontsize=8, labelcolor=ink, frameon=False)
