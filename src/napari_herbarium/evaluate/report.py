"""Scores of sheets, gathered into a table per sheet and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import pandas as pd
from numpy.typing import NDArray

from napari_herbarium.evaluate import metrics
from napari_herbarium.evaluate.metrics import BoundaryCounts, PixelCounts

FIGURES = ("iou", "precision", "recall", "boundary_f", "false_share")


@dataclass(frozen=True)
class SheetScore:
    """Counts of one sheet.

    Attributes
    ----------
    sheet, group : str
        Its stem and the group it is reported with ("" for none).
    pixels : PixelCounts
    boundary : BoundaryCounts
    """

    sheet: str
    group: str
    pixels: PixelCounts
    boundary: BoundaryCounts


def score_sheet(
    predicted: NDArray,
    truth: NDArray,
    *,
    sheet: str = "",
    group: str = "",
    tolerance: float = 2.0,
) -> SheetScore:
    """Score the leaves of one sheet.

    Parameters
    ----------
    predicted : H x W, any dtype
        Leaf wherever it is not 0 (a mask or labels).
    truth : H x W uint8
        0 not leaf, 1 leaf, 255 ignored.
    sheet, group : str
        Carried along.
    tolerance : float
        Distance in px within which outlines agree.

    Raises
    ------
    ValueError
        The two are not of one shape.
    """
    return SheetScore(
        sheet,
        group,
        metrics.count_pixels(predicted, truth),
        metrics.count_boundary(predicted, truth, tolerance),
    )


def sheet_table(scores: Sequence[SheetScore]) -> pd.DataFrame:
    """One row per sheet: sheet, group, the figures (0..1), leaf px of the truth."""
    rows = [
        {
            "sheet": score.sheet,
            "group": score.group,
            **_figures(score.pixels, score.boundary),
            "leaf_px": score.pixels.hit + score.pixels.missed,
        }
        for score in scores
    ]
    return pd.DataFrame(rows, columns=["sheet", "group", *FIGURES, "leaf_px"])


def summary_table(scores: Sequence[SheetScore]) -> pd.DataFrame:
    """Figures over all sheets and per group, in two ways.

    ``pooled`` adds up the pixels of all sheets first, so that leafy sheets weigh more;
    ``mean`` is the mean over sheets, each weighing the same. A sheet without leaves is
    judged by `false_share` alone and left out of the means of the other figures.

    Returns
    -------
    DataFrame
        Columns group ("all" first), how, sheets, and the figures.
    """
    names = sorted({score.group for score in scores} - {""})
    parts = {"all": list(scores)}
    parts |= {name: [s for s in scores if s.group == name] for name in names}
    rows = [row for name, part in parts.items() for row in _summary(name, part)]
    return pd.DataFrame(rows, columns=["group", "how", "sheets", *FIGURES])


def _summary(group: str, scores: list[SheetScore]) -> list[dict[str, object]]:
    pixels = reduce(add, (score.pixels for score in scores), PixelCounts())
    boundary = reduce(add, (score.boundary for score in scores), BoundaryCounts())
    means = sheet_table(scores)[list(FIGURES)].mean().to_dict()
    head = {"group": group, "sheets": len(scores)}
    return [
        {**head, "how": "pooled", **_figures(pixels, boundary)},
        {**head, "how": "mean", **{str(k): float(v) for k, v in means.items()}},
    ]


def _figures(pixels: PixelCounts, boundary: BoundaryCounts) -> dict[str, float]:
    figures = {"false_share": metrics.false_share(pixels)}
    # Where there is no leaf to find, one wrong pixel would mean an IoU of 0.
    if pixels.hit + pixels.missed > 0:
        figures["iou"] = metrics.iou(pixels)
        figures["precision"] = metrics.precision(pixels)
        figures["recall"] = metrics.recall(pixels)
        figures["boundary_f"] = metrics.boundary_f(boundary)
    return figures
