"""Curves, crop and sentences of a training, with answers that are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from napari_herbarium._napari.finetune.drawing import (
    MODEL,
    TRUTH,
    Curves,
    Drawing,
    draw_crop,
    draw_curves,
)
from napari_herbarium._napari.finetune.job import FineTuned, outcome, time_left
from napari_herbarium.train.report import Preview, TrainProgress


def test_a_crop_shows_both_outlines_and_what_is_wrong():
    image = np.full((60, 60, 3), 200, np.uint8)
    truth = np.zeros((60, 60), np.uint8)
    truth[10:40, 10:40] = 1
    truth[:, 50:] = 255
    leaf = np.zeros((60, 60), bool)
    leaf[20:48, 10:40] = True
    shown = draw_crop(Preview(image, leaf, leaf, truth), leaf)
    assert tuple(shown[10, 25]) == TRUTH
    assert tuple(shown[47, 25]) == MODEL
    missed, right, unknown = shown[15, 25], shown[30, 25], shown[5, 55]
    assert missed[0] > missed[1] + 50
    assert tuple(right) == (200, 200, 200)
    assert unknown.max() < 100


def test_curves_gather_what_the_reports_say():
    curves = Curves()
    for report in (
        TrainProgress(1, 3, "sheets"),
        TrainProgress(0, 9, val_loss=0.6, iou=0.5, scored=True),
        TrainProgress(1, 9, loss=0.9, val_loss=0.6, iou=0.5),
        TrainProgress(2, 9, loss=0.8, val_loss=0.4, iou=0.7, scored=True),
    ):
        curves = curves.with_progress(report)
    assert curves.loss == ((1, 0.9), (2, 0.8))
    assert curves.val_loss == ((0, 0.6), (2, 0.4))
    assert curves.iou == ((0, 0.5), (2, 0.7))


@pytest.mark.parametrize(
    "curves", [Curves(), Curves(((1, 0.5),), (), ((1, math.nan),))]
)
def test_curves_are_as_large_as_the_screen_shows_them(curves):
    drawn = draw_curves(Drawing(curves, None, width=380, height=150, zoom=2))
    assert drawn.shape == (300, 760, 4)
    assert drawn[..., 3].min() == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (1, "5 s"), (33, "35 s"), (90, "2 min"), (9000, "2 h 30 min")],
)
def test_time_left_is_told_as_people_do(seconds, words):
    assert words in time_left(seconds)


@pytest.mark.parametrize(
    ("before", "after", "ended", "words"),
    [
        (0.7, 0.8, "minutes", "0.700 before, 0.800 now"),
        (0.7, 0.8, "stopped", "best so far"),
        (0.7, 0.8, "no better", "ended early"),
        (0.7, 0.7, "minutes", "no better than the model it started from"),
        (math.nan, math.nan, "minutes", "no better"),
    ],
)
def test_the_end_is_told_honestly(before, after, ended, words):
    assert words in outcome(FineTuned(Path("models/oaks"), before, after, ended))


def test_nothing_made_is_told_too():
    assert "no new model" in outcome(None)
