"""Curves and crop of a training, redrawn in the background a few times a second."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, settling
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.finetune.drawing import (
    MODEL,
    TRUTH,
    WRONG,
    Curves,
    Drawing,
    Drawn,
    iter_draw,
)
from napari_herbarium._napari.worker import JobRunner, State

if TYPE_CHECKING:
    from napari_herbarium.train.report import Preview, TrainProgress

_EVERY_MS = 500
_CURVES_PX = 170
_SMALLEST_PX = 40


class Picture(QLabel):
    """A picture as wide as there is room, and no larger than it is."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self._whole: QPixmap | None = None
        self.setToolTip(tip)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setMinimumWidth(_SMALLEST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_array(self, pixels: NDArray[np.uint8]) -> None:
        """Show H x W x 3 uint8."""
        height, width = pixels.shape[:2]
        data = np.ascontiguousarray(pixels).tobytes()
        image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._whole = QPixmap.fromImage(image)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the picture to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._whole is None:
            return
        zoom = self.devicePixelRatioF()
        side = max(_SMALLEST_PX, min(self.width(), self._whole.width()))
        smooth = Qt.TransformationMode.SmoothTransformation
        fitted = self._whole.scaledToWidth(round(side * zoom), smooth)
        fitted.setDevicePixelRatio(zoom)
        self.setPixmap(fitted)
        self.setFixedHeight(round(fitted.height() / zoom))


class LiveView(QWidget):
    """How the training goes: curves, and one held-out crop before and now."""

    def __init__(self) -> None:
        super().__init__()
        self._curves = Curves()
        self._preview: Preview | None = None
        self._due = False
        self.runner = JobRunner()
        self._pace = settling(self, _EVERY_MS)
        self.curves = QLabel()
        self.curves.setToolTip(tooltips.CURVES)
        self.curves.setFixedHeight(_CURVES_PX)
        self.curves.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.before = Picture(tooltips.PREVIEW)
        self.now = Picture(tooltips.PREVIEW)
        self.caption = QLabel(_legend())
        self.caption.setWordWrap(True)
        self.caption.setToolTip(tooltips.PREVIEW)
        self._crop = QWidget()
        self._lay_out()
        self._pace.timeout.connect(self._draw)
        self.runner.done.connect(self._show)
        self.runner.state_changed.connect(self._on_state)
        self.destroyed.connect(self.runner.close)
        self.hide()

    def begin(self) -> None:
        """Forget the run before."""
        self._curves, self._preview = Curves(), None
        self._crop.hide()
        self.hide()

    def take(self, progress: TrainProgress) -> None:
        """Take a report of the training; it is drawn soon."""
        curves = self._curves.with_progress(progress)
        if curves is self._curves:
            return
        self._curves = curves
        self._preview = progress.preview or self._preview
        self.show()
        self.draw_soon()

    def end(self, iou: float) -> None:
        """Add the score of the model that was kept, if no report has brought it."""
        known = [value for _, value in self._curves.iou]
        if self._curves.loss and known and iou > max(known):
            point = (self._curves.loss[-1][0], iou)
            self._curves = replace(self._curves, iou=(*self._curves.iou, point))
            self.draw_soon()

    def points(self) -> Curves:
        """Give the points of the curves."""
        return self._curves

    def draw_soon(self) -> None:
        """Draw at the next chance; asking again before costs nothing."""
        self._due = True
        if not self._pace.isActive() and self.runner.state is State.IDLE:
            self._pace.start()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between dark and light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._curves.iou:
            self.draw_soon()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the curves as wide as there is room."""
        super().resizeEvent(event)
        if self._curves != Curves():
            self.draw_soon()

    def _lay_out(self) -> None:
        crops = QHBoxLayout()
        for title, picture in (("Before", self.before), ("Now", self.now)):
            column = QVBoxLayout()
            column.addWidget(QLabel(title))
            column.addWidget(picture)
            column.addStretch(1)
            crops.addLayout(column, 1)
        bare(QVBoxLayout(self._crop), crops, self.caption)
        self._crop.hide()
        bare(QVBoxLayout(self), self.curves, self._crop)

    def _draw(self) -> None:
        if self.runner.state is not State.IDLE:
            return
        self._due = False
        drawing = Drawing(
            self._curves,
            self._preview,
            width=max(self.curves.width(), 2 * _SMALLEST_PX),
            height=_CURVES_PX,
            zoom=self.devicePixelRatioF(),
            ink=self.palette().windowText().color().name(),
        )
        self.runner.run(partial(iter_draw, drawing), "Draw the curves")

    def _on_state(self, state: State) -> None:
        if state is State.IDLE and self._due:
            self._pace.start()

    def _show(self, drawn: Drawn) -> None:
        height, width = drawn.curves.shape[:2]
        kind = QImage.Format.Format_RGBA8888
        data = drawn.curves.tobytes()
        pixmap = QPixmap.fromImage(QImage(data, width, height, 4 * width, kind))
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self.curves.setPixmap(pixmap)
        if drawn.before is not None and drawn.now is not None:
            self._crop.show()
            self.before.show_array(drawn.before)
            self.now.show_array(drawn.now)


def _legend() -> str:
    words = (("true", TRUTH), ("model", MODEL), ("wrong", WRONG))
    dots = (f"<span style='color:rgb{rgb}'>■</span> {word}" for word, rgb in words)
    return "Held-out crop: " + " &nbsp; ".join(dots)
