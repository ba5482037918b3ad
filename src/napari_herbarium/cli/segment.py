"""`napari-herbarium segment`: sheets to labels, table and overlay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from napari_herbarium import words
from napari_herbarium.cli import options
from napari_herbarium.cli.attempt import attempt_all
from napari_herbarium.cli.inputs import SheetInput, check_folder, find_sheets
from napari_herbarium.cli.outputs import Outputs, check_outputs
from napari_herbarium.cli.show import FAILED, sentences
from napari_herbarium.cli.work import Done, Work, iter_sheet
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.whole.models import classifier_facts
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.device import choose_device
from napari_herbarium.results import LABELS, OVERLAY
from napari_herbarium.settings import DEFAULT_WHOLE_MODEL, WholeSettings

_MOST_NAMED = 10

Sheets = Annotated[
    list[str] | None,
    typer.Argument(
        help='Sheets, folders of sheets, or patterns such as "scans/*.tif".'
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for the results.", file_okay=False)]
Sample = Annotated[
    bool,
    typer.Option("--sample", help="Use the built-in drawn sheet; draws an overlay."),
]
Overlay = Annotated[
    bool, typer.Option("--overlay", help="Write a picture with outlines and numbers.")
]
Measure = Annotated[
    bool,
    typer.Option("--measure", help="Measure every leaf; writes traits.csv."),
]


@options.with_settings
def segment_sheets(
    out: Out,
    sheets: Sheets = None,
    sample: Sample = False,
    *,
    segment: options.Segment,
    leaves: options.Leaves,
    overlay: Overlay = False,
    measure: Measure = False,
    whole_model: options.WholeModel = DEFAULT_WHOLE_MODEL,
    scale: options.Scale,
    overwrite: options.Overwrite = False,
) -> None:
    """Segment the leaves of sheets and write what was found.

    The exit code is 0 when all sheets were done, 1 when some failed (they are named,
    the others are done), 2 when the command made no sense or was refused before any
    work.
    """
    with sentences():
        judge = WholeSettings(model=whole_model)
        classifier_facts(judge)  # refused before any work
        tasks = find_sheets(sheets or [], sample=sample)
        check_folder(out)
        drawn = overlay or sample
        _check(tasks, out, overlay=drawn, overwrite=overwrite)
        if not measure and whole_model != DEFAULT_WHOLE_MODEL:
            _check_measured_before(tasks, out)
        choose_device(segment.device)
        model = load_model(segment.model)
        work = Work(model, segment, leaves, scale, out, drawn, measure, judge)
        done, complete = _run(tasks, work)
    _say_where(done, work)
    if not complete:
        raise typer.Exit(FAILED)


def _check(
    tasks: Sequence[SheetInput], out: Path, *, overlay: bool, overwrite: bool
) -> None:
    check_outputs(
        [Outputs(out, task.stem) for task in tasks],
        [task.path for task in tasks if task.path is not None],
        overlay=overlay,
        overwrite=overwrite,
    )


def _check_measured_before(tasks: Sequence[SheetInput], out: Path) -> None:
    """Refuse a classifier that would judge nothing; earlier traits are made anew."""
    if not any(Outputs(out, task.stem).has_traits() for task in tasks):
        msg = "--whole-model judges leaves that are measured; add --measure."
        raise SettingsError(msg)


def _run(tasks: Sequence[SheetInput], work: Work) -> tuple[dict[str, Done], bool]:
    """Do every sheet; give by stem those that worked, and whether nothing lacks."""
    jobs = ((task.stem, task.stem, task.name, iter_sheet(task, work)) for task in tasks)
    return attempt_all(jobs, len(tasks), work.late)


def _say_where(done: dict[str, Done], work: Work) -> None:
    if not done:
        typer.echo("No sheet was segmented.")
        return
    # One sheet is named, several by a pattern.
    stem = next(iter(done)) if len(done) == 1 else "*"
    leaves = words.leaves(sum(one.leaves for one in done.values()))
    typer.echo(f"Found {leaves} on {words.sheets(len(done))}.")
    typer.echo(f"Labels:  {work.out / (stem + LABELS)}")
    typer.echo(f"Table:   {Outputs(work.out, stem).table}")
    if work.measure:
        typer.echo(f"Traits:  {Outputs(work.out, stem).traits}")
    if work.overlay:
        typer.echo(f"Overlay: {work.out / (stem + OVERLAY)}")
    _say_leafless(done)
    _say_scale(done)


def _say_leafless(done: dict[str, Done]) -> None:
    """Name sheets without leaves: no row of the table does."""
    without = [stem for stem, one in done.items() if not one.leaves]
    if without and len(done) > 1:
        named = words.some(without, _MOST_NAMED)
        typer.echo(f"No leaves on {len(without)} of {len(done)}: {named}.")


def _say_scale(done: dict[str, Done]) -> None:
    """Tell of sheets whose areas are in px only, and why the first one's are."""
    without = {stem: one.no_scale for stem, one in done.items() if one.no_scale}
    if without:
        stem, reason = next(iter(without.items()))
        typer.echo(
            f"No scale on {len(without)} of {len(done)}, so areas are in px; "
            f"--mm-per-px gives one. {stem}: {reason}"
        )
