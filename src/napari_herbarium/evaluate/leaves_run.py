"""Score the whole leaves of labelled sheets, segmented now or before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.evaluate.leaves import LEAST_IOU, SheetLeaves, iter_score_leaves
from napari_herbarium.evaluate.pairs import Pair
from napari_herbarium.evaluate.truth import read_leaf_truth
from napari_herbarium.measure.files.labels_file import read_labels
from napari_herbarium.measure.whole import judge as whole
from napari_herbarium.progress import Job, Progress, reported
from napari_herbarium.segment.leaves import iter_extract_leaves
from napari_herbarium.segment.pixels import in_memory
from napari_herbarium.segment.predict import iter_segment
from napari_herbarium.settings import LeafSettings, ScaleSettings, SegmentSettings
from napari_herbarium.sheet.calibrate import settle_scale
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.sheet.sheet import Sheet

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel


@dataclass(frozen=True)
class LeafEvaluation:
    """How to score whole leaves.

    Attributes
    ----------
    segment : SegmentSettings
    leaves : LeafSettings
    labels : Path or None
        Folder with the ``<stem>.leaves.tif`` of an earlier run, to be scored instead
        of segmenting.
    least_iou : float
        From here a leaf counts as found.
    """

    segment: SegmentSettings = field(default_factory=SegmentSettings)
    leaves: LeafSettings = field(default_factory=LeafSettings)
    labels: Path | None = None
    least_iou: float = LEAST_IOU


def iter_evaluate_leaves(
    folder: Path, pairs: Sequence[Pair], model: LeafModel | None, how: LeafEvaluation
) -> Job[list[SheetLeaves]]:
    """Score every sheet.

    Parameters
    ----------
    folder : Path
        With ``instances/`` beside images and masks, see `truth.read_leaf_truth`.
    pairs : sequence of Pair
        Its sheets.
    model : LeafModel or None
        None when `how.labels` holds the labels.
    how : LeafEvaluation
        Settings.

    Raises
    ------
    SheetError
        A sheet, its truth or its labels cannot be read or differ in size.
    """
    scores: list[SheetLeaves] = []
    for pair in pairs:
        step = Progress(len(scores), len(pairs), "sheets")
        job = _iter_score(folder, pair, model, how)
        scores.append((yield from reported(job, step)))
    yield Progress(len(pairs), len(pairs), "sheets")
    return scores


def _iter_score(
    folder: Path, pair: Pair, model: LeafModel | None, how: LeafEvaluation
) -> Job[SheetLeaves]:
    truth = read_leaf_truth(folder, pair)
    sheet = read_sheet(pair.image)
    sheet = replace(sheet, image=in_memory(sheet.image))
    predicted = yield from _iter_labels(pair.stem, sheet, model, how)
    if predicted.shape != truth.labels.shape:
        msg = f"The leaves of {pair.stem} are {truth.labels.shape} px in the truth, "
        raise SheetError(f"{msg}but {predicted.shape} px in the prediction.")
    accepted = yield from iter_accepted(predicted, sheet.image)
    return (
        yield from iter_score_leaves(
            predicted, truth, accepted, sheet=pair.stem, least_iou=how.least_iou
        )
    )


def iter_accepted(labels: NDArray[np.integer], image: Any) -> Job[Collection[int]]:
    """Labels that the classifier takes for single whole leaves, as in the table."""
    probability = yield from whole.iter_whole_leaf_probability(labels, image)
    threshold = whole.default_whole_threshold()
    return {label for label, value in probability.items() if value >= threshold}


def _iter_labels(
    stem: str, sheet: Sheet, model: LeafModel | None, how: LeafEvaluation
) -> Job[NDArray[np.integer]]:
    if how.labels is not None:
        return read_labels(how.labels / f"{stem}.leaves.tif").labels
    sheet = settle_scale(sheet, ScaleSettings())
    probability = yield from iter_segment(sheet.image, model, how.segment)
    return (
        yield from iter_extract_leaves(
            probability,
            how.leaves,
            mm_per_px=sheet.mm_per_px,
            image=sheet.image,
            model_threshold=model.config.threshold if model else 0.5,
            judge=whole.quick_whole_probability,
        )
    )
