"""The sheets of a run as a reviewer sees them, with what was said of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from napari_herbarium.batch.plan import Plan, read_plan
from napari_herbarium.batch.records.journal import read_lines
from napari_herbarium.batch.records.ledger import Entry, State, last_entries
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.table import SheetFacts


class Verdict(StrEnum):
    """What a person said of a sheet."""

    NONE = ""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REPAIRED = "repaired"


@dataclass(frozen=True)
class ReviewSheet:
    """A sheet of a run, for review.

    Attributes
    ----------
    entry : Entry
        How it ended.
    verdict : Verdict
        What was said of it last.
    training : Path or None
        Folder of training pairs into which it was put.
    repaired_leaves : int or None
        How many leaves it has since somebody repaired it.
    """

    entry: Entry
    verdict: Verdict = Verdict.NONE
    training: Path | None = None
    repaired_leaves: int | None = None

    @property
    def name(self) -> str:
        """What its results are called."""
        return self.entry.name

    @property
    def source(self) -> str:
        """Path or URL of the sheet."""
        return self.entry.source

    @property
    def confidence(self) -> float:
        """See `napari_herbarium.batch.confidence`."""
        return float(self.entry.facts.get("confidence", 0.0))

    @property
    def leaves(self) -> int:
        """Number of leaves in its labels as they are now."""
        if self.repaired_leaves is not None:
            return self.repaired_leaves
        return self.leaves_of_model

    @property
    def leaves_of_model(self) -> int:
        """Number of leaves that the model found."""
        return int(self.entry.facts.get("leaves", 0))

    @property
    def mm_per_px(self) -> float | None:
        """Scale that the run used."""
        return self.entry.facts.get("mm_per_px")

    def facts(self) -> SheetFacts:
        """Give what every row of its table says."""
        known = self.entry.facts
        return SheetFacts(
            self.name,
            known.get("catalog_number"),
            self.mm_per_px,
            known.get("scale_source", "none"),
            known.get("scale_trust", "none"),
        )


@dataclass(frozen=True)
class ReviewRun:
    """A run, for review.

    Attributes
    ----------
    plan : Plan
        The run.
    sheets : tuple of ReviewSheet
        Those that were done, lowest confidence first.
    """

    plan: Plan
    sheets: tuple[ReviewSheet, ...]

    def labels_of(self, sheet: ReviewSheet) -> Path:
        """Labels of a sheet, as they are now."""
        return self.plan.layout.labels(sheet.name)


def open_run(folder: str | Path) -> ReviewRun:
    """Open the folder of a run; it may still be at work.

    Raises
    ------
    SettingsError
        The folder holds no run, or none of its sheets is done.
    """
    plan = read_plan(Path(folder))
    said = read_said(plan)
    sheets = [
        _sheet(entry, said.get(entry.name, {}))
        for entry in last_entries(plan.layout.ledger).values()
        if entry.state is State.DONE
    ]
    if not sheets:
        msg = f"No sheet of the run in {folder} is done yet."
        raise SettingsError(msg)
    return ReviewRun(plan, tuple(sorted(sheets, key=lambda s: (s.confidence, s.name))))


def read_said(plan: Plan) -> dict[str, dict[str, Any]]:
    """Give what was said of sheets last, by their names.

    Returns
    -------
    dict of str to dict
        ``verdict``, ``leaves`` (after a repair), ``training``; each where it was said.

    Raises
    ------
    HerbariumError
        It cannot be read.
    """
    said: dict[str, dict[str, Any]] = {}
    for line in read_lines(plan.layout.reviewed):
        said.setdefault(line["sheet"], {}).update(line)
    return said


def as_reviewed(plan: Plan, entries: Iterable[Entry]) -> list[Entry]:
    """Give ends of sheets with what reviewers said: verdict, and leaves after a repair.

    Raises
    ------
    HerbariumError
        What they said cannot be read.
    """
    said = read_said(plan)
    return [_with_said(entry, said.get(entry.name, {})) for entry in entries]


def _with_said(entry: Entry, said: dict[str, Any]) -> Entry:
    known: dict[str, Any] = {k: said[k] for k in ("verdict", "leaves") if k in said}
    if not known or entry.state is not State.DONE:
        return entry
    return replace(entry, facts={**entry.facts, **known})


def _sheet(entry: Entry, said: dict[str, Any]) -> ReviewSheet:
    training = said.get("training")
    return ReviewSheet(
        entry,
        Verdict(said.get("verdict", "")),
        None if training is None else Path(training),
        said.get("leaves"),
    )
