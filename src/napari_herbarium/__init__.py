"""Leaves of herbarium sheets: read, segment, extract, measure.

The public names are loaded on first use, so that importing the package (and
opening napari) does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "DrawnSheet": "sheet.drawn.drawing",
    "HerbariumError": "errors",
    "LeafSettings": "settings",
    "ModelError": "errors",
    "Progress": "progress",
    "SegmentSettings": "settings",
    "SettingsError": "errors",
    "Sheet": "sheet.sheet",
    "SheetError": "errors",
    "drawn_sheet": "sheet.drawn.drawing",
    "extract_leaves": "segment.leaves",
    "finish": "progress",
    "iter_extract_leaves": "segment.leaves",
    "iter_segment": "segment.predict",
    "list_models": "model.catalogue",
    "load_model": "model.catalogue",
    "measure": "measure.traits",
    "read_sheet": "sheet.read",
    "segment": "segment.predict",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
