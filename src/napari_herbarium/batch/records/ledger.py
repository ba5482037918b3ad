"""What became of every sheet: done, failed with a reason, or skipped with one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from napari_herbarium.batch.records.journal import Journal, read_lines


class State(StrEnum):
    """How a sheet ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Entry:
    """The end of one sheet.

    Attributes
    ----------
    source : str
        Path or URL; identifies the sheet within the run.
    name : str
        What its results are called.
    state : State
        How it ended.
    reason : str
        One sentence unless done.
    facts : dict
        JSON-able: catalogue number, scale, leaves, confidence, seconds...
    at : str
        When, in UTC.
    """

    source: str
    name: str
    state: State
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    at: str = ""


def read_entries(path: Path) -> Iterator[Entry]:
    """Give every line of a ledger in the order of writing.

    A sheet that was done again has several; the last one counts.

    Raises
    ------
    HerbariumError
        The file cannot be read.
    """
    for line in read_lines(path):
        yield Entry(
            source=line["source"],
            name=line["name"],
            state=State(line["state"]),
            reason=line.get("reason", ""),
            facts=line.get("facts", {}),
            at=line.get("at", ""),
        )


def last_entries(path: Path) -> dict[str, Entry]:
    """Give how each sheet ended, by its source.

    Raises
    ------
    HerbariumError
        The file cannot be read.
    """
    return {entry.source: entry for entry in read_entries(path)}


class Ledger:
    """Writes down how sheets ended; only the process that leads a run does so.

    Parameters
    ----------
    path : Path
        The ledger, made when it does not exist.

    Raises
    ------
    HerbariumError
        It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def add(self, entry: Entry) -> None:
        """Write down the end of a sheet.

        Raises
        ------
        HerbariumError
            It cannot be written.
        """
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "source": entry.source,
            "name": entry.name,
            "state": entry.state.value,
        }
        more = {"reason": entry.reason, "facts": entry.facts}
        self._journal.add({**line, **{k: v for k, v in more.items() if v}})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
