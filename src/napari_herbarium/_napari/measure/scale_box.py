"""The scale of the sheet, and the ways to get one: line, ruler, file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium._napari.common.controls import bare, button, combo, slim
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.common.numbers import NumberBox
from napari_herbarium._napari.common.scale_line import ScaleLine, size_in_words
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.calibrate import add_line_layer, drawn_line
from napari_herbarium.errors import SettingsError
from napari_herbarium.sheet.calibrate import MM_PER, Line, line_mm_per_px

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Shapes

_DRAW = "Draw a line along the ruler."


class ScaleBox(QWidget):
    """Shows the scale and takes a better one.

    Signals
    -------
    given : (float, str)
        The user gave a scale in mm per px; where it is from.
    ruler_asked
        The user wants the ruler to be read.
    """

    given = Signal(float, str)
    ruler_asked = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._under: Layer | None = None
        self._line: Shapes | None = None
        self._active: Layer | None = None
        self._offered: float | None = None
        self._build()
        self._lay_out()
        self._connect()
        self._refresh()

    def show_layer(self, layer: Any) -> None:
        """Show the scale of a layer: the sheet, or labels that have none."""
        if layer is not self._under:
            self._offered = None
            if self._line is not None:
                self.drop_line()
        self._under = layer
        self.scale.show_layer(layer)
        self._refresh()

    def offer(self, mm_per_px: float | None) -> None:
        """Offer the scale of a ruler that another scale contradicts; None for none."""
        self._offered = mm_per_px
        if mm_per_px is not None:
            self.use_ruler.setText(f"Use the ruler: {mm_per_px:.4g} mm per px")
        self._refresh()

    def start_line(self) -> None:
        """Give the user a layer and the tool to draw a line."""
        if self._under is None or self._line is not None:
            return
        self._active = self._viewer.layers.selection.active
        self._line = add_line_layer(self._viewer, self._under)
        self._line_wires.connect(self._line.events.data, self._refresh)
        self._refresh()

    def drop_line(self) -> None:
        """Remove the layer with the line."""
        line, self._line = self._line, None
        self._line_wires.cut()
        if line is not None and line in self._viewer.layers:
            self._viewer.layers.remove(line)
        self._give_back_selection()
        self._refresh()

    def _give_back_selection(self) -> None:
        """Select what was selected before the line, so that the brush is at hand."""
        layers, before = self._viewer.layers, self._active
        self._active = None
        if before in layers and not layers.selection:
            layers.selection.active = before

    def line_scale(self) -> float:
        """Give the scale that line and length make, in mm per px.

        Raises
        ------
        SettingsError
            There is no line yet, or it makes no scale; the message says why.
        """
        ends = None
        if self._line is not None and self._under is not None:
            ends = drawn_line(self._line, self._under)
        if ends is None:
            raise SettingsError(_DRAW)
        return line_mm_per_px(Line(*ends, self.length.value(), self.unit.currentText()))

    def _build(self) -> None:
        self.scale = ScaleLine()
        self.draw = button("Calibrate from a line", tooltips.DRAW_LINE)
        self.read = button("Read the ruler", tooltips.READ_RULER)
        self.use_ruler = button("", tooltips.USE_RULER)
        self.length = NumberBox()
        self.length.setRange(0.01, 10_000)
        self.length.setDecimals(2)
        self.length.setValue(10)
        self.length.setToolTip(tooltips.LINE_LENGTH)
        slim(self.length)
        self.unit = combo(tooltips.LINE_UNIT)
        self.unit.addItems(list(MM_PER))
        self.unit.setCurrentText("cm")
        self.use_line = button("Use", tooltips.USE_LINE)
        self.drop = button("Drop", tooltips.DROP_LINE)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)

    def _lay_out(self) -> None:
        ways = QHBoxLayout()
        ways.addWidget(self.draw)
        ways.addWidget(self.read)
        line = self._line_rows()
        bare(QVBoxLayout(self), self.scale, ways, self.use_ruler, line)

    def _line_rows(self) -> QWidget:
        """Lay out what is to be said of a line; hidden while there is none."""
        self.line_row = QWidget()
        rows = bare(QGridLayout(self.line_row))
        rows.setColumnStretch(1, 1)
        rows.addWidget(QLabel("Its length"), 0, 0)
        rows.addWidget(self.length, 0, 1)
        rows.addWidget(self.unit, 0, 2)
        rows.addWidget(self.use_line, 1, 0)
        rows.addWidget(self.verdict, 1, 1)
        rows.addWidget(self.drop, 1, 2)
        return self.line_row

    def _connect(self) -> None:
        self._wires, self._line_wires = Wires(self), Wires(self)
        self._wires.connect(self._viewer.layers.events.removed, self._on_removed)
        self.scale.accepted.connect(lambda size: self.given.emit(size, "user"))
        self.draw.clicked.connect(self.start_line)
        self.read.clicked.connect(self.ruler_asked)
        self.drop.clicked.connect(self.drop_line)
        self.use_line.clicked.connect(self._use_line)
        self.use_ruler.clicked.connect(self._use_ruler)
        self.length.valueChanged.connect(self._refresh)
        self.unit.currentIndexChanged.connect(self._refresh)

    def _refresh(self, _event: object = None) -> None:
        self.draw.setEnabled(self._under is not None and self._line is None)
        self.line_row.setVisible(self._line is not None)
        self.use_ruler.setVisible(self._offered is not None)
        try:
            size = self.line_scale()
            self.verdict.setText(size_in_words(size))
            self.use_line.setEnabled(True)
        except SettingsError as error:
            self.verdict.setText(str(error))
            self.use_line.setEnabled(False)

    def _use_line(self) -> None:
        try:
            size = self.line_scale()
        except SettingsError as error:
            self.verdict.setText(str(error))
            return
        self.drop_line()
        self.given.emit(size, "user")

    def _use_ruler(self) -> None:
        size = self._offered
        self.offer(None)
        if size is not None:
            self.given.emit(size, "ruler")

    def _on_removed(self, event: Any) -> None:
        if event.value is self._line:
            self.drop_line()
