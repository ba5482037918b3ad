"""Refusing pictures that cannot be sheets or cannot be held."""

from __future__ import annotations

from pathlib import Path

import psutil

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.damage import damaged

LARGEST_AREA = 1 << 31
"""Pixels; A2 at 1200 ppi has a quarter of this."""
_SPARE = 0.9


def check_area(path: Path, height: int, width: int) -> None:
    """Refuse dimensions that no scanner gives.

    Raises
    ------
    SheetError
    """
    if height < 1 or width < 1 or height * width > LARGEST_AREA:
        raise damaged(path, f"it claims to be {width} x {height} px")


def check_memory(path: Path, needed: int) -> None:
    """Refuse what does not fit in memory, before trying.

    Parameters
    ----------
    path : Path
        Named in the error.
    needed : int
        Bytes.

    Raises
    ------
    SheetError
    """
    free = psutil.virtual_memory().available
    if needed > free * _SPARE:
        msg = (
            f"{path.name} needs {needed / 2**30:.1f} GiB of memory and "
            f"{free / 2**30:.1f} GiB are free: close other programs, or save it "
            "as a tiled pyramid TIFF."
        )
        raise SheetError(msg)
