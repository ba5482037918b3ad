"""Tell on the log how a training goes."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import TypeVar

from napari_herbarium.memory import freed_is_kept
from napari_herbarium.train.loop import StepReport

T = TypeVar("T")


@freed_is_kept()
def watched(job: Generator[StepReport, None, T], log: logging.Logger, every: int) -> T:
    """Run a training to its end; one line, with the mean loss, every so many steps."""
    started, recent = time.monotonic(), []
    while True:
        try:
            report = next(job)
        except StopIteration as stop:
            return stop.value
        recent.append(report.loss)
        if report.step % every == 0:
            log.info(
                "step %d of %d, loss %.4f, %.2f s a step, %.0f s",
                report.step,
                report.steps,
                sum(recent) / len(recent),
                report.seconds,
                time.monotonic() - started,
            )
            recent.clear()
