"""Work on several patches at once, and get what comes of them in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event, Lock, Semaphore
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_WAIT_S = 0.1
_setting = Lock()
"""Held while torch may have one thread for all; nobody is to take that for usual."""


class SideBySide(Generic[Item, Result]):
    """Works in as many threads as torch would use for one patch, one for each.

    Patches are small, and a network that splits one among threads waits for them
    more than they save. It also gives the same on any number of cores this way.

    Parameters
    ----------
    work : callable
        Takes an item; yields where it may be stopped, and returns its result.
    items : iterable
        In the order in which results are asked for.
    """

    def __init__(
        self,
        work: Callable[[Item], Generator[None, None, Result]],
        items: Iterable[Item],
    ) -> None:
        self._work, self._items = work, iter(items)
        self._waiting: deque[Future[Result]] = deque()
        self._stopped = Event()
        self._threads, self._pool = _single_threads()

    def __enter__(self) -> Self:
        """Begin nothing yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop what is being worked on."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def iter_next(self) -> Generator[None, None, Result]:
        """Give the result of the next item; yields while it is waited for."""
        self._submit()
        result = self._waiting.popleft()
        self._submit()
        while not wait([result], _WAIT_S).done:
            yield
        return result.result()

    def _submit(self) -> None:
        # Not all at once: each takes memory until it is asked for.
        free = 2 * self._threads - len(self._waiting)
        for item in islice(self._items, free):
            self._waiting.append(self._pool.submit(self._run, item))

    def _run(self, item: Item) -> Result:
        job = self._work(item)
        while not self._stopped.is_set():
            try:
                next(job)
            except StopIteration as end:
                result: Result = end.value
                return result
        raise CancelledError


def _single_threads() -> tuple[int, ThreadPoolExecutor]:
    """Give as many threads as torch has, each with one of torch, and how many."""
    import torch

    ready, go_on = Semaphore(0), Event()

    def settle() -> None:
        torch.get_num_threads()  # else torch would go back to the others' number
        torch.set_num_threads(1)
        ready.release()
        go_on.wait()

    with _setting:
        count = torch.get_num_threads()
        pool = ThreadPoolExecutor(count, "patches", settle)
        try:
            for _ in range(count):
                pool.submit(int)
            for _ in range(count):
                ready.acquire()
        finally:
            # What a thread sets is what all have that begin later: a training, too.
            torch.set_num_threads(count)
            go_on.set()
    return count, pool
