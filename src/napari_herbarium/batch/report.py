"""The page at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_herbarium.batch.ledger import Entry
from napari_herbarium.batch.plan import Plan


def write_report(plan: Plan, entries: Sequence[Entry]) -> Path:
    """Write the page."""
    return plan.layout.report
