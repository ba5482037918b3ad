"""Ctrl-C and SIGTERM as a wish: the step in hand is ended properly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

P = TypeVar("P")
T = TypeVar("T")
STOPPED = 130
"""Exit code of a command that was stopped, by Ctrl-C or SIGTERM."""
_WISHES = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Turn Ctrl-C, and the signal that a queue ends a job with, into a wish.

    A second Ctrl-C ends at once, as usual. A second SIGTERM does not: some senders
    say it twice in a row, and have SIGKILL for what has to end at once.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    usual = {each: signal.getsignal(each) for each in _WISHES}

    def wish(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual[signal.SIGINT])

    for each in _WISHES:
        signal.signal(each, wish)
    try:
        yield asked
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)


def finish_unless_stopped(
    job: Generator[P, None, T],
    show: Callable[[P], object],
    on_stop: Callable[[], object] = lambda: None,
) -> T | None:
    """Run a job to its end; None when it was stopped between two steps.

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
