"""Scale from the ruler or scale bar photographed with the sheet."""

from napari_herbarium.sheet.ruler.reading import RulerReading, read_ruler

__all__ = ["RulerReading", "read_ruler"]
