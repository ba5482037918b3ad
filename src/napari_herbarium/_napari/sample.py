"""File > Open Sample: the drawn sheet."""

from __future__ import annotations

from napari_herbarium._napari.reader import LayerData, layer_of
from napari_herbarium.sheet.drawn.drawing import drawn_sheet

_PPI = 300


def drawn_sheet_layers() -> list[LayerData]:
    """Draw a herbarium sheet of 280 x 420 mm at 300 ppi, as an image layer.

    Returns
    -------
    list of layer data tuples
        One RGB image with its scale in mm.
    """
    pixels, options, kind = layer_of(drawn_sheet(dpi=_PPI).sheet)
    return [(pixels, {**options, "name": "Drawn herbarium sheet"}, kind)]
