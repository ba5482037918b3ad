"""Where a run keeps what."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_herbarium.results import LABELS, ORIGINAL, OVERLAY

PART = ".parquet"
MOST_IN_ONE_FOLDER = 5_000
"""File systems, and people, are slow with folders that hold more."""


def digits_for(sheets: int) -> int:
    """Hex digits of the subfolders that keep folders small: 0, 2 or 3."""
    if sheets <= MOST_IN_ONE_FOLDER:
        return 0
    return 2 if sheets <= 256 * MOST_IN_ONE_FOLDER else 3


def folders_of(place: Path) -> Iterator[str]:
    """Give a folder of results and its subfolders; results lie no deeper."""
    if place.is_dir():
        yield str(place)
        with os.scandir(place) as entries:
            yield from (entry.path for entry in entries if entry.is_dir())


@dataclass(frozen=True)
class Layout:
    """The folder of a run.

    Attributes
    ----------
    out : Path
        The folder itself.
    digits : int
        Results of a large run lie in subfolders named by so many hex digits of the
        SHA-256 of the sheet's name; 0 for none.
    """

    out: Path
    digits: int = 0

    @property
    def run(self) -> Path:
        """Settings, model, software and fingerprint."""
        return self.out / "run.json"

    @property
    def ledger(self) -> Path:
        """How every sheet ended."""
        return self.out / "ledger.jsonl"

    @property
    def reviewed(self) -> Path:
        """What a person said of the sheets."""
        return self.out / "review.jsonl"

    @property
    def jobs(self) -> Path:
        """Logs of the jobs of a cluster."""
        return self.out / "jobs"

    @property
    def begun(self) -> Path:
        """Holds a small file for every sheet that is in work."""
        return self.out / ".begun"

    @property
    def labels_folder(self) -> Path:
        """Labels of all sheets."""
        return self.out / "labels"

    @property
    def traits_folder(self) -> Path:
        """Parquet dataset of the leaves, one part a sheet."""
        return self.out / "traits"

    @property
    def overlays_folder(self) -> Path:
        """Pictures with outlines and numbers."""
        return self.out / "overlays"

    @property
    def sheets_table(self) -> Path:
        """Table of the sheets, made of the ledger."""
        return self.out / "sheets.parquet"

    @property
    def traits_csv(self) -> Path:
        """Rows of the dataset as text."""
        return self.out / "traits.csv"

    @property
    def report(self) -> Path:
        """What a person looks at first."""
        return self.out / "report.html"

    def labels(self, name: str) -> Path:
        """Labels of a sheet, as large as the sheet."""
        return self.labels_folder / self._shard(name) / f"{name}{LABELS}"

    def original_labels(self, name: str) -> Path:
        """Labels as the model had found them, where somebody repaired them."""
        return self.labels_folder / self._shard(name) / f"{name}{ORIGINAL}"

    def part(self, name: str) -> Path:
        """Rows of a sheet's leaves."""
        return self.traits_folder / self._shard(name) / f"{name}{PART}"

    def overlay(self, name: str) -> Path:
        """Picture of a sheet with outlines and numbers."""
        return self.overlays_folder / self._shard(name) / f"{name}{OVERLAY}"

    def _shard(self, name: str) -> str:
        if not self.digits:
            return ""
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[
            : self.digits
        ]
