"""`napari-herbarium measure`: labels to a table of traits and to outlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from napari_herbarium import words
from napari_herbarium.cli import options
from napari_herbarium.cli.attempt import attempt_all
from napari_herbarium.cli.inputs import check_folder, check_name
from napari_herbarium.cli.labels_inputs import LabelsInput, find_labels
from napari_herbarium.cli.late_rows import LateRows
from napari_herbarium.cli.measure_outputs import (
    MeasureOutputs,
    check_measure_outputs,
    parsed_formats,
    put_rows,
)
from napari_herbarium.cli.show import FAILED, sentences
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.columns import check_image
from napari_herbarium.measure.files.export import write_json, write_overlay
from napari_herbarium.measure.files.labels_file import (
    facts_of_labels,
    flips_beside,
    read_labels,
)
from napari_herbarium.measure.files.shapes_export import write_coco, write_geojson
from napari_herbarium.measure.files.table_export import provenance
from napari_herbarium.measure.table import SheetFacts, iter_leaf_table, partial_labels
from napari_herbarium.measure.whole.models import classifier_facts
from napari_herbarium.progress import Job
from napari_herbarium.settings import DEFAULT_WHOLE_MODEL, ScaleSettings, WholeSettings
from napari_herbarium.sheet.read import read_sheet

MOST_HARMONICS = 50

Labels = Annotated[
    list[str],
    typer.Argument(
        help="Labels (TIFF or PNG), folders of them, or patterns such as "
        '"out/*.leaves.tif".'
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for the results.", file_okay=False)]
Pictures = Annotated[
    Path | None,
    typer.Option(
        "--image",
        help="The sheet, or the folder of the sheets, as large as the labels: for "
        "colours, scale and overlay.",
        exists=True,
    ),
]
Harmonics = Annotated[
    int,
    typer.Option(help="Elliptic Fourier harmonics to add.", min=0, max=MOST_HARMONICS),
]
Formats = Annotated[
    str, typer.Option(help="Of csv, parquet, coco and geojson, with commas.")
]
Overlay = Annotated[
    bool,
    typer.Option(
        "--overlay", help="Draw outlines and numbers onto the sheet; needs --image."
    ),
]


@dataclass(frozen=True)
class How:
    """What all labels of a run share."""

    scale: ScaleSettings
    harmonics: int
    sheets: frozenset[str]
    judge: WholeSettings
    late: LateRows = field(default_factory=LateRows)


@options.with_settings
def measure_labels(
    labels: Labels,
    out: Out,
    image: Pictures = None,
    *,
    scale: options.Scale,
    harmonics: Harmonics = 0,
    whole_model: options.WholeModel = DEFAULT_WHOLE_MODEL,
    formats: Formats = "csv",
    overlay: Overlay = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Measure the leaves of labels and write what was found.

    Where a JSON file that napari saved beside the labels says which leaves the user
    takes for whole, that counts.

    The exit code is 0 when all files were measured, 1 when some failed (they are
    named, the others are done), 2 when the command made no sense or was refused
    before any work.
    """
    with sentences():
        if overlay and image is None:
            msg = "An overlay is drawn onto the sheet; give it with --image."
            raise SettingsError(msg)
        judge = WholeSettings(model=whole_model)
        classifier_facts(judge)  # refused before any work
        wanted = parsed_formats(formats)
        tasks = find_labels(labels, image)
        check_folder(out)
        outputs = {t: MeasureOutputs(out, t.sheet, wanted, overlay) for t in tasks}
        check_measure_outputs(
            outputs.values(),
            [task.path for task in tasks],
            harmonics=harmonics,
            overwrite=overwrite,
        )
        sheets = frozenset(task.sheet for task in tasks)
        done, complete = _run(outputs, How(scale, harmonics, sheets, judge))
    _say_where(done)
    if not complete:
        raise typer.Exit(FAILED)


def _run(
    outputs: dict[LabelsInput, MeasureOutputs], how: How
) -> tuple[dict[MeasureOutputs, int], bool]:
    """Measure every file; give the number of leaves of those that worked.

    And whether nothing lacks.
    """
    jobs = (
        (where, task.sheet, str(task.path), iter_measured(task, where, how))
        for task, where in outputs.items()
    )
    return attempt_all(jobs, len(outputs), how.late)


def iter_measured(task: LabelsInput, where: MeasureOutputs, how: How) -> Job[int]:
    """Measure one file of labels and write the results; give its number of leaves.

    The tables come last, so that their rows stand for finished sheets only.

    Raises
    ------
    HerbariumError
        Labels or picture cannot be read or do not fit, or a result not be written.
    """
    check_name(task.path)
    picture = task.picture()
    found = read_labels(task.path)
    sheet = None if picture is None else read_sheet(picture)
    if sheet is not None:
        check_image(sheet.image, found.labels.shape)
    facts = facts_of_labels(found, sheet, how.scale)
    image = None if sheet is None else np.asarray(sheet.image)
    flipped = flips_beside(task.path)
    table = yield from iter_leaf_table(
        found.labels,
        facts,
        image,
        harmonics=how.harmonics,
        flipped=flipped,
        judge=how.judge,
    )
    _write_shapes(where, found.labels, table, picture)
    if where.picture is not None:
        partial = partial_labels(table)
        write_overlay(where.picture, image, found.labels, partial=partial)
    told = _told(task, picture, facts, how, flipped)
    write_json(where.sidecar, told)
    _put_in_tables(where, table, how)
    return len(table)


def _put_in_tables(where: MeasureOutputs, table: pd.DataFrame, how: How) -> None:
    put = partial(
        put_rows,
        rows=table,
        sheet=where.sheet,
        sheets=how.sheets,
        harmonics=how.harmonics,
    )
    for path in where.tables:
        how.late.put(path, where.sheet, put)


def _write_shapes(
    where: MeasureOutputs,
    labels: NDArray[np.integer],
    table: pd.DataFrame,
    picture: Path | None,
) -> None:
    if where.coco is not None:
        name = where.sheet if picture is None else picture.name
        write_coco(where.coco, labels, table, name)
    if where.geojson is not None:
        write_geojson(where.geojson, labels, table)


def _told(
    task: LabelsInput,
    picture: Path | None,
    facts: SheetFacts,
    how: How,
    flipped: Mapping[int, bool],
) -> dict[str, object]:
    settings = {
        "harmonics": how.harmonics,
        "scale": how.scale.model_dump(mode="json"),
        "whole": how.judge.model_dump(mode="json"),
    }
    return provenance(
        facts,
        labels=task.path,
        image=picture,
        settings=settings,
        flipped=flipped,
        classifier=classifier_facts(how.judge),
    )


def _say_where(done: dict[MeasureOutputs, int]) -> None:
    if not done:
        typer.echo("No labels were measured.")
        return
    leaves = words.leaves(sum(done.values()))
    typer.echo(f"Measured {leaves} on {words.sheets(len(done))}.")
    first = next(iter(done))
    for path in first.tables:
        typer.echo(f"Table:   {path}")
    for path in first.files:
        # One sheet is named, several by a pattern.
        name = path.name if len(done) == 1 else path.name.replace(first.sheet, "*", 1)
        typer.echo(f"Sheet:   {path.with_name(name)}")
