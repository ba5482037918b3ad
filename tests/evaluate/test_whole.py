"""Figures of whole leaves: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.evaluate.whole import (
    most_accurate_threshold,
    rank_auc,
    score_whole,
)


def test_known_counts():
    score = score_whole(
        [0.9, 0.8, 0.6, 0.4, 0.2], [True, False, True, True, False], 0.5
    )
    assert (score.leaves, score.whole) == (5, 3)
    assert score.accuracy == pytest.approx(3 / 5)
    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(2 / 3)
    # Of the 6 pairs of a whole leaf and another, 4 stand in the right order.
    assert score.auc == pytest.approx(4 / 6)


def test_threshold_itself_counts_as_whole():
    assert score_whole([0.5], [True], 0.5).recall == 1


def test_figures_without_a_denominator_are_nan():
    score = score_whole([0.1, 0.2], [False, False], 0.5)
    assert score.accuracy == 1
    assert np.isnan([score.precision, score.recall, score.auc]).all()


def test_auc_counts_ties_half():
    tied = rank_auc(np.array([0.5, 0.5, 0.5]), np.array([True, False, False]))
    assert tied == 0.5


def test_auc_equals_counting_pairs():
    rng = np.random.default_rng(3)
    given, truth = rng.integers(0, 9, 60) / 9, rng.random(60) < 0.4
    first, second = given[truth][:, None], given[~truth][None]
    pairs = ((first > second) + 0.5 * (first == second)).mean()
    assert rank_auc(given, truth) == pytest.approx(pairs)


def test_best_threshold_parts_what_can_be_parted():
    given, truth = np.array([0.1, 0.3, 0.7, 0.8]), np.array([False, False, True, True])
    assert most_accurate_threshold([(given, truth)]) == pytest.approx(0.51)


def test_small_sets_count_as_much_for_the_threshold_as_large_ones():
    large = np.full(100, 0.6), np.ones(100, bool)
    small = np.array([0.65, 0.2, 0.9]), np.array([False, False, True])
    # Losing all of the large set costs more than one of the small one.
    assert most_accurate_threshold([large, small]) <= 0.6
    small = np.array([0.65, 0.65, 0.65]), np.zeros(3, bool)
    large = np.r_[np.full(60, 0.6), np.full(40, 0.9)], np.ones(100, bool)
    assert most_accurate_threshold([large, small]) > 0.65


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="probabilities"):
        score_whole([0.5], [True, False], 0.5)
