"""The run: from inputs to labels, dataset, ledger and report."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from napari_herbarium.batch.cluster.crew import Crew, check_workforce, crew_for
from napari_herbarium.batch.dispatch import Dispatcher, Do
from napari_herbarium.batch.earlier import remove_half_written, set_aside
from napari_herbarium.batch.plan import write_plan
from napari_herbarium.batch.prepare import Preparation, prepare
from napari_herbarium.batch.records.begun import left_behind
from napari_herbarium.batch.records.ledger import Entry, Ledger, State, last_entries
from napari_herbarium.batch.records.lock import leading
from napari_herbarium.batch.records.store import write_sheets_table, write_traits_csv
from napari_herbarium.batch.report.page import write_report
from napari_herbarium.batch.reviewed import as_reviewed
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.batch.worker import do_sheet
from napari_herbarium.progress import Progress

RATE_OVER_S = 120.0


@dataclass(frozen=True)
class BatchProgress(Progress):
    """How far a run has come.

    Attributes
    ----------
    failed, skipped : int
        Of the sheets that are counted as done.
    per_second : float
        Sheets per second, lately.
    seconds_left : float or None
        None while nobody knows.
    dashboard : str or None
        Link to Dask's dashboard.
    news : tuple of Entry
        Sheets that ended since the last report.
    waiting : bool
        There is no worker now, because none has come yet or all are gone.
    """

    failed: int = 0
    skipped: int = 0
    per_second: float = 0.0
    seconds_left: float | None = None
    dashboard: str | None = None
    news: tuple[Entry, ...] = ()
    waiting: bool = False


@dataclass(frozen=True)
class BatchReport:
    """How a run ended.

    Attributes
    ----------
    out : Path
        Folder of the run.
    done, failed, skipped : int
        Sheets in the ledger, by how they ended.
    done_now, failed_now : int
        Those of this time.
    leaves : int
        Found on all sheets.
    seconds : float
        Taken this time.
    failures : tuple of Entry
        All sheets that failed.
    page : Path
        The report to look at.
    """

    out: Path
    done: int
    failed: int
    skipped: int
    done_now: int
    failed_now: int
    leaves: int
    seconds: float
    failures: tuple[Entry, ...]
    page: Path


BatchJob: TypeAlias = Generator[BatchProgress, None, BatchReport]
CrewMaker: TypeAlias = Callable[[], AbstractContextManager[Crew]]


def iter_batch(
    inputs: Sequence[str | Path],
    out: str | Path,
    settings: BatchSettings | None = None,
    workforce: Workforce | None = None,
    *,
    new_run: bool = False,
    retry_failed: bool = False,
    csv: bool = False,
    crew: CrewMaker | None = None,
    do: Do = do_sheet,
) -> BatchJob:
    """Segment, and measure if wanted, many sheets.

    What was done earlier in the same folder is not done again. Closing the generator
    stops the run; so does killing it, and the next one goes on where it ended.

    Parameters
    ----------
    inputs : sequence of str or path
        Sheets, folders, patterns, URLs, or tables of sheets (CSV, TSV, Parquet); see
        `napari_herbarium.batch.inputs.manifest.read_manifest`.
    out : path
        Folder of the run: ``labels/``, ``traits/`` (a Parquet dataset),
        ``sheets.parquet``, ``ledger.jsonl``, ``report.html``.
    settings : BatchSettings, optional
        What decides the results.
    workforce : Workforce, optional
        Who does the work.
    new_run : bool
        Set an earlier run aside (into the subfolder ``earlier``) and begin anew.
    retry_failed : bool
        Do sheets again that failed.
    csv : bool
        Write ``traits.csv``, too.
    crew, do : callable, optional
        Other workers, and other work; for tests and benchmarks.

    Yields
    ------
    BatchProgress
        A few times a second.

    Returns
    -------
    BatchReport

    Raises
    ------
    SettingsError
        The inputs make no sense, the run in the folder was made with other settings,
        or somebody else is at it.
    ModelError
        There is no such model, or a worker has another one.
    HerbariumError
        The run cannot go on, as when the disk is full.
    """
    out, settings = Path(out).absolute(), settings or BatchSettings()
    started = time.monotonic()
    workforce = workforce or Workforce()
    if crew is None:
        check_workforce(workforce)
    with leading(out / ".running"):
        ready = prepare(
            inputs, out, settings, new_run=new_run, retry_failed=retry_failed
        )
        counts = Counts.of(ready)
        yield replace(counts.progress(None), waiting=True)
        logs = ready.plan.layout.jobs
        make = crew or partial(crew_for, workforce, settings.segment.device, logs)
        # Workers first: where none can be had, nothing is written or set aside.
        with make() if ready.todo else nullcontext() as workers:
            if new_run:
                set_aside(ready.plan.layout)
            write_plan(ready.plan)  # of an earlier run, too: its batch may be another
            yield from _iter_sheets(ready, counts, workers, do)
        ended = last_entries(ready.plan.layout.ledger).values()
        entries = as_reviewed(ready.plan, ended)
        yield replace(counts.progress(None), what="sheets; writing the report")
        _write_tables(ready, entries, csv=csv)
        page = write_report(ready.plan, entries)
    return _report(out, entries, counts, time.monotonic() - started, page)


def _iter_sheets(
    ready: Preparation, counts: Counts, crew: Crew | None, do: Do
) -> Iterator[BatchProgress]:
    layout = ready.plan.layout
    interrupted = left_behind(layout.begun)
    remove_half_written(layout)
    with Ledger(layout.ledger) as ledger:
        for entry in ready.skipped:
            ledger.add(entry)
        if crew is None:
            return
        dispatcher = Dispatcher(crew, ready.plan, uuid4().hex, do)
        try:
            for entries in _run(dispatcher, ready, interrupted):
                for entry in entries:
                    ledger.add(entry)
                counts.add(entries)
                told = counts.progress(crew.dashboard, tuple(entries))
                yield replace(told, waiting=not dispatcher.lanes())
        finally:
            dispatcher.close()


def _run(
    dispatcher: Dispatcher, ready: Preparation, interrupted: set[str]
) -> Iterator[list[Entry]]:
    """Do all sheets, last those in whose midst an earlier leader died.

    Should one of them have brought down the whole machine, the others are done.
    """
    return dispatcher.run(
        (task for task in ready.todo if task[1] not in interrupted),
        (task for task in ready.todo if task[1] in interrupted),
    )


@dataclass
class Counts:
    """Counts sheets and knows how fast they go."""

    total: int
    done: int
    failed: int
    skipped: int
    done_now: int = 0
    failed_now: int = 0
    _times: deque[tuple[float, int]] = field(default_factory=deque)

    @classmethod
    def of(cls, ready: Preparation) -> Counts:
        """Begin with what was done earlier."""
        failed = sum(state is State.FAILED for state in ready.states.values())
        before = len(ready.states)
        counts = cls(before + len(ready.todo), before, failed, len(ready.skipped))
        counts._times.append((time.monotonic(), before))
        return counts

    def add(self, entries: Sequence[Entry]) -> None:
        """Count sheets that ended."""
        failed = sum(entry.state is State.FAILED for entry in entries)
        self.done += len(entries)
        self.failed += failed
        self.done_now += len(entries) - failed
        self.failed_now += failed
        now = time.monotonic()
        if entries and not (self.done_now + self.failed_now - len(entries)):
            self._times.clear()  # what it took to start says nothing of the rate
        if entries:
            self._times.append((now, self.done))
        while len(self._times) > 2 and now - self._times[0][0] > RATE_OVER_S:
            self._times.popleft()

    def progress(
        self, dashboard: str | None, news: tuple[Entry, ...] = ()
    ) -> BatchProgress:
        """Say how far the run is."""
        since, before = self._times[0]
        rate = (self.done - before) / max(1e-9, time.monotonic() - since)
        left = (self.total - self.done) / rate if rate else None
        return BatchProgress(
            self.done,
            self.total,
            "sheets",
            self.failed,
            self.skipped,
            rate,
            left,
            dashboard,
            news,
        )


def _write_tables(ready: Preparation, entries: Sequence[Entry], *, csv: bool) -> None:
    write_sheets_table(ready.plan, entries)
    if csv:
        done = [entry.name for entry in entries if entry.state is State.DONE]
        write_traits_csv(ready.plan, done)


def _report(
    out: Path, entries: Sequence[Entry], counts: Counts, seconds: float, page: Path
) -> BatchReport:
    by_state = {state: [e for e in entries if e.state is state] for state in State}
    return BatchReport(
        out=out,
        done=len(by_state[State.DONE]),
        failed=len(by_state[State.FAILED]),
        skipped=len(by_state[State.SKIPPED]),
        done_now=counts.done_now,
        failed_now=counts.failed_now,
        leaves=sum(e.facts.get("leaves", 0) for e in by_state[State.DONE]),
        seconds=seconds,
        failures=tuple(by_state[State.FAILED]),
        page=page,
    )
