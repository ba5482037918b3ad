"""What would happen if the run were started now, in words."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_herbarium import words
from napari_herbarium._napari.batch.order import Order
from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import Job, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_herbarium.batch.plan import Plan

_PART = re.compile(r"^(segment|leaves|scale)\.")


@dataclass(frozen=True)
class Outlook:
    """What there is, and what is to be done.

    Attributes
    ----------
    todo, done, failed : int
        Sheets to do, and those that ended earlier. `failed` counts those that were
        not asked to be done again.
    others : int
        Files in the folders that are no sheets.
    has_run : bool
        The folder holds a run already.
    has_report : bool
        It ended with a report.
    is_reviewed : bool
        Reviewers said something since the tables and the report were written.
    changes : tuple of str
        In what the run in the folder differs from what is asked for; it cannot be gone
        on with, then, and nothing was counted.
    """

    todo: int = 0
    done: int = 0
    failed: int = 0
    others: int = 0
    has_run: bool = False
    has_report: bool = False
    is_reviewed: bool = False
    changes: tuple[str, ...] = ()

    def words(self) -> str:
        """Say it."""
        if self.changes:
            return (
                f"The results folder holds a run that was made otherwise: "
                f"{'; '.join(self.changes)}. Go back to those settings, choose another "
                "folder, or tick “Begin a new run”."
            )
        sheets = words.sheets(self.todo + self.done + self.failed)
        others = f" ({_skipped(self.others)})" if self.others else ""
        if not (self.done or self.failed):
            return f"{sheets}{others}."
        failed = f", {self.failed} failed" if self.failed else ""
        todo = f"{self.todo} to do" if self.todo else "nothing left to do"
        said = f"{sheets}{others}: {self.done} done earlier{failed}, {todo}."
        if self.is_reviewed and not self.todo:
            said += " Reviewed since the tables and the report were written."
        return said


def iter_outlook(order: Order) -> Job[Outlook]:
    """Find out what a run would do; nothing is written.

    Raises
    ------
    HerbariumError
        It could not be started; the message says why.
    """
    yield Progress(0, 0, "looking for sheets")
    _refuse_file(order.out)
    there = _look(order.out)
    if not there.has_run or order.anew:
        _refuse_missing(order.inputs)
    elif changes := _changes(order):
        return replace(there, changes=changes)
    return _counted(order, there)


def _look(out: Path) -> Outlook:
    """See what the results folder holds; nothing is counted."""
    from napari_herbarium.batch.records.layout import Layout

    layout = Layout(out.absolute())
    return Outlook(
        has_run=_exists(layout.run),
        has_report=_exists(layout.report),
        is_reviewed=_is_newer(layout.reviewed, layout.report),
    )


def _counted(order: Order, there: Outlook) -> Outlook:
    from napari_herbarium.batch.prepare import prepare
    from napari_herbarium.batch.records.ledger import State

    ready = prepare(
        order.inputs,
        order.out,
        order.settings,
        new_run=order.anew,
        retry_failed=order.retry,
    )
    states = list(ready.states.values())
    return replace(
        there,
        todo=len(ready.todo),
        done=states.count(State.DONE),
        failed=states.count(State.FAILED),
        others=len(ready.skipped),
    )


def _refuse_missing(inputs: Sequence[str]) -> None:
    """Refuse what is not there; a run that goes on fails with that sheet alone."""
    gone = [text for text in inputs if _is_path(text) and not _exists(text)]
    if gone:
        msg = f"There is no file or folder “{gone[0]}”: choose the sheets again."
        raise SettingsError(msg)


def _refuse_file(out: Path) -> None:
    if _exists(out) and not out.is_dir():
        msg = f"“{out}” is a file: choose a folder for the results."
        raise SettingsError(msg)


def _is_path(text: str) -> bool:
    return "://" not in text and not glob.has_magic(text)


def _exists(path: str | Path) -> bool:
    return os.path.exists(path)  # false, not an error, for a name no file can have


def _is_newer(path: Path, other: Path) -> bool:
    there = _exists(path) and _exists(other)
    return there and path.stat().st_mtime > other.stat().st_mtime


def _changes(order: Order) -> tuple[str, ...]:
    """Tell settings apart from those of the run in the folder."""
    from napari_herbarium.batch.plan import differences, make_plan, read_plan

    begun: Plan = read_plan(order.out)
    now = make_plan(order.out, order.settings, begun.columns, 0)
    return tuple(_plain(change) for change in differences(begun, now))


def _plain(change: str) -> str:
    """Name a setting as the form does, not as it is stored."""
    name, _, values = _PART.sub("", change).partition(" (")
    values = values.replace("False", "off").replace("True", "on")
    return f"{name.replace('_', ' ')} ({values}"


def _skipped(count: int) -> str:
    return f"{words.counted(count, 'other file')} skipped"
