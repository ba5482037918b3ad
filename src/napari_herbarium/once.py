"""What takes long to load is loaded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


def once(load: Callable[[], T]) -> Callable[[], T]:
    """Load at the first call; threads that ask meanwhile wait for what comes of it."""
    lock = Lock()
    loaded = lru_cache(maxsize=1)(load)

    @wraps(load)
    def give() -> T:
        with lock:
            return loaded()

    return give
