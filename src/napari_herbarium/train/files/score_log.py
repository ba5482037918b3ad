"""Scores of the epochs, for people: a table and, with TensorBoard, events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_herbarium.files import write_text

METRICS, EVENTS = "metrics.csv", "events"
COLUMNS = (
    "epoch",
    "steps",
    "seconds",
    "loss",
    "val_loss",
    "iou",
    "precision",
    "recall",
    "boundary_f",
)


def write_metrics(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the scores of all epochs so far as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / METRICS, text.getvalue())


class Events:
    """TensorBoard events, if TensorBoard is installed; otherwise nothing."""

    def __init__(self, folder: Path) -> None:
        from importlib.util import find_spec

        self._writer: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder))

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the scores of an epoch."""
        if self._writer is None:
            return
        for name in COLUMNS[3:]:
            if row[name] != "":
                self._writer.add_scalar(name, row[name], row["steps"])
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
