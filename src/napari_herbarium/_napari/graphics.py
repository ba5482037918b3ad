"""Keep PyTorch and the window from crashing, or holding up, each other.

On Linux, Mesa's OpenGL driver brings a copy of LLVM (always where graphics are made by
software, and for AMD cards), and so does Triton, which PyTorch imports. When napari's
window is there first, Triton's calls land in Mesa's copy and the process dies without
a word. Loading Triton's library so that it prefers its own symbols prevents that.

The first import of torch, though done in a worker thread, holds up the window for
fractions of a second: while its libraries are loaded Python waits, and its hundred
thousands of new objects set off the garbage collector again and again. `load_torch`
avoids both.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
    if sys.platform != "linux" or "triton" in sys.modules:
        return
    prefer_own = getattr(os, "RTLD_DEEPBIND", None)
    if prefer_own is None:
        return
    for library in _libraries("triton", "_C/libtriton*.so"):
        if not _open(library, os.RTLD_NOW | prefer_own):
            logger.warning("Triton's library %s cannot be loaded", library)


@cache
def load_torch() -> None:
    """Import torch and the networks' library without holding up the window.

    To be called in a worker thread. Does nothing where torch is there already.
    """
    if "torch" in sys.modules:
        return
    make_torch_safe()
    if sys.platform == "linux":
        # In the order and the way that torch itself loads them.
        for library in _libraries("torch", "lib/libtorch_global_deps.so"):
            _open(library, os.RTLD_NOW | os.RTLD_GLOBAL)
        for library in _libraries("torch", "lib/libtorch_python.so"):
            _open(library, os.RTLD_NOW)
    with _no_collections():
        import segmentation_models_pytorch  # noqa: F401


@contextmanager
def settled_memory() -> Iterator[None]:
    """Spare the garbage collector what is there already, for a long job.

    With torch in the process, a look at everything takes it half a second, in which
    the window stands still.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _no_collections() -> Iterator[None]:
    """Let the garbage collector rest, and take what comes up as old."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Without this the next collection of young objects would see all of them.
        gc.freeze()
        gc.unfreeze()
        if enabled:
            gc.enable()


def _open(library: Path, mode: int) -> bool:
    """Load a library while other threads go on, which `ctypes.CDLL` would not let."""
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    return dlopen(os.fsencode(library), mode) is not None


def _libraries(package: str, pattern: str) -> list[Path]:
    """Find a package's libraries without importing it, as that would load them."""
    spec = find_spec(package)
    places = (spec and spec.submodule_search_locations) or []
    return [path for place in places for path in Path(place).glob(pattern)]
