"""What the pictures that we write are called, so that none is taken for a sheet."""

from __future__ import annotations

LABELS, OVERLAY, ORIGINAL = ".leaves.tif", ".overlay.png", ".leaves.original.tif"
ERRORS = ".errors.png"


def is_result(name: str) -> bool:
    """Tell labels, overlays and pictures of errors from sheets, by a file's name."""
    return name.lower().endswith((LABELS, OVERLAY, ORIGINAL, ERRORS))
