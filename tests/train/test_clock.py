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
