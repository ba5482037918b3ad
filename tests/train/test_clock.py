"""What fits into the minutes of a training."""

from __future__ import annotations

import time

import pytest

from napari_herbarium.train.clock import Clock


@pytest.fixture
def passing(monkeypatch):
    """Give a function that lets seconds pass."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def let_pass(seconds):
        now[0] += seconds

    return let_pass


@pytest.mark.parametrize("minutes", [None, float("inf"), 1e307])
def test_minutes_without_end_are_no_bound(passing, minutes):
    clock = Clock(minutes, time.monotonic())
    for _ in range(3):
        passing(0.5)
        clock.tick(step=True)
    assert clock.steps_left(25) is None
    assert not clock.is_over()
    assert clock.seconds_for(10, 25) == pytest.approx(5)


def test_time_is_kept_for_all_scorings_that_follow_the_last_step(passing):
    clock = Clock(1.0, time.monotonic(), scorings=4.0)
    clock.scoring = 5.0
    for _ in range(3):
        passing(1.0)
        clock.tick(step=True)
    assert clock.steps_left(5) == (60 - 3 - 3 * 5 - 2) // (1 + 5 / 5)
    passing(60 - 3 - 1 - 4 * 5 - 2)
    assert not clock.is_over()
    passing(0.1)
    assert clock.is_over()
