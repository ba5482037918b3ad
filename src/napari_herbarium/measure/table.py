"""The full table of a sheet: traits, which leaves are whole, and what sheet it is.

Widget, command and batch all show this one, so that their numbers cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium.measure.columns import by_label
from napari_herbarium.measure.dictionary import column_names
from napari_herbarium.measure.traits import iter_measure
from napari_herbarium.measure.whole import judge as whole
from napari_herbarium.measure.whole.models import chosen_classifier, chosen_threshold
from napari_herbarium.progress import Job, finish
from napari_herbarium.settings import DEFAULT_JUDGE, WholeSettings
from napari_herbarium.sheet.sheet import Sheet


@dataclass(frozen=True)
class SheetFacts:
    """What every row of a sheet's table says about the sheet.

    Attributes
    ----------
    sheet : str
        Name of the sheet, usually its file without suffix.
    catalog_number : str, optional
        Of the specimen.
    mm_per_px : float, optional
        Size of a pixel; None leaves the mm columns empty.
    scale_source, scale_trust : str
        As in `napari_herbarium.Sheet`. A scale that comes without them is the user's
        own and trusted.
    """

    sheet: str = ""
    catalog_number: str | None = None
    mm_per_px: float | None = None
    scale_source: str = "none"
    scale_trust: str = "none"

    @classmethod
    def of(cls, sheet: Sheet, name: str) -> SheetFacts:
        """Take the facts of a sheet that was read."""
        return cls(
            name,
            sheet.catalog_number,
            sheet.mm_per_px,
            sheet.scale_source,
            sheet.scale_trust,
        )


def iter_leaf_table(
    labels: NDArray[Any],
    facts: SheetFacts = SheetFacts(),
    image: Any = None,
    *,
    harmonics: int = 0,
    flipped: Mapping[int, bool] | None = None,
    only: Collection[int] | None = None,
    judge: WholeSettings = DEFAULT_JUDGE,
) -> Job[pd.DataFrame]:
    """Measure the leaves of a sheet and judge which are whole.

    Parameters
    ----------
    labels : (H, W) integer
        0 is paper, every other value one leaf.
    facts : SheetFacts
        Scale, and what is carried into every row.
    image : (H, W, 3) uint8 or uint16, numpy or dask, optional
        sRGB picture for the colour columns and the whole-leaf classifier.
    harmonics : int
        Number of elliptic Fourier harmonics to add.
    flipped : mapping, optional
        Label to whether the user says that it is whole; counts more than the model.
    only : collection of int, optional
        Measure these labels and pass over the others; their rows are the same as in
        the table of all.
    judge : WholeSettings
        Who judges which leaves are whole.

    Returns
    -------
    DataFrame
        One row per label, ascending, all columns of ``data_dictionary.csv`` in its
        order: those of `napari_herbarium.measure` with ``whole_probability`` filled,
        and sheet, catalog_number, whole (bool) and whole_by ("model" or "user").

    Raises
    ------
    SettingsError
        As `napari_herbarium.measure`.
    ModelError
        There is no such classifier of whole leaves, or it is damaged.
    """
    if image is not None and only is None:
        image = np.asarray(image)  # decoded once, not leaf by leaf
    table = yield from iter_measure(
        labels,
        facts.mm_per_px,
        image,
        scale_source=facts.scale_source,
        scale_trust=facts.scale_trust,
        harmonics=harmonics,
        only=only,
    )
    found = [int(label) for label in table["label"]]
    probability, threshold = yield from _iter_judged(labels, image, found, judge)
    table["whole_probability"] = by_label(probability, found)
    table["sheet"] = facts.sheet
    table["catalog_number"] = facts.catalog_number or ""
    table = table.assign(**whole_columns(table, threshold, flipped or {}))
    return table[column_names(harmonics)]


def leaf_table(
    labels: NDArray[Any],
    facts: SheetFacts = SheetFacts(),
    image: Any = None,
    *,
    harmonics: int = 0,
    flipped: Mapping[int, bool] | None = None,
    only: Collection[int] | None = None,
    judge: WholeSettings = DEFAULT_JUDGE,
) -> pd.DataFrame:
    """Return the table of `iter_leaf_table`, without stopping on the way."""
    return finish(
        iter_leaf_table(
            labels,
            facts,
            image,
            harmonics=harmonics,
            flipped=flipped,
            only=only,
            judge=judge,
        )
    )


def iter_judged_by(
    table: pd.DataFrame, labels: NDArray[Any], image: Any, judge: WholeSettings
) -> Job[pd.DataFrame]:
    """Give a table the probabilities of another classifier; nothing is measured.

    Parameters
    ----------
    table : DataFrame
        From `iter_leaf_table`.
    labels : (H, W) integer
        That it is of.
    image : (H, W, 3) uint8 or uint16, numpy or dask, optional
        The picture, as in `iter_leaf_table`.
    judge : WholeSettings
        Who judges.

    Raises
    ------
    ModelError
        There is no such classifier, or it is damaged.
    """
    found = [int(label) for label in table["label"]]
    probability, threshold = yield from _iter_judged(labels, image, found, judge)
    table = table.assign(whole_probability=by_label(probability, found))
    return table.assign(**whole_columns(table, threshold, {}))


def partial_labels(table: pd.DataFrame) -> frozenset[int]:
    """Labels that the table says are no single whole leaves."""
    partial = table["whole"].eq(False).fillna(False).astype(bool)
    return frozenset(int(label) for label in table["label"][partial])


def _iter_judged(
    labels: NDArray[Any], image: Any, found: Collection[int], judge: WholeSettings
) -> Job[tuple[Mapping[int, float], float]]:
    """Give the probability of every label to be whole, and the threshold."""
    probability = yield from whole.iter_whole_leaf_probability(
        labels, image, only=found, model=chosen_classifier(judge)
    )
    return probability, chosen_threshold(judge)


def whole_columns(
    table: pd.DataFrame, threshold: float, flipped: Mapping[int, bool]
) -> dict[str, pd.Series]:
    """Return the columns whole and whole_by: the user's word, else the model's.

    Parameters
    ----------
    table : DataFrame
        With ``label`` and ``whole_probability``.
    threshold : float
        A leaf counts as whole from this probability on.
    flipped : mapping
        Label to whether the user says that it is whole.
    """
    judged = table["whole_probability"].notna()
    by_user = table["label"].isin(list(flipped))
    by_model = (table["whole_probability"] >= threshold).astype("boolean")
    said = table["label"].map(flipped).astype("boolean")
    either = said.where(by_user, by_model.where(judged))
    by = pd.Series("", table.index).mask(judged, "model").mask(by_user, "user")
    return {"whole": either, "whole_by": by}
