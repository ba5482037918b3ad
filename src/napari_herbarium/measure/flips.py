"""What a user said of leaves being whole, in the JSON file beside saved labels."""

from __future__ import annotations

import json
from pathlib import Path

SIDECAR_KEY = "whole_by_user"


def flips_beside(path: Path) -> dict[int, bool]:
    """Read what the user said of the leaves of a file of labels.

    Parameters
    ----------
    path : Path
        Of the labels; the JSON file has the same name but for the last suffix.

    Returns
    -------
    dict of int to bool
        Label to whether the user says that it is whole; empty where there is no such
        file, or it says nothing of that kind.
    """
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        words = told[SIDECAR_KEY].items()
        return {int(label): bool(word) for label, word in words}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
