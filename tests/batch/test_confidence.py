"""How sure the model is of a sheet, by which a review is ordered."""

from __future__ import annotations

import numpy as np

from napari_herbarium.batch.confidence import confidence


def test_confidence_of_known_probabilities():
    sure = np.array([[255, 255], [0, 0]], np.uint8)
    assert confidence(sure, 0.5) == 1.0
    half = np.array([[255, 140], [0, 0]], np.uint8)
    assert confidence(half, 0.5) == 0.5
    assert confidence(np.zeros((4, 4), np.uint8), 0.5) == 0.0
    assert confidence(np.full((4, 4), 140, np.uint8), 0.5) == 0.0
