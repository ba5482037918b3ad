"""Whole leaves: how many were found and accepted, and how well they are measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.truth import LeafTruth
from napari_herbarium.measure.traits import iter_measure
from napari_herbarium.progress import Job

LEAST_IOU = 0.8
IOU_OF_ONE_PARTNER = 0.5
"""Over this a leaf can have one partner only."""


@dataclass(frozen=True)
class SheetLeaves:
    """Whole leaves of one sheet.

    Attributes
    ----------
    sheet : str
    expected : int
        Single whole leaves in the truth.
    accepted : int
        Predicted labels taken for single whole leaves, where the truth is known.
    found : DataFrame
        One row per expected leaf that a predicted label covers with enough IoU: label,
        true_label, iou, accepted (bool), and every number of
        `napari_herbarium.measure` twice: of the predicted label, and with the ending
        ``_true`` of the true leaf.
    """

    sheet: str
    expected: int
    accepted: int
    found: pd.DataFrame

    @property
    def hits(self) -> int:
        """Expected leaves that were found and accepted."""
        return int(self.found["accepted"].sum())


def iter_score_leaves(
    predicted: NDArray[np.integer],
    truth: LeafTruth,
    accepted: Collection[int],
    *,
    sheet: str = "",
    least_iou: float = LEAST_IOU,
) -> Job[SheetLeaves]:
    """Compare predicted leaves with the single whole leaves of the truth.

    Parameters
    ----------
    predicted : H x W integers
        0 is not leaf.
    truth : LeafTruth
        Instances of the same size, and which are whole.
    accepted : collection of int
        Predicted labels taken for single whole leaves.
    sheet : str
        Carried along.
    least_iou : float
        From here a predicted label counts as the leaf; over 0.5, so that each has one
        partner at most.

    Raises
    ------
    ValueError
        The two are not of one shape, or `least_iou` is not over 0.5.
    """
    partners = match_leaves(predicted, truth, least_iou)
    iou = overlaps(predicted, truth)
    found = pd.DataFrame(
        {
            "true_label": list(partners),
            "label": list(partners.values()),
            "iou": [iou[pair] for pair in partners.items()],
            "accepted": [label in accepted for label in partners.values()],
        },
    )
    if partners:
        ours = yield from iter_measure(predicted, only=set(partners.values()))
        theirs = yield from iter_measure(truth.labels, only=set(partners))
        found = found.merge(_numbers(ours), on="label").merge(
            _numbers(theirs).rename(columns={"label": "true_label"}),
            on="true_label",
            suffixes=("", "_true"),
        )
    judged = sum(label in accepted for label in _known(predicted, truth))
    return SheetLeaves(sheet, len(truth.whole), judged, found)


def match_leaves(
    predicted: NDArray[np.integer], truth: LeafTruth, least_iou: float = LEAST_IOU
) -> dict[int, int]:
    """Give the predicted label of every whole true leaf that was found.

    Raises
    ------
    ValueError
        The two are not of one shape, or `least_iou` is not over 0.5.
    """
    if least_iou <= IOU_OF_ONE_PARTNER:
        msg = f"leaves are matched from an IoU over 0.5 on, not {least_iou:g}"
        raise ValueError(msg)
    return {
        true: label
        for (true, label), iou in overlaps(predicted, truth).items()
        if iou >= least_iou and true in truth.whole
    }


def overlaps(
    predicted: NDArray[np.integer], truth: LeafTruth
) -> Mapping[tuple[int, int], float]:
    """IoU of every true leaf with every predicted label it shares a pixel with.

    Ignored pixels count for neither.

    Raises
    ------
    ValueError
        The two are not of one shape.
    """
    if predicted.shape != truth.labels.shape:
        msg = f"prediction is {predicted.shape} but truth is {truth.labels.shape}"
        raise ValueError(msg)
    known = truth.mask != IGNORED
    ours = predicted[known].astype(np.int64)
    theirs = truth.labels[known].astype(np.int64)
    our_area, their_area = np.bincount(ours), np.bincount(theirs)
    base = int(our_area.size)
    both = (ours > 0) & (theirs > 0)
    pairs, shared = np.unique(theirs[both] * base + ours[both], return_counts=True)
    true, label = np.divmod(pairs, base)
    iou = shared / (their_area[true] + our_area[label] - shared)
    keys = zip(true.tolist(), label.tolist(), strict=True)
    return dict(zip(keys, iou.tolist(), strict=True))


def _known(predicted: NDArray[np.integer], truth: LeafTruth) -> list[int]:
    """Predicted labels that lie for the greater part where the truth is known."""
    area = np.bincount(predicted.ravel())
    known = np.bincount(predicted[truth.mask != IGNORED], minlength=area.size)
    labels = np.flatnonzero((2 * known > area) & (area > 0))
    return [int(label) for label in labels if label > 0]


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.select_dtypes("number")
