"""How well whole leaves are told from the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from napari_herbarium.evaluate.metrics import NAN, ratio


@dataclass(frozen=True)
class WholeScore:
    """Figures of a classifier of whole leaves.

    Attributes
    ----------
    leaves, whole : int
        Number judged, and of those truly whole.
    accuracy : float
        Share judged rightly.
    precision : float
        Share of those taken for whole that are; NaN when none was.
    recall : float
        Share of the whole ones taken for whole; NaN when there is none.
    auc : float
        Area under the ROC curve, on probabilities; NaN when all are of one kind.
    """

    leaves: int
    whole: int
    accuracy: float
    precision: float
    recall: float
    auc: float


def score_whole(
    probability: Sequence[float] | NDArray,
    whole: Sequence[bool] | NDArray,
    threshold: float,
) -> WholeScore:
    """Score probabilities of being whole against the truth.

    Parameters
    ----------
    probability : N floats
    whole : N bools
        The truth.
    threshold : float
        Taken for whole from here.

    Raises
    ------
    ValueError
        The two are not of one length.
    """
    given, truth = np.asarray(probability, float), np.asarray(whole, bool)
    if given.shape != truth.shape:
        msg = f"{given.shape} probabilities but {truth.shape} truths"
        raise ValueError(msg)
    said = given >= threshold
    hit = int((said & truth).sum())
    return WholeScore(
        leaves=len(truth),
        whole=int(truth.sum()),
        accuracy=ratio(int((said == truth).sum()), len(truth)),
        precision=ratio(hit, int(said.sum())),
        recall=ratio(hit, int(truth.sum())),
        auc=rank_auc(given, truth),
    )


def rank_auc(probability: NDArray, whole: NDArray) -> float:
    """Chance that a whole leaf gets a higher probability than another; ties half.

    The Mann-Whitney statistic, which is the area under the ROC curve
    (Hanley and McNeil 1982).
    """
    positive, negative = int(whole.sum()), int((~whole).sum())
    if not positive or not negative:
        return NAN
    ranks = rankdata(probability)[whole].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def most_accurate_threshold(sets: Sequence[tuple[NDArray, NDArray]]) -> float:
    """Find the threshold with the highest accuracy, every set counting the same.

    Parameters
    ----------
    sets : sequence of (probabilities, truths)

    Returns
    -------
    float
        In hundredths; the middle one where several are best.
    """
    steps = np.arange(1, 100) / 100
    accuracy = [
        np.mean([((given >= t) == truth).mean() for given, truth in sets])
        for t in steps
    ]
    best = np.flatnonzero(np.isclose(accuracy, max(accuracy)))
    return float(steps[best[len(best) // 2]])
