"""`napari-herbarium batch`: many sheets, restartable, here or on a cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import rich.progress
import typer

from napari_herbarium import words
from napari_herbarium.batch.cluster.crew import check_workforce, has_dashboard
from napari_herbarium.batch.prepare import Preparation, prepare
from napari_herbarium.batch.records.ledger import State
from napari_herbarium.batch.run import BatchJob, BatchProgress, BatchReport, iter_batch
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.cli import options
from napari_herbarium.cli.inputs import check_folder, check_text
from napari_herbarium.cli.interrupt import STOPPED, finish_unless_stopped
from napari_herbarium.cli.show import FAILED, complain, progress_bar, sentences

SECONDS_BETWEEN_LINES = 60.0
MOST_NAMED = 10
NO_DASHBOARD = "No Dask dashboard; 'python -m pip install bokeh' adds it."

Inputs = Annotated[
    list[str],
    typer.Argument(
        help='Sheets, folders, patterns such as "scans/**/*.tif", URLs (s3://, '
        "https://), or tables of sheets (CSV, TSV, Parquet) with a column 'path' or "
        "'url'; 'catalogNumber' and 'mm_per_px' are used, other columns carried."
    ),
]
Out = Annotated[
    Path, typer.Option(help="Folder of the run; the same one goes on.", file_okay=False)
]
Measure = Annotated[bool, typer.Option("--measure", help="Measure every leaf.")]
Overlay = Annotated[
    bool, typer.Option("--overlay", help="Write a picture of every sheet's leaves.")
]
Who = Annotated[
    Workforce,
    {
        "workers": typer.Option(
            help="Worker processes here, or jobs of the cluster.",
            show_default="one per GPU, else what cores and memory allow",
        ),
        "scheduler": typer.Option(
            help="Address of a Dask scheduler that runs already."
        ),
        "cluster": typer.Option(help="Submit jobs: slurm, pbs, lsf, htcondor or sge."),
        "cluster_config": typer.Option(
            help="YAML: what a job asks for (cores, memory, queue, ...)."
        ),
        "lanes": typer.Option(
            help="Sheets that a worker has in hand at once: read and write."
        ),
    },
]
NewRun = Annotated[
    bool,
    typer.Option(
        "--new-run",
        help="Begin anew; the run that is there is kept in the subfolder 'earlier'.",
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Do sheets again that failed.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Write all rows to traits.csv, too.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
]


@options.with_settings
def batch_sheets(
    inputs: Inputs,
    out: Out,
    *,
    workforce: Who,
    measure: Measure = False,
    overlay: Overlay = False,
    csv: Csv = False,
    new_run: NewRun = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    segment: options.Segment,
    leaves: options.Leaves,
    scale: options.Scale,
) -> None:
    """Segment, and measure if wanted, many sheets; the same command goes on.

    The exit code is 0 when all sheets were done, 1 when some failed (they are named,
    the others are done) or the run had to stop, 2 when the command made no sense or
    was refused before any work, 130 when it was stopped (Ctrl-C, SIGTERM).
    """
    with sentences():
        settings = BatchSettings(
            segment=segment,
            leaves=leaves,
            scale=scale,
            measure=measure,
            overlay=overlay,
        )
        check_text(out)
        check_folder(out)
        if dry_run:
            check_workforce(workforce)
            _say_plan(
                prepare(
                    inputs, out, settings, new_run=new_run, retry_failed=retry_failed
                )
            )
            return
        job = iter_batch(
            inputs,
            out,
            settings,
            workforce,
            new_run=new_run,
            retry_failed=retry_failed,
            csv=csv,
        )
        report = _run(job)
    _say(report)
    if report.failed:
        raise typer.Exit(FAILED)


def _run(job: BatchJob) -> BatchReport:
    """Run to the end; leaves with an exit code when it is stopped."""
    with progress_bar() as bar:
        stopping = "Stopping; sheets in work are left for the next time ..."
        report = finish_unless_stopped(
            job, _Teller(bar).tell, partial(complain, bar, stopping)
        )
    if report is not None:
        return report
    typer.echo("Stopped. The same command goes on with what is missing.")
    raise typer.Exit(STOPPED)


@dataclass
class _Teller:
    """Tells how far a run is: by a bar, or by a line a minute where there is none."""

    bar: rich.progress.Progress
    _row: rich.progress.TaskID | None = None
    _told: float = field(default_factory=time.monotonic)
    _dashboard: str | None = None

    def tell(self, now: BatchProgress) -> None:
        for entry in now.news:
            if entry.state is State.FAILED:
                complain(self.bar, f"Failed: {entry.name}: {entry.reason}")
        if now.dashboard and now.dashboard != self._dashboard:
            self._dashboard = now.dashboard
            complain(self.bar, f"Dashboard: {now.dashboard}")
        if self._row is None and not has_dashboard():
            complain(self.bar, NO_DASHBOARD)
        if self._row is None:
            self._row = self.bar.add_task("Sheets", total=now.total, unit="")
            complain(
                self.bar,
                f"{now.total - now.done:,} of {words.sheets(now.total)} to do.",
            )
        self.bar.update(
            self._row, completed=now.done, total=now.total, unit=_how_fast(now)
        )
        if self.bar.disable and time.monotonic() - self._told > SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            complain(
                self.bar, f"{now.done:,} of {words.sheets(now.total)}, {_how_fast(now)}"
            )


def _how_fast(now: BatchProgress) -> str:
    parts = [] if now.what == "sheets" else [now.what]
    if now.waiting:
        parts.append("waiting for workers")
    elif now.per_second:
        parts.append(f"{3600 * now.per_second:,.0f} sheets/h")
        if now.seconds_left is not None:
            parts.append(f"{words.duration(now.seconds_left)} left")
    elif not parts:
        parts.append("workers are at the first sheets")
    if now.failed:
        parts.append(f"{now.failed:,} failed")
    return ", ".join(parts)


def _say(report: BatchReport) -> None:
    skipped = f", {report.skipped:,} skipped" if report.skipped else ""
    typer.echo(
        f"{words.sheets(report.done)} done ({report.done_now:,} now, in "
        f"{words.duration(report.seconds)}), {report.failed:,} failed{skipped}; "
        f"{words.leaves(report.leaves)}."
    )
    typer.echo(f"Labels:  {report.out / 'labels'}")
    typer.echo(f"Traits:  {report.out / 'traits'}")
    typer.echo(f"Report:  {report.page}")
    if report.failed:
        typer.echo("Sheets that failed are in the report; --retry-failed tries again.")


def _say_plan(ready: Preparation) -> None:
    states = list(ready.states.values())
    done, failed = states.count(State.DONE), states.count(State.FAILED)
    typer.echo(
        f"{words.sheets(len(ready.todo))} to do; {done:,} done and {failed:,} failed "
        "before."
    )
    if ready.repeated:
        typer.echo(
            f"{words.sheets(ready.repeated)} given more than once, to be done once."
        )
    _list("skipped", [f"{each.name}: {each.reason}" for each in ready.skipped])
    renamed = [f"{source}: {name}" for source, name in ready.renamed.items()]
    _list("get another name, because theirs is taken", renamed)
    typer.echo(f"Model {ready.plan.model_name}, results in {ready.plan.layout.out}.")


def _list(what: str, lines: list[str]) -> None:
    if not lines:
        return
    more = len(lines) - MOST_NAMED
    typer.echo(f"{len(lines):,} {what}:")
    for line in lines[:MOST_NAMED]:
        typer.echo(f"  {line}")
    if more > 0:
        typer.echo(f"  and {more:,} more")
