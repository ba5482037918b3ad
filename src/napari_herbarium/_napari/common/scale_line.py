"""What scale a sheet has, and an offer where the file states a doubtful one."""

from __future__ import annotations

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare
from napari_herbarium._napari.common.layers import mm_per_px, offered_mm_per_px
from napari_herbarium._napari.segment import tooltips

_MM_PER_INCH = 25.4


class ScaleLine(QWidget):
    """One line on the scale, with a button when there is one to accept.

    Signals
    -------
    accepted : float
        The user believes the offered mm per px.
    """

    accepted = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._offered: float | None = None
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setToolTip(tooltips.SCALE)
        self.accept = QPushButton()
        self.accept.setToolTip(tooltips.USE_SCALE)
        self.accept.clicked.connect(self._accept)
        bare(QVBoxLayout(self), self.text, self.accept)
        self.show_layer(None)

    def show_layer(self, layer: Image | None) -> None:
        """Say what is known of a layer's scale."""
        size = None if layer is None else mm_per_px(layer)
        self._offered = None
        if layer is not None and size is None:
            self._offered = offered_mm_per_px(layer)
        self.text.setText(_sentence(layer, size))
        self.text.setVisible(layer is not None)
        self.accept.setVisible(self._offered is not None)
        if self._offered is not None:
            self.accept.setText(f"Use {_MM_PER_INCH / self._offered:.0f} ppi")
            doubt = layer.metadata.get("scale_reason") if layer is not None else None
            tips = (tooltips.USE_SCALE, f"Why it is doubted: {doubt}" if doubt else "")
            self.accept.setToolTip("\n".join(filter(None, tips)))

    def _accept(self) -> None:
        if self._offered is not None:
            self.accepted.emit(self._offered)


def _sentence(layer: Image | None, size: float | None) -> str:
    if layer is None:
        return ""
    if size is None:
        return "This sheet has no trusted scale: areas are in px."
    return size_in_words(size)


def size_in_words(mm_per_px: float) -> str:
    """Say how large a pixel is, as botanists and as scanners do."""
    return f"{mm_per_px:.4g} mm per px ({_MM_PER_INCH / mm_per_px:.0f} ppi)"
