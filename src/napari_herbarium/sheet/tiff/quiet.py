"""Keeping tifffile's remarks about a file from the user, who is told in a sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_reading = ContextVar("reading", default=False)


def _is_wanted(record: logging.LogRecord) -> bool:
    del record
    return not _reading.get()


# a filter, since the logger's level belongs to others in the process, and threads
logging.getLogger("tifffile").addFilter(_is_wanted)


@contextmanager
def without_log() -> Iterator[None]:
    """Drop what tifffile logs in this thread meanwhile."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)
