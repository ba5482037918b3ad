"""`napari-herbarium evaluate`: figures of a model on labelled sheets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from napari_herbarium.cli import options
from napari_herbarium.cli.inputs import check_file, check_folder
from napari_herbarium.cli.show import sentences, with_bar
from napari_herbarium.errors import SettingsError
from napari_herbarium.evaluate.pairs import find_pairs, read_groups
from napari_herbarium.evaluate.report import SheetScore, sheet_table, summary_table
from napari_herbarium.evaluate.run import Evaluation, iter_evaluate
from napari_herbarium.files import replacing
from napari_herbarium.measure.files.export import write_json
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.device import choose_device
from napari_herbarium.settings import LeafSettings

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

FORMATS = (".json", ".csv")

Data = Annotated[
    Path,
    typer.Option(
        help="Folder with images/ and masks/ by stem; masks as for training: 0 and 1 "
        "(255 ignored), 0 and 255, or a number per leaf."
    ),
]
GroupFile = Annotated[
    Path | None,
    typer.Option(help="CSV with columns sheet and group: figures per group too."),
]
WithoutLeaves = Annotated[
    list[Path] | None,
    typer.Option(help="A sheet that carries no leaf (may be repeated)."),
]
Tolerance = Annotated[
    float,
    typer.Option(
        help="Distance in px of the stored sheet within which outlines agree.", min=0
    ),
]
AsLeaves = Annotated[
    bool,
    typer.Option(
        "--as-leaves",
        help="Score the labels that `segment` writes, not the bare probability.",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Write the figures to this .json or .csv file.")
]
Errors = Annotated[
    Path | None,
    typer.Option(help="Folder for pictures: missed leaf blue, false leaf red."),
]


@options.with_settings
def evaluate_model(
    data: Data,
    *,
    segment: options.Segment,
    group_file: GroupFile = None,
    without_leaves: WithoutLeaves = None,
    tolerance: Tolerance = 2.0,
    as_leaves: AsLeaves = False,
    out: Out = None,
    errors: Errors = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Print IoU, precision, recall and boundary F per sheet, per group and overall."""
    with sentences():
        _check_out(out, overwrite=overwrite)
        if errors is not None:
            check_folder(errors, option="--errors")
        pairs = find_pairs(data)
        stems = [pair.stem for pair in pairs]
        how = Evaluation(
            segment,
            LeafSettings() if as_leaves else None,
            tolerance,
            read_groups(group_file, stems) if group_file else {},
            errors,
        )
        choose_device(segment.device)
        used = load_model(segment.model)
        scores = with_bar(iter_evaluate(pairs, used, how, without_leaves or ()))
        _print(scores, used, how)
        if out is not None:
            _write(out, scores, used, how)


def _check_out(out: Path | None, *, overwrite: bool) -> None:
    if out is None:
        return
    if out.suffix.lower() not in FORMATS:
        msg = f"--out is {out}; name a .json or .csv file."
        raise SettingsError(msg)
    check_file(out, overwrite=overwrite)


def _print(scores: Sequence[SheetScore], model: LeafModel, how: Evaluation) -> None:
    scored = "labels" if how.leaves else f"probability >= {model.config.threshold:g}"
    typer.echo(
        f"{model.config.name} ({model.sha256[:12]}), detail {how.segment.detail}, "
        f"{scored}, outlines within {how.tolerance:g} px"
    )
    for table in (sheet_table(scores), summary_table(scores)):
        typer.echo("")
        typer.echo(_as_text(table))


def _as_text(table: pd.DataFrame) -> str:
    digits = {"false_share": "{:.5f}".format}
    return table.to_string(
        index=False, float_format="{:.4f}".format, formatters=digits, na_rep="-"
    )


def _write(
    out: Path, scores: Sequence[SheetScore], model: LeafModel, how: Evaluation
) -> None:
    sheets, summary = sheet_table(scores), summary_table(scores)
    if out.suffix.lower() == ".csv":
        with replacing(out) as temporary:
            sheets.to_csv(temporary, index=False, float_format="%.6f")
        return
    leaves = how.leaves
    write_json(
        out,
        {
            "model": {"name": model.config.name, "sha256": model.sha256},
            "segment_settings": how.segment.model_dump(mode="json"),
            "leaf_settings": leaves.model_dump(mode="json") if leaves else None,
            "tolerance_px": how.tolerance,
            "sheets": records(sheets),
            "summary": records(summary),
        },
    )


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the rows of a table as JSON can hold them, which has no NaN."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
