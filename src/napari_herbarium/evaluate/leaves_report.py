"""Figures of whole leaves over several sheets, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium.evaluate.leaves import SheetLeaves
from napari_herbarium.measure.paper_traits import PAPER_TRAITS

RELATIVE = ("length_px", "width_px", "area_px", "perimeter_px")
"""Whose mean relative error is reported, as botanists quote it."""
LONG_PX = 100.0
"""From this length on, a px at the tip is no more than one per cent."""
SAME_AXIS_DEG = 15.0
"""Apart by more, two axes are of different kinds, such as midvein and diagonal."""


def counts_table(scores: Sequence[SheetLeaves]) -> pd.DataFrame:
    """Count per sheet and, last, over all.

    Returns
    -------
    DataFrame
        sheet; expected (whole leaves of the truth); found (with enough IoU); hits
        (found and accepted as whole); false (accepted, but no expected leaf);
        precision = hits / (hits + false), recall = hits / expected (undetected leaves
        count as missed, as they did not in Hussein et al. 2021) and f1, their
        harmonic mean; NaN where nothing can be said.
    """
    rows = [
        (s.sheet, s.expected, len(s.found), s.hits, s.accepted - s.hits) for s in scores
    ]
    table = pd.DataFrame(rows, columns=["sheet", "expected", "found", "hits", "false"])
    total = {"sheet": "all", **table.drop(columns="sheet").sum()}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    hits, false, expected = (
        table[name].astype(float) for name in ("hits", "false", "expected")
    )
    return table.assign(
        precision=hits / (hits + false).replace(0, np.nan),
        recall=hits / expected.replace(0, np.nan),
        f1=2 * hits / (hits + false + expected).replace(0, np.nan),
    )


def relative_errors(scores: Sequence[SheetLeaves]) -> pd.DataFrame:
    """Relative error of what botanists quote, over all whole leaves that were found.

    Returns
    -------
    DataFrame
        trait, leaves, mean and median of abs(predicted / true - 1); then the same,
        with the ending ``_long``, for leaves that are truly at least 100 px long, and
        with ``_axis`` for those of them whose axis was found within 15 degrees: length
        and width of two different axes cannot agree.
    """
    found = _found(scores)
    long = _column(found, "length_px_true") >= LONG_PX
    every = np.ones_like(long)
    groups = {"": every, "_long": long, "_axis": long & _same_axis(found)}
    rows = []
    for name in RELATIVE:
        error = _errors(found, name) / _column(found, f"{name}_true")
        row: dict[str, object] = {"trait": name}
        for ending, group in groups.items():
            row |= {
                f"leaves{ending}": error[group].size,
                f"mean{ending}": _mean(error[group]),
                f"median{ending}": _median(error[group]),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def trait_errors(scores: Sequence[SheetLeaves]) -> pd.DataFrame:
    """Errors of the paper's twenty traits in px, in the form of its Table 9.

    Returns
    -------
    DataFrame
        trait, leaves, MAE, MSE and RMSE over all whole leaves that were found.
    """
    found = _found(scores)
    rows = []
    for name in PAPER_TRAITS:
        error = _errors(found, name)
        squared = _mean(error**2)
        rows.append((name, error.size, _mean(error), squared, np.sqrt(squared)))
    return pd.DataFrame(rows, columns=["trait", "leaves", "MAE", "MSE", "RMSE"])


def _same_axis(found: pd.DataFrame) -> NDArray[np.bool_]:
    apart = _errors(found, "axis_angle_deg")
    between: NDArray[np.bool_] = np.minimum(apart, 180 - apart) <= SAME_AXIS_DEG
    return between


def _found(scores: Sequence[SheetLeaves]) -> pd.DataFrame:
    tables = [score.found for score in scores if len(score.found)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _column(found: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return np.asarray(found.get(name, []), np.float64)


def _errors(found: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return np.abs(_column(found, name) - _column(found, f"{name}_true"))


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size else float("nan")
