"""Freed memory goes back to the system where the C library would keep it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from napari_herbarium.memory import freed_is_kept, give_back

KEPT = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


@pytest.mark.skipif(not KEPT, reason="only glibc keeps freed blocks and can be asked")
def test_what_was_freed_is_no_longer_held() -> None:
    # Blocks that are too small to be returned at once, and one above them that stays.
    blocks = [bytes(100_000) for _ in range(3000)]
    last = blocks.pop()
    del blocks
    give_back()
    freed = resident_mb()
    again = [bytes(100_000) for _ in range(3000)]
    assert resident_mb() - freed > 200
    assert len(again[0]) == len(last)


@pytest.mark.skipif(not KEPT, reason="only glibc can be asked to keep large blocks")
def test_large_blocks_are_kept_while_asked_to_and_not_after() -> None:
    def held_after_freeing() -> float:
        before = resident_mb()
        block = bytearray(300_000_000)
        del block
        return resident_mb() - before

    assert held_after_freeing() < 50
    before = resident_mb()
    with freed_is_kept():
        assert held_after_freeing() > 200
    assert resident_mb() - before < 50
    assert held_after_freeing() < 50


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_nothing_happens(monkeypatch, platform) -> None:
    def no_library(_name: None) -> None:
        raise AssertionError("asked for a C library")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    give_back()
    with freed_is_kept():
        pass
