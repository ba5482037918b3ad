"""Leaves coloured by what was measured, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Labels

WHOLE, PARTIAL, UNKNOWN = "#009e8f", "#f07d00", "#9a9a9a"
_STEPS = 256
# Beyond this napari's colour table needs numba.
_LAST_LABEL = 2**16 - 1
_originals: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


@dataclass(frozen=True)
class Colouring:
    """Colours of leaves, with what they mean.

    Attributes
    ----------
    colours : dict
        Label to RGBA, 0 to 1.
    legend : tuple of (str, str)
        Colour and what it stands for; empty for a range.
    limits : (float, float) or None
        The values at both ends of `ramp`; None where it is no range.
    """

    colours: dict[int, NDArray[np.floating]]
    legend: tuple[tuple[str, str], ...] = ()
    limits: tuple[float, float] | None = None


def by_whole(table: pd.DataFrame) -> Colouring:
    """Colour by whole, partial or not known."""
    colours: dict[int, NDArray[np.floating]] = {}
    legend = []
    for name, (colour, where) in kinds_of(table).items():
        labels = table.loc[where, "label"]
        colours.update(dict.fromkeys(map(int, labels), _rgba(colour)))
        if len(labels) or name != "not known":
            legend.append((colour, f"{len(labels)} {name}"))
    return Colouring(colours, tuple(legend))


def kinds_of(table: pd.DataFrame) -> dict[str, tuple[str, pd.Series]]:
    """Tell whole, partial and not known leaves apart.

    Returns
    -------
    dict
        Name of the kind to its colour and to where in the table it is.
    """
    whole = table["whole"].astype("boolean")
    return {
        "whole": (WHOLE, whole.fillna(False).astype(bool)),
        "partial": (PARTIAL, (~whole).fillna(False).astype(bool)),
        "not known": (UNKNOWN, whole.isna()),
    }


def by_trait(table: pd.DataFrame, trait: str) -> Colouring:
    """Colour by the value of a trait; leaves without one are grey."""
    values = pd.to_numeric(table[trait], errors="coerce").to_numpy(
        float, na_value=np.nan
    )
    known = np.isfinite(values)
    labels = [int(label) for label in table["label"]]
    colours: dict[int, NDArray[np.floating]] = dict.fromkeys(labels, _rgba(UNKNOWN))
    legend = ((UNKNOWN, "no value"),) if not known.all() else ()
    if not known.any():
        return Colouring(colours, legend)
    low, high = float(values[known].min()), float(values[known].max())
    share = (values[known] - low) / (high - low or 1)
    steps = ramp(_STEPS)[(share * (_STEPS - 1)).round().astype(int)]
    colours.update(zip(np.array(labels)[known].tolist(), steps, strict=True))
    return Colouring(colours, legend, (low, high))


def ramp(steps: int) -> NDArray[np.floating]:
    """Give the colours of a range from low to high; steps x 4, RGBA 0 to 1."""
    return ensure_colormap("viridis").map(np.linspace(0, 1, steps))


def apply_colours(layer: Labels, colours: Mapping[int, NDArray[np.floating]]) -> None:
    """Colour leaves; the colours of before can be restored."""
    _originals.setdefault(layer, layer.colormap)
    table: dict[int | None, NDArray[np.floating]] = {
        None: _rgba(UNKNOWN),
        0: np.zeros(4),
    }
    for label, rgba in colours.items():
        if label <= _LAST_LABEL:
            table[label] = rgba
    layer.colormap = DirectLabelColormap(color_dict=table)


def restore_colours(layer: Labels) -> None:
    """Give the leaves the colours they had before they were coloured."""
    original = _originals.pop(layer, None)
    if original is not None:
        layer.colormap = original


def _rgba(colour: str) -> NDArray[np.floating]:
    digits = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return np.array([*(value / 255 for value in digits), 1.0])
