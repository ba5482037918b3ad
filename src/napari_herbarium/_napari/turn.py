"""One training at a time: PyTorch has one source of random numbers for all threads.

Two that draw from it by turns would be others than each of them alone, and a run that
is resumed could not repeat what it had done.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from napari_herbarium.progress import Job, Progress

WAITING = "waiting for another training to end"
_LOOK_S = 0.2
_turn = Lock()

T = TypeVar("T")


def iter_in_turn(start: Callable[[], Job[T]]) -> Job[T]:
    """Train once no other training runs in this napari; can be stopped meanwhile.

    Parameters
    ----------
    start : callable
        Gives the training; called when it is its turn.
    """
    while not _turn.acquire(timeout=_LOOK_S):
        yield Progress(0, 0, WAITING)
    try:
        return (yield from start())
    finally:
        _turn.release()
