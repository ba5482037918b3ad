"""Run a model over labelled sheets and score what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.evaluate.pairs import Pair, read_mask
from napari_herbarium.evaluate.picture import write_errors
from napari_herbarium.evaluate.report import SheetScore, score_sheet
from napari_herbarium.progress import Job, Progress, reported
from napari_herbarium.results import ERRORS
from napari_herbarium.segment.leaves import iter_extract_leaves
from napari_herbarium.segment.mask import at_least
from napari_herbarium.segment.pixels import in_memory
from napari_herbarium.segment.predict import iter_segment
from napari_herbarium.settings import LeafSettings, SegmentSettings
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.sheet.sheet import Sheet

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

NO_LEAVES = "without leaves"


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate.

    Attributes
    ----------
    segment : SegmentSettings
    leaves : LeafSettings, optional
        When given, what `extract_leaves` makes of the probability is scored;
        otherwise the probability at the model's threshold is.
    tolerance : float
        Distance in px within which outlines agree.
    groups : mapping
        Group by stem of the sheet; may be empty.
    errors : Path, optional
        Folder for a picture of each sheet with its errors.
    """

    segment: SegmentSettings = field(default_factory=SegmentSettings)
    leaves: LeafSettings | None = None
    tolerance: float = 2.0
    groups: Mapping[str, str] = field(default_factory=dict)
    errors: Path | None = None


def iter_evaluate(
    pairs: Sequence[Pair],
    model: LeafModel,
    how: Evaluation,
    without_leaves: Iterable[Path] = (),
) -> Job[list[SheetScore]]:
    """Segment every sheet and score it against its mask.

    Parameters
    ----------
    pairs : sequence of Pair
        Labelled sheets.
    model : LeafModel
        The model to judge.
    how : Evaluation
        Settings.
    without_leaves : iterable of Path
        Sheets known to carry no leaf; they need no mask.

    Raises
    ------
    SheetError
        A sheet cannot be read, or a mask has another size than its sheet.
    """
    sheets: list[tuple[Path, Path | None, str]] = [
        *((pair.image, pair.mask, how.groups.get(pair.stem, "")) for pair in pairs),
        *((path, None, NO_LEAVES) for path in without_leaves),
    ]
    scores: list[SheetScore] = []
    for sheet in sheets:
        step = Progress(len(scores), len(sheets), "sheets")
        scores.append((yield from reported(_iter_score(*sheet, model, how), step)))
    yield Progress(len(sheets), len(sheets), "sheets")
    return scores


def _iter_score(
    image: Path, mask: Path | None, group: str, model: LeafModel, how: Evaluation
) -> Job[SheetScore]:
    sheet = read_sheet(image)
    truth = _truth(sheet, image, mask)
    sheet = replace(sheet, image=in_memory(sheet.image))
    predicted = yield from _iter_leaf(sheet, model, how)
    if how.errors is not None:
        write_errors(
            how.errors / f"{image.stem}{ERRORS}", sheet.image, predicted, truth
        )
    return score_sheet(
        predicted, truth, sheet=image.stem, group=group, tolerance=how.tolerance
    )


def _iter_leaf(sheet: Sheet, model: LeafModel, how: Evaluation) -> Job[NDArray]:
    probability = yield from iter_segment(sheet.image, model, how.segment)
    threshold = model.config.threshold
    if how.leaves is None:
        return at_least(probability, threshold)
    return (
        yield from iter_extract_leaves(
            probability,
            how.leaves,
            mm_per_px=sheet.mm_per_px,
            image=sheet.image,
            model_threshold=threshold,
        )
    )


def _truth(sheet: Sheet, image: Path, mask: Path | None) -> NDArray[np.uint8]:
    size = tuple(sheet.image.shape[:2])
    if mask is None:
        return np.zeros(size, np.uint8)
    truth = read_mask(mask)
    if truth.shape != size:
        msg = f"{mask} is {truth.shape} px, but its sheet {image.name} is {size} px."
        raise SheetError(msg)
    return truth
