"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the labelled sheets; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the labelled sheets in ../shared/data")
    return SHARED
