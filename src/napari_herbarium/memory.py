"""What the C library does with memory that is no longer used."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Numbers and values of glibc's mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 << 20}
# As glibc itself would have it after large arrays came and went.
_USUAL = {
    _MMAP_MAX: 65536,
    _MMAP_THRESHOLD: 32 << 20,
    _TRIM_THRESHOLD: 64 << 20,
    _TOP_PAD: 128 << 10,
}


def give_back() -> None:
    """Let the C library return what was freed, where it would keep it.

    After a network has run on the CPU, glibc keeps some 450 MB of freed blocks, which
    whatever comes next could not use. Does nothing with other libraries.
    """
    trim = _c_function("malloc_trim")
    if trim is not None:
        trim(0)


@contextmanager
def freed_is_kept() -> Iterator[None]:
    """Have large blocks used again, within, instead of asked for anew each time.

    A network that is trained makes gigabytes of them at every step, and fetching their
    pages from the system takes a third of the time. glibc does so for the main thread
    alone; nothing happens with other libraries.
    """
    _set(_KEEP)
    try:
        yield
    finally:
        _set(_USUAL)
        give_back()


def _set(values: dict[int, int]) -> None:
    mallopt = _c_function("mallopt")
    if mallopt is not None:
        for number, value in values.items():
            mallopt(number, value)


def _c_function(name: str) -> Any:
    """Give a function of the C library, where it has it."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
