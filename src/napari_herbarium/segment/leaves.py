"""From probability to leaves, each with its own number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import Job, Progress, finish
from napari_herbarium.segment.mask import (
    at_least,
    components,
    fill_holes,
    in_reading_order,
    keep_large,
)
from napari_herbarium.segment.off_sheet import without_off_sheet
from napari_herbarium.segment.paper import paper_mask
from napari_herbarium.segment.pixels import as_rgb8
from napari_herbarium.segment.touching.split import Leaves, all_of, iter_split_touching
from napari_herbarium.segment.touching.split_judge import Help, Judge, iter_split_judged
from napari_herbarium.settings import LeafMethod, LeafSettings, Touching

PAPER_MIN_AREA_PX = 1001
"""Algorithm 2 keeps components of more than 1000 px."""
USUAL_SHEET_MM = 420.0
"""Long side of a usual sheet (A3; the American size is 419 mm)."""


def extract_leaves(
    probability: np.ndarray,
    settings: LeafSettings | None = None,
    mm_per_px: float | None = None,
    image: Any = None,
    model_threshold: float = 0.5,
    on_progress: Callable[[Progress], object] | None = None,
    judge: Judge | None = None,
) -> np.ndarray:
    """Find the leaves in a probability and number them in reading order.

    The same as `iter_extract_leaves`, run to its end.

    Parameters
    ----------
    probability, settings, mm_per_px, image, model_threshold, judge
        See `iter_extract_leaves`.
    on_progress : callable, optional
        Called with a `Progress` after each step.

    Returns
    -------
    ndarray
        H x W labels, 0 where there is no leaf.

    Raises
    ------
    SettingsError
        See `iter_extract_leaves`.
    """
    job = iter_extract_leaves(
        probability, settings, mm_per_px, image, model_threshold, judge
    )
    return finish(job, on_progress)


def iter_extract_leaves(
    probability: np.ndarray,
    settings: LeafSettings | None = None,
    mm_per_px: float | None = None,
    image: Any = None,
    model_threshold: float = 0.5,
    judge: Judge | None = None,
) -> Job[np.ndarray]:
    """Find the leaves in a probability and number them in reading order.

    The default method thresholds, fills holes if wanted, drops what is too small, and
    cuts touching leaves apart unless they are to stay one. With the sheet at hand it
    leaves out what lies beside the paper near the edge of the picture, see
    `napari_herbarium.segment.off_sheet`. The method ``paper`` is
    Algorithms 1 and 2 of Hussein et al. 2021 (Sensors 21:4549), see
    `napari_herbarium.segment.paper`; it uses no other setting. Leaves that touch by a
    corner count as one.

    Parameters
    ----------
    probability : ndarray
        H x W uint8 (0..255 stands for 0..1) or float (0..1).
    settings : LeafSettings, optional
        How to find leaves; the defaults when None.
    mm_per_px : float, optional
        Scale of the sheet. With it the smallest leaf is `settings.min_area_mm2`,
        without it `settings.min_area_px`.
    image : array-like or Sheet, optional
        The sheet, of the same height and width; needed by ``paper``. The default
        method tells by it what lies beside the sheet, and ``judge`` cuts
        touching leaves where it shows them meet, and without it by shape alone.
    model_threshold : float
        Used where the settings give no threshold.
    judge : callable, optional
        Tells ``judge`` how probable it is that a label is one whole leaf:
        `napari_herbarium.measure.whole.judge.quick_whole_probability`, which the
        command and the widgets give. Without one, ``judge`` goes by shape and sheet.

    Yields
    ------
    Progress
        After each step.

    Returns
    -------
    ndarray
        H x W labels in the smallest unsigned type, 0 where there is no leaf. Rows go
        from top to bottom and each from left to right, see
        `napari_herbarium.segment.mask.in_reading_order`.

    Raises
    ------
    SettingsError
        When the probability is not H x W of a known type, or ``paper`` is asked for
        without the sheet it belongs to.
    """
    settings = settings or LeafSettings()
    probability = _as_bytes(probability)
    if settings.method is LeafMethod.PAPER:
        mask = yield from paper_mask(probability, _sheet_of(image, probability.shape))
        leaves = all_of(keep_large(components(mask), PAPER_MIN_AREA_PX))
    else:
        smallest = min_area_px(settings, mm_per_px, probability.shape)
        threshold = settings.threshold or model_threshold
        labels = yield from _default(probability, threshold, smallest, settings)
        rgb = None if image is None else _sheet_of(image, labels.shape)
        leaves = yield from _cut(labels, smallest, settings.touching, rgb, judge)
        del labels
        if rgb is not None:
            leaves = without_off_sheet(leaves, rgb)
    yield Progress(2, 3)
    labels = in_reading_order(*leaves)
    yield Progress(3, 3)
    return labels


def _default(
    probability: np.ndarray, threshold: float, smallest: float, settings: LeafSettings
) -> Job[np.ndarray]:
    mask = at_least(probability, threshold)
    if settings.fill_holes:
        mask = fill_holes(mask)
    yield Progress(1, 3)
    labels = components(mask)
    # Of a whole sheet this is 70 MB, at the place where most is in memory.
    del mask
    return keep_large(labels, smallest)


def _cut(
    labels: np.ndarray,
    smallest: float,
    touching: Touching,
    rgb: Any,
    judge: Judge | None,
) -> Job[Leaves]:
    if touching is Touching.KEEP:
        return all_of(labels)
    if touching is Touching.NECKS:
        return (yield from iter_split_touching(labels, smallest))
    return (yield from iter_split_judged(labels, smallest, Help(rgb, judge)))


def _as_bytes(probability: np.ndarray) -> np.ndarray:
    probability = np.asarray(probability)
    kind = probability.dtype
    if probability.ndim != 2 or (kind != np.uint8 and kind.kind != "f"):
        msg = (
            f"The probability is {probability.shape} of type {kind}: "
            "give H x W as uint8 (0 to 255) or float (0 to 1)."
        )
        raise SettingsError(msg)
    if kind == np.uint8:
        return probability
    scaled = np.nan_to_num(probability).clip(0, 1) * 255
    return scaled.round().astype(np.uint8)


def min_area_px(
    settings: LeafSettings, mm_per_px: float | None, shape: tuple[int, ...]
) -> float:
    """Give the area of the smallest leaf in px, for a sheet of a scale or none.

    Raises
    ------
    SettingsError
        The scale is no positive number.
    """
    if mm_per_px is None and settings.min_area_px is not None:
        return settings.min_area_px
    if mm_per_px is None:
        mm_per_px = USUAL_SHEET_MM / max(shape)
    if not (math.isfinite(mm_per_px) and mm_per_px > 0):
        msg = f"The scale is {mm_per_px} mm per px: give a positive number, or none."
        raise SettingsError(msg)
    return settings.min_area_mm2 / mm_per_px**2


def _sheet_of(image: Any, shape: tuple[int, ...]) -> Any:
    if image is None:
        msg = "The method 'paper' looks at the sheet again: give its image, too."
        raise SettingsError(msg)
    rgb = as_rgb8(image)
    if tuple(rgb.shape[:2]) != shape:
        msg = (
            f"The image is {rgb.shape[0]} x {rgb.shape[1]} px but the probability "
            f"{shape[0]} x {shape[1]}: give the image it was made from."
        )
        raise SettingsError(msg)
    return rgb
