"""What the colours of the leaves mean: swatches, or a range with its ends."""

from __future__ import annotations

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from napari_herbarium._napari.common.controls import bare
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.colours import Colouring, ramp

_STOPS = 16


class Legend(QWidget):
    """One line that is hidden while there is nothing to explain."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(tooltips.LEGEND)
        self.low, self.high, self.swatches = QLabel(), QLabel(), QLabel()
        self.swatches.setTextFormat(Qt.TextFormat.RichText)
        self.ramp = _Ramp()
        layout = bare(QHBoxLayout(self))
        for widget in (self.low, self.ramp, self.high, self.swatches):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.explain(None)

    def explain(self, colouring: Colouring | None) -> None:
        """Show what these colours mean; None for napari's own."""
        limits = None if colouring is None else colouring.limits
        entries = () if colouring is None else colouring.legend
        for widget in (self.low, self.ramp, self.high):
            widget.setVisible(limits is not None)
        if limits is not None:
            self.low.setText(f"{limits[0]:.4g}")
            self.high.setText(f"{limits[1]:.4g}")
        self.swatches.setText(
            "&nbsp;&nbsp; ".join(_swatch(*entry) for entry in entries)
        )
        self.swatches.setVisible(bool(entries))
        self.setVisible(colouring is not None)


class _Ramp(QWidget):
    """The colours of a range from low to high."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(160, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        box = QRect(0, 0, self.width(), self.height())
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for stop, rgba in enumerate(ramp(_STOPS)):
            gradient.setColorAt(stop / (_STOPS - 1), QColor.fromRgbF(*map(float, rgba)))
        painter = QPainter(self)
        painter.fillRect(box, gradient)
        painter.end()


def _swatch(colour: str, text: str) -> str:
    return f'<span style="color:{colour}">&#9632;</span>&nbsp;{text}'
