"""Ctrl-C as a wish: the step in hand is ended properly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

P = TypeVar("P")
T = TypeVar("T")
STOPPED = 130
"""Exit code of a command that Ctrl-C ended."""


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a wish; the second one ends at once, as usual."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    usual = signal.getsignal(signal.SIGINT)

    def wish(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, wish)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, usual)


def finish_unless_stopped(
    job: Generator[P, None, T],
    show: Callable[[P], object],
    on_stop: Callable[[], object] = lambda: None,
) -> T | None:
    """Run a job to its end; None when Ctrl-C stopped it between two steps.

    Parameters
    ----------
    job : generator
        A long step of the core; closed when it is stopped.
    show : callable
        Called with each step's progress.
    on_stop : callable, optional
        Called before the job is closed, which may take a while.
    """
    with _asked_to_stop() as asked:
        while not asked.is_set():
            try:
                step = next(job)
            except StopIteration as stop:
                made: T = stop.value
                return made
            show(step)
        on_stop()
        job.close()
    return None
