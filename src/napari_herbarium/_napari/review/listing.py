"""The sheets of a run in the order in which they are looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from napari_herbarium import words
from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import Job, Progress

if TYPE_CHECKING:
    from napari_herbarium.batch.records.ledger import Entry
    from napari_herbarium.batch.reviewed import ReviewRun, ReviewSheet

TO_DO = "to look at"
FAILED = "failed"


class Show(StrEnum):
    """Which sheets are listed."""

    ALL = "all"
    TO_DO = "to do"
    FAILED = "failed"
    REJECTED = "rejected"
    TRAINING = "training"


@dataclass(frozen=True)
class Listing:
    """All sheets of a run: those done, the least certain first, then those that failed.

    Attributes
    ----------
    run : ReviewRun
        The run; its sheets are as they were when it was opened.
    sheets : tuple of ReviewSheet
        Its sheets, as they are now.
    failed : tuple of Entry
        Sheets without result, by name.
    """

    run: ReviewRun
    sheets: tuple[ReviewSheet, ...]
    failed: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.sheets) + len(self.failed)

    @property
    def training(self) -> Path:
        """Where training pairs go unless the user chooses another folder."""
        return self.run.plan.layout.out / "training"

    def sheet(self, index: int) -> ReviewSheet | None:
        """Give a sheet that was done; None for one that failed."""
        return self.sheets[index] if index < len(self.sheets) else None

    def entry(self, index: int) -> Entry:
        """Give what the ledger says of a sheet."""
        sheet = self.sheet(index)
        return self.failed[index - len(self.sheets)] if sheet is None else sheet.entry

    def state(self, index: int) -> str:
        """Say in a word how it stands with a sheet."""
        sheet = self.sheet(index)
        if sheet is None:
            return FAILED
        word = sheet.verdict.value or TO_DO
        return f"{word}, training" if sheet.training else word

    def with_sheet(self, index: int, sheet: ReviewSheet) -> Listing:
        """Give a listing in which a sheet is as it is now."""
        sheets = list(self.sheets)
        sheets[index] = sheet
        return replace(self, sheets=tuple(sheets))

    def indices(self, show: Show) -> list[int]:
        """Give the sheets of one kind, in order."""
        return [index for index in range(len(self)) if self._is(index, show)]

    def _is(self, index: int, show: Show) -> bool:
        sheet = self.sheet(index)
        if show is Show.ALL or sheet is None:
            return show in (Show.ALL, Show.FAILED)
        if show is Show.TO_DO:
            return not sheet.verdict
        if show is Show.TRAINING:
            return sheet.training is not None
        return show is Show.REJECTED and sheet.verdict.value == "rejected"

    def next_to_do(self, after: int) -> int | None:
        """Give the next sheet that nobody has judged, from the top when need be."""
        count = len(self.sheets)
        for step in range(1, count + 1):
            index = (after + step) % count
            if not self.sheets[index].verdict:
                return index
        return None

    def summary(self) -> str:
        """Say how far the review is."""
        states = [sheet.verdict.value or TO_DO for sheet in self.sheets]
        states += [FAILED] * len(self.failed)
        kinds = (TO_DO, "accepted", "repaired", "rejected", FAILED)
        counts = [f"{states.count(k):,} {k}" for k in kinds if k in states]
        return f"{words.sheets(len(states))}: {', '.join(counts)}."


def iter_listing(folder: Path) -> Job[Listing]:
    """Open a run.

    Raises
    ------
    HerbariumError
        The folder holds none, or none of its sheets has ended.
    """
    from napari_herbarium.batch.plan import read_plan
    from napari_herbarium.batch.records.ledger import State, last_entries
    from napari_herbarium.batch.reviewed import ReviewRun, open_run

    yield Progress(0, 0, "opening the run")
    plan = read_plan(folder)
    entries = last_entries(plan.layout.ledger).values()
    failed = _by_name([entry for entry in entries if entry.state is State.FAILED])
    try:
        run = open_run(folder)
    except SettingsError:
        if not failed:
            raise
        run = ReviewRun(plan, ())
    return Listing(run, run.sheets, failed)


def _by_name(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.name))
