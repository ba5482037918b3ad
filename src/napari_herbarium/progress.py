"""How long steps report progress and are stopped.

Every long step of the core is a generator: it yields `Progress` after each unit
of work and returns its result. Whoever runs it (widget, command, batch worker)
shows the progress and stops the step by closing the generator between two units.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")
P = TypeVar("P", bound="Progress")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Progress:
    """How far a step has come.

    Attributes
    ----------
    done, total : int
        Units of work done and units in all; `total` is 0 when not yet known.
    what : str
        The unit in plain words, such as ``"tiles"``.
    """

    done: int
    total: int
    what: str = "steps"


Job: TypeAlias = Generator[Progress, None, T]


def finish(job: Job[T], on_progress: Callable[[Progress], object] | None = None) -> T:
    """Run a job to its end and return its result.

    Parameters
    ----------
    job : generator
        A long step of the core.
    on_progress : callable, optional
        Called with each `Progress`.
    """
    while True:
        try:
            progress = next(job)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if on_progress is not None:
            on_progress(progress)


def reported(job: Generator[object, None, T], step: P) -> Generator[P, None, T]:
    """Report `step` for every step of `job`: where what counts is the sheet.

    Parameters
    ----------
    job : generator
        A long step that is one unit of a longer one.
    step : Progress
        Of the longer one.
    """
    return told_as(job, lambda _: step)


def told_as(
    job: Generator[Y, None, T], tell: Callable[[Y], P]
) -> Generator[P, None, T]:
    """Run a job, and report of each of its steps what `tell` makes of it.

    Parameters
    ----------
    job : generator
        A long step; closed when this is.
    tell : callable
        Gives the `Progress` for what the job yields.
    """
    try:
        while True:
            yield tell(next(job))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        job.close()
