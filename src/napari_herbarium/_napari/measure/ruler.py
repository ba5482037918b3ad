"""Reads the ruler in the background, and judges it by the scale that is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_herbarium._napari.common.layers import mm_per_px, sheet_of, why_no_sheet
from napari_herbarium._napari.measure.calibrate import iter_read_ruler, tag_of
from napari_herbarium._napari.worker import JobRunner
from napari_herbarium.sheet.ruler import RulerReading
from napari_herbarium.sheet.scale import same_scale

if TYPE_CHECKING:
    from napari.layers import Image, Labels

_READING = "Reading the ruler…"
_NO_IMAGE = "There is no image of the sheet to read a ruler on: open the sheet."


class RulerReader:
    """One ruler at a time.

    The user may turn to another sheet while a ruler is read, so what was read is said
    with the layers that it is about.

    Attributes
    ----------
    image, labels : layers, optional
        The sheet that was read last, and its leaves.

    Signals
    -------
    found : float
        The sheet that was read has no scale yet; this is the ruler's, in mm per px.
    contradicted : float
        What the ruler says is not the scale of the sheet that was read.
    said : str
        What came of it, in words.
    """

    found = Signal(float)
    contradicted = Signal(float)
    said = Signal(str)

    def __init__(self) -> None:
        self.image: Image | None = None
        self.labels: Labels | None = None
        self.runner = JobRunner()
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self.said)

    def read(self, image: Image | None, labels: Labels | None = None) -> None:
        """Read the ruler on a sheet, for its leaves."""
        reason = _NO_IMAGE if image is None else why_no_sheet(image)
        if image is None or reason is not None:
            self.said.emit(reason)
            return
        job = partial(iter_read_ruler, sheet_of(image), tag_of(image))
        if self.runner.run(job, f"Read the ruler on “{image.name}”"):
            self.image, self.labels = image, labels
            self.said.emit(_READING)

    def is_about(self, image: Image | None) -> bool:
        """Whether the last reading was of this sheet."""
        return image is not None and image is self.image

    def _on_done(self, reading: RulerReading) -> None:
        size, image = reading.mm_per_px, self.image
        known = None if image is None else mm_per_px(image)
        if size is None:
            self.said.emit(f"{reading.reason} Draw a line on the ruler instead.")
        elif known is None:
            self.found.emit(size)
            self.said.emit(reading.reason)
        elif same_scale(size, known):
            self.said.emit(f"The ruler agrees with the scale. {reading.reason}")
        else:
            self.contradicted.emit(size)
            self.said.emit(
                f"The ruler says {size:.4g} mm per px, but the sheet has {known:.4g}: "
                f"check with a line. {reading.reason}"
            )
