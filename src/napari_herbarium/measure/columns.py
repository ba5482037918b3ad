"""Checks of what is measured, and the units of its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.dictionary import mm_twins

Scale: TypeAlias = float | Sequence[float] | None
Row: TypeAlias = dict[str, Any]

MOST_LABELS = 1_000_000
_ISOTROPIC = 1e-3
NAN = float("nan")


def check_labels(labels: Any) -> NDArray[Any]:
    """Return labels as a 2-D integer array.

    Raises
    ------
    SettingsError
        When they are something else or number more than a million.
    """
    array = np.asarray(labels)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.integer):
        msg = (
            f"Leaves are measured on a 2-D image of whole numbers, not on a "
            f"{array.ndim}-D image of {array.dtype}; choose a labels layer."
        )
        raise SettingsError(msg)
    if array.size and (array.min() < 0 or array.max() > MOST_LABELS):
        msg = (
            f"Label numbers run from {array.min()} to {array.max()}; number the "
            f"leaves from 1 to at most {MOST_LABELS}."
        )
        raise SettingsError(msg)
    return array


def check_image(image: Any, shape: tuple[int, ...]) -> Any:
    """Return the picture if it is RGB and as large as the labels.

    Raises
    ------
    SettingsError
        When it is not.
    """
    if image is None:
        return None
    if len(image.shape) != 3 or image.shape[2] < 3 or image.shape[:2] != shape:
        msg = (
            f"The picture is {tuple(image.shape)} and the labels are {shape}; give "
            f"the RGB picture at the labels' own size."
        )
        raise SettingsError(msg)
    return image


def isotropic_mm_per_px(scale: Scale) -> float | None:
    """Return the scale as one number.

    Parameters
    ----------
    scale : float or (float, float) or None
        mm per px, or mm per px down and across.

    Returns
    -------
    float or None
        None when there is no scale.

    Raises
    ------
    SettingsError
        When it is not positive and finite, or differs by more than 0.1 % between
        down and across.
    """
    if scale is None:
        return None
    sides = [float(side) for side in np.atleast_1d(np.asarray(scale, float))]
    if len(sides) > 2 or not all(math.isfinite(side) and side > 0 for side in sides):
        msg = f"A scale of {scale} mm per px makes no sense; give one positive number."
        raise SettingsError(msg)
    if max(sides) > min(sides) * (1 + _ISOTROPIC):
        msg = (
            f"The pixels are {sides[0]:g} mm high but {sides[1]:g} mm wide; resample "
            f"the sheet to square pixels before measuring."
        )
        raise SettingsError(msg)
    return math.sqrt(math.prod(sides)) if len(sides) == 2 else sides[0]


def with_mm(row: Row, mm_per_px: float | None) -> Row:
    """Add the mm columns of a row's px columns, as the data dictionary has them.

    Lengths get ``x_mm`` and areas ``x_mm2``; NaN without a scale. Positions and boxes
    on the sheet stay in px.
    """
    scale = NAN if mm_per_px is None else mm_per_px
    twins = {name: twin for name, twin in mm_twins().items() if name in row}
    in_mm = {
        twin: row[name] * scale ** (2 if twin.endswith("_mm2") else 1)
        for name, twin in twins.items()
    }
    return {**row, **in_mm}


def by_label(
    values: Mapping[int, float] | Sequence[float] | NDArray[Any] | None,
    labels: Sequence[int],
) -> list[float]:
    """Return one value per label; NaN where there is none.

    Parameters
    ----------
    values : mapping or sequence, optional
        Label to value, or values in the order of the labels.
    labels : sequence of int
        The labels of the rows, ascending.

    Raises
    ------
    SettingsError
        When a sequence has another length than the labels.
    """
    if values is None:
        return [NAN] * len(labels)
    if isinstance(values, Mapping):
        return [float(values.get(label, NAN)) for label in labels]
    if len(values) != len(labels):
        msg = (
            f"{len(values)} values do not fit {len(labels)} leaves; give one per leaf."
        )
        raise SettingsError(msg)
    return [float(value) for value in values]
