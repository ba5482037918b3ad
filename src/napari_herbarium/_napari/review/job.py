"""What a click in "Batch review" does in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from napari_herbarium._napari.segment.job import feature_rows
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Job, Progress

if TYPE_CHECKING:
    from napari_herbarium.batch.reviewed import ReviewRun, ReviewSheet
    from napari_herbarium.sheet.sheet import Sheet


class Word(StrEnum):
    """What the user says of a sheet."""

    NOTHING = "nothing"
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True)
class Opened:
    """A sheet of a run, read.

    Attributes
    ----------
    index : int
        Its place in the listing.
    run : ReviewRun
        The run.
    review : ReviewSheet
        What is known of it.
    sheet : Sheet
        Picture and scale.
    labels : H x W integers
        Its leaves as they are now.
    rows : DataFrame
        What is known of the leaves, first column `index`.
    """

    index: int
    run: ReviewRun
    review: ReviewSheet
    sheet: Sheet
    labels: NDArray[Any]
    rows: pd.DataFrame


@dataclass(frozen=True)
class Decision:
    """What is to be done with a sheet.

    Attributes
    ----------
    word : Word
        Of the user.
    labels : H x W integers or None
        Repaired leaves to save first.
    training : Path or None
        Folder of training pairs to put the sheet into.
    overwrite : bool
        Replace a pair of that name.
    """

    word: Word = Word.NOTHING
    labels: NDArray[Any] | None = None
    training: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Decided:
    """What was written down.

    Attributes
    ----------
    review : ReviewSheet
        What is known of the sheet now.
    rows : DataFrame or None
        What is known of its leaves, where they were repaired.
    """

    review: ReviewSheet
    rows: pd.DataFrame | None = None


def iter_open(index: int, run: ReviewRun, review: ReviewSheet) -> Job[Opened]:
    """Read a sheet and its leaves.

    Raises
    ------
    HerbariumError
        One of them cannot be read.
    """
    from napari_herbarium.batch.review import read_image, read_run_labels

    yield Progress(0, 0, f"opening {review.name}")
    sheet = _known_facts(_in_memory(read_image(review)))
    labels = read_run_labels(run, review)
    yield Progress(0, 0, f"opening {review.name}")
    return Opened(index, run, review, sheet, labels, _rows(run, review, labels))


def iter_decide(opened: Opened, decision: Decision) -> Job[Decided]:
    """Write down what the user decided.

    Raises
    ------
    HerbariumError
        Something cannot be written.
    """
    from napari_herbarium.batch import review as core
    from napari_herbarium.batch.reviewed import Verdict

    yield Progress(0, 0, f"saving {opened.review.name}")
    run, sheet, image = opened.run, opened.review, opened.sheet.image
    if decision.labels is not None:
        sheet = core.save_repair(run, sheet, decision.labels, image)
    if decision.word is Word.REJECT:
        sheet = core.reject(run, sheet)
    elif decision.word is Word.ACCEPT and sheet.verdict is not Verdict.REPAIRED:
        sheet = core.accept(run, sheet)
    if decision.training is not None:
        sheet = core.save_for_training(
            run, sheet, decision.training, image, overwrite=decision.overwrite
        )
    labels = decision.labels
    return Decided(sheet, None if labels is None else _rows(run, sheet, labels))


def iter_model_labels(opened: Opened) -> Job[NDArray[Any]]:
    """Read what the model had found.

    Raises
    ------
    HerbariumError
        It cannot be read.
    """
    from napari_herbarium.batch.review import read_run_labels

    yield Progress(0, 0, "reading the leaves of the model")
    return read_run_labels(opened.run, opened.review, original=True)


def pair_is_there(opened: Opened, folder: Path) -> bool:
    """Tell whether a training folder has a pair of that name, of another making."""
    from napari_herbarium.train.pairs.folder import pair_exists

    ours = opened.review.training == folder.absolute()
    return not ours and pair_exists(folder, opened.review.name)


def _known_facts(sheet: Sheet) -> Sheet:
    """Let the layer's metadata say what the run knew."""
    facts = {
        "catalog_number": sheet.catalog_number,
        "mm_per_px": sheet.mm_per_px,
        "scale_source": sheet.scale_source,
        "scale_trust": sheet.scale_trust,
    }
    return replace(sheet, metadata={**sheet.metadata, **facts})


def _in_memory(sheet: Sheet) -> Sheet:
    """Decode a sheet once, here, so that looking and painting are quick."""
    from napari_herbarium.segment.pixels import in_memory

    levels = tuple(in_memory(level) for level in sheet.levels)
    same = sheet.image is sheet.levels[0]
    return replace(
        sheet, image=levels[0] if same else in_memory(sheet.image), levels=levels
    )


def _rows(run: ReviewRun, review: ReviewSheet, labels: NDArray) -> pd.DataFrame:
    """Give the run's rows of a sheet as features; areas where there are none."""
    from napari_herbarium.batch.records.store import read_part
    from napari_herbarium.measure.dictionary import column_names

    try:
        table = read_part(run.plan, review.name).to_pandas()
    except HerbariumError:
        return feature_rows(labels, review.mm_per_px)
    ours = {"label", *column_names()}
    table = table[[name for name in table.columns if name in ours]]
    table = table.rename(columns={"label": "index"})
    return table[["index", *(name for name in table.columns if name != "index")]]
