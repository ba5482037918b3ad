"""Keep PyTorch and the graphics driver from crashing each other.

On Linux, Mesa's OpenGL driver brings a copy of LLVM (always where graphics are made by
software, and for AMD cards), and so does Triton, which PyTorch imports. When napari's
window is there first, Triton's calls land in Mesa's copy and the process dies without
a word. Loading Triton's library so that it prefers its own symbols prevents that.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

logger = logging.getLogger(__name__)


@cache
def make_torch_safe() -> None:
    """Prepare a process with a window for the first import of torch.

    Every background job calls it before its work; calls after the first cost nothing.
    Does nothing where there is no such danger.
    """
    prefer_own = getattr(os, "RTLD_DEEPBIND", None)
    if prefer_own is None or "triton" in sys.modules:
        return
    for library in _triton_libraries():
        try:
            ctypes.CDLL(str(library), mode=os.RTLD_NOW | prefer_own)
        except OSError:
            logger.warning("Triton's library %s cannot be loaded", library)


def _triton_libraries() -> list[Path]:
    """Find Triton's library without importing Triton, as that would load it."""
    spec = find_spec("triton")
    places = (spec and spec.submodule_search_locations) or []
    return [path for place in places for path in Path(place).glob("_C/libtriton*.so")]
