"""JSON of anybody's making: what cannot be read is one kind of error."""

from __future__ import annotations

import json
from typing import Any


def parsed(text: str | bytes) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        It is no JSON, or nested more deeply than Python can go.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error
