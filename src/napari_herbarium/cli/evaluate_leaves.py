"""`napari-herbarium evaluate-leaves`: whole leaves found, accepted and measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from napari_herbarium.cli import options
from napari_herbarium.cli.evaluate import records
from napari_herbarium.cli.inputs import check_file
from napari_herbarium.cli.show import sentences, with_bar
from napari_herbarium.evaluate.leaves import LEAST_IOU, SheetLeaves
from napari_herbarium.evaluate.leaves_report import (
    counts_table,
    relative_errors,
    trait_errors,
)
from napari_herbarium.evaluate.leaves_run import LeafEvaluation, iter_evaluate_leaves
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import without
from napari_herbarium.measure.files.export import write_json
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.device import choose_device

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

Data = Annotated[
    Path,
    typer.Option(
        help="Folder with images/, masks/ and instances/ (<stem>.png with one number "
        "per leaf, <stem>.json with the whole ones)."
    ),
]
LabelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="Score the labels that `segment` wrote here instead of segmenting.",
        exists=True,
        file_okay=False,
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(help="Pattern of sheets not to be scored (may be repeated)."),
]
LeastIou = Annotated[
    float,
    typer.Option(help="IoU from which a leaf counts as found.", min=0.51, max=1),
]
Out = Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")]


@options.with_settings
def score_leaves(
    data: Data,
    labels: LabelsFolder = None,
    *,
    segment: options.Look,
    leaves: options.Touching,
    leave_out: LeaveOut = None,
    least_iou: LeastIou = LEAST_IOU,
    out: Out = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Print precision, recall and F1 of whole leaves and the errors of their traits."""
    with sentences():
        how = LeafEvaluation(segment, leaves, labels=labels, least_iou=least_iou)
        if out is not None:
            check_file(out, overwrite=overwrite)
        pairs = without(find_pairs(data), leave_out or ())
        used = _model(how)
        scores = with_bar(iter_evaluate_leaves(data, pairs, used, how))
        _print(scores, used, how)
        if out is not None:
            _write(out, scores, used, how)


def _model(how: LeafEvaluation) -> LeafModel | None:
    if how.labels is not None:
        return None
    choose_device(how.segment.device)
    return load_model(how.segment.model)


def _print(
    scores: Sequence[SheetLeaves], model: LeafModel | None, how: LeafEvaluation
) -> None:
    if model is None:
        typer.echo(f"Labels in {how.labels}, IoU >= {how.least_iou:g}")
    else:
        typer.echo(
            f"{model.config.name} ({model.sha256[:12]}), detail {how.segment.detail}, "
            f"IoU >= {how.least_iou:g}"
        )
    for table in _tables(scores).values():
        typer.echo("")
        text = table.to_string(index=False, float_format="{:.4f}".format, na_rep="-")
        typer.echo(text)


def _tables(scores: Sequence[SheetLeaves]) -> dict[str, pd.DataFrame]:
    return {
        "leaves": counts_table(scores),
        "relative_errors": relative_errors(scores),
        "trait_errors_px": trait_errors(scores),
    }


def _write(
    out: Path,
    scores: Sequence[SheetLeaves],
    model: LeafModel | None,
    how: LeafEvaluation,
) -> None:
    facts = {"name": model.config.name, "sha256": model.sha256} if model else None
    content = {
        "model": facts,
        "labels": None if how.labels is None else str(how.labels),
        "segment_settings": how.segment.model_dump(mode="json"),
        "leaf_settings": how.leaves.model_dump(mode="json"),
        "least_iou": how.least_iou,
        **{name: records(table) for name, table in _tables(scores).items()},
    }
    write_json(out, content)
