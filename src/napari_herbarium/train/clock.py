"""How long a run has taken, how fast it is, and what fits into its minutes."""

from __future__ import annotations

import math
import time
from collections import deque

_SPARE = 2.0
"""Seconds kept for writing the model."""
_ENOUGH = 3


class Clock:
    """Time of a run.

    Parameters
    ----------
    minutes : float, optional
        Bound on the whole run; None is none.
    started : float
        `time.monotonic` at its start.
    scorings : float
        How many scorings follow the last step; time is kept for them.

    Attributes
    ----------
    spent_before : float
        Seconds spent before a resume.
    scoring : float
        Seconds that the last scoring took.
    """

    def __init__(
        self, minutes: float | None, started: float, scorings: float = 2.0
    ) -> None:
        self._scorings = scorings
        self._bound = None if minutes is None else 60 * minutes
        self._started = self._ticked = started
        self._steps: deque[float] = deque(maxlen=20)
        self.spent_before = self.scoring = 0.0

    def tick(self, *, step: bool = False) -> None:
        """Note the end of a step, or of something that was none."""
        now = time.monotonic()
        if step:
            self._steps.append(now - self._ticked)
        self._ticked = now

    @property
    def spent(self) -> float:
        """Seconds since the start, those before a resume included."""
        return self.spent_before + time.monotonic() - self._started

    @property
    def knows_speed(self) -> bool:
        """Whether enough steps were done to judge by."""
        return len(self._steps) >= _ENOUGH

    @property
    def _per_step(self) -> float:
        return sum(self._steps) / len(self._steps) if self._steps else 0.0

    def steps_left(self, epoch_steps: int) -> int | None:
        """Give the steps that still fit into the minutes; None without a bound.

        Minutes without end, as ``inf`` is, are none.
        """
        if self._bound is None:
            return None
        pace = self._per_step + self.scoring / epoch_steps
        # The scoring of the last epoch is in the pace of its steps.
        kept = (self._scorings - 1) * self.scoring + _SPARE
        steps = (self._bound - self.spent - kept) / pace
        return int(steps) if math.isfinite(steps) else None

    def is_over(self) -> bool:
        """Whether another step, and what follows it, would break the bound."""
        if self._bound is None or not self._steps:
            return False
        needed = self._per_step + self._scorings * self.scoring + _SPARE
        return self.spent + needed > self._bound

    def seconds_for(self, steps: int, epoch_steps: int) -> float | None:
        """Estimate how long steps take, within the bound; None while not known."""
        if not self.knows_speed:
            return None
        needed = steps * (self._per_step + self.scoring / epoch_steps)
        if self._bound is None:
            return needed
        return max(0.0, min(needed, self._bound - self.spent))
