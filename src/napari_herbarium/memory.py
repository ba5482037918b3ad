"""Memory that is no longer used goes back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Let the C library return what was freed, where it would keep it.

    After a network has run on the CPU, glibc keeps some 450 MB of freed blocks, which
    whatever comes next could not use. Does nothing with other libraries.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
