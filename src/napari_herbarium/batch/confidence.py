"""How sure the model was of a sheet, so that people look at the doubtful ones first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 2048
"""Long side, in px, to which the probability is thinned out: enough for a share."""


def confidence(probability: NDArray[np.uint8], threshold: float) -> float:
    """Share of the possible leaf that is certainly leaf.

    A pixel is certain above half way from the threshold to 1, and possible above half
    the threshold. Pixels in between lie along the outlines of every sheet, but whole
    leaves, flowers or labels of them mean that the model was torn. A sheet without any
    certain leaf has confidence 0: either there is nothing on it, or all was missed.

    Parameters
    ----------
    probability : H x W uint8
        0..255 stands for 0..1.
    threshold : float
        Above it a pixel is leaf.

    Returns
    -------
    float
        0..1.
    """
    step = max(1, max(probability.shape) // LOOKED_AT)
    counts = np.bincount(probability[::step, ::step].ravel(), minlength=256)
    value = np.arange(256) / 255
    possible = counts[value >= threshold / 2].sum()
    certain = counts[value >= (1 + threshold) / 2].sum()
    return float(certain / possible) if possible else 0.0
