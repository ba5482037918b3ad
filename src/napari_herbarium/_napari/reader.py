"""Herbarium sheets as napari image layers.

A sheet becomes one RGB layer: multiscale where it has levels, in millimetres where
its resolution can be believed, in pixels otherwise. `Sheet.metadata` is the layer's
metadata, key by key (``catalog_number``, ``page``, ``other_pages``, ``profile``,
``resolution_tag``, ``scale_source``, ``scale_trust``, ``scale_reason``,
``offered_mm_per_px``, ...).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.read import SUFFIXES, kind_of, read_sheet
from napari_herbarium.sheet.sheet import Sheet

PathOrPaths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Reader for sheets; None, at once, for everything else.

    Looks at suffixes and first bytes only. An empty file that is named like a sheet is
    ours, so that the user is told what is wrong with it.

    Parameters
    ----------
    path : path or sequence of paths
        A sequence is ours when every file in it is.
    """
    paths = _as_paths(path)
    return read_layers if paths and all(map(_is_ours, paths)) else None


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Open sheets as layers, one each, also when napari asks for a stack.

    Raises
    ------
    SheetError
        When a file cannot be read; no layer is made then.
    """
    return [layer_of(read_sheet(sheet)) for sheet in _as_paths(path)]


def layer_of(sheet: Sheet) -> LayerData:
    """Image layer data of a sheet.

    Looks at the smallest level, which napari would do next anyway: a flat file is
    decoded for it, so damage is found before a layer exists.

    Raises
    ------
    SheetError
        When the pixels cannot be decoded.
    """
    np.asarray(sheet.levels[-1])
    multiscale = len(sheet.levels) > 1
    calibrated = sheet.mm_per_px is not None
    top = int(np.iinfo(sheet.levels[0].dtype).max)
    options = {
        "name": sheet.path.stem if sheet.path else "herbarium sheet",
        "rgb": True,
        "multiscale": multiscale,
        "contrast_limits": (0, top),
        "scale": (sheet.mm_per_px, sheet.mm_per_px) if calibrated else (1, 1),
        "units": ("mm", "mm") if calibrated else ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "metadata": dict(sheet.metadata),
    }
    return list(sheet.levels) if multiscale else sheet.levels[0], options, "image"


def _as_paths(path: PathOrPaths) -> list[Path]:
    if isinstance(path, str | os.PathLike):
        return [Path(path)]
    return [Path(part) for part in path]


def _is_ours(path: Path) -> bool:
    try:
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            return False
    except OSError:  # in a folder that may not be looked into, or too long a name
        return False
    try:
        return kind_of(path) is not None
    except SheetError:
        return True
