"""Measure again only what changed.

A copy of the labels is kept as they were measured. Comparing them with the labels of
now takes a fraction of a second for a whole sheet, and finds every change whatever
made it: brush, fill, undo, another plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium._napari.common.layers import LayerSheet
from napari_herbarium.errors import HerbariumError
from napari_herbarium.measure.columns import with_mm
from napari_herbarium.measure.table import (
    SheetFacts,
    iter_judged_by,
    iter_leaf_table,
    whole_columns,
)
from napari_herbarium.measure.whole.input import square_around
from napari_herbarium.measure.whole.models import chosen_threshold, classifier_facts
from napari_herbarium.progress import Job, Progress
from napari_herbarium.settings import DEFAULT_JUDGE, WholeSettings

_STRIP = 512
_USUAL_THRESHOLD = 0.5


@dataclass(frozen=True)
class Subject:
    """What is to be measured.

    Attributes
    ----------
    labels : H x W integers, array-like
        As the layer has them now.
    facts : SheetFacts
        Scale, and what is said of the sheet.
    picture : LayerSheet or None
        The sheet's pixels, for colours and the whole-leaf classifier.
    judge : WholeSettings
        Who says which leaves are whole.
    """

    labels: Any
    facts: SheetFacts
    picture: LayerSheet | None = None
    judge: WholeSettings = DEFAULT_JUDGE


@dataclass(frozen=True)
class Measured:
    """What was measured, and of what.

    Attributes
    ----------
    labels : H x W integers
        A copy of the labels as they were.
    facts : SheetFacts
        With the scale that was used.
    picture : LayerSheet or None
        The sheet's pixels that were used.
    table : DataFrame
        As `measure.table.leaf_table` gives it.
    again : frozenset of int or None
        The labels that were measured this time; None when all of them.
    classifier : mapping
        What is recorded of the one that said which leaves are whole.
    """

    labels: NDArray[np.integer]
    facts: SheetFacts
    picture: LayerSheet | None
    table: pd.DataFrame
    again: frozenset[int] | None = None
    classifier: Mapping[str, Any] = field(default_factory=dict)


def iter_update(subject: Subject, before: Measured | None) -> Job[Measured]:
    """Measure all leaves, or those that changed since they were measured.

    Raises
    ------
    SettingsError
        These are no labels that can be measured.
    """
    yield Progress(0, 0, "looking for changes")
    labels = np.array(subject.labels)
    changed = _changed(labels, subject, before)
    known = classifier_facts(subject.judge)
    measured = partial(
        Measured, labels, subject.facts, subject.picture, classifier=known
    )
    if before is None or changed is None:
        table = yield from _iter_table(labels, subject, None)
        return measured(table)
    table = with_facts(before.table, subject.facts)
    if changed:
        anew = changed | beholders(table, before.labels, labels)
        new = yield from _iter_table(labels, subject, anew)
        table = merge_rows(table, new, anew)
    # Not by its name: another one may have got that of one that was removed.
    if before.classifier != known:
        rgb = _rgb(subject)
        table = yield from iter_judged_by(table, labels, rgb, subject.judge)
    return measured(table, again=changed)


def changed_labels(
    before: NDArray[np.integer], now: NDArray[np.integer]
) -> frozenset[int]:
    """Labels that have lost or gained a pixel.

    Parameters
    ----------
    before, now : H x W integers
        Of one shape.
    """
    found: set[int] = set()
    for top in range(0, len(now), _STRIP):
        old, new = before[top : top + _STRIP], now[top : top + _STRIP]
        differ = old != new
        if differ.any():
            found.update(map(int, np.unique(old[differ])))
            found.update(map(int, np.unique(new[differ])))
    return frozenset(found - {0})


def beholders(
    table: pd.DataFrame, before: NDArray[np.integer], now: NDArray[np.integer]
) -> frozenset[int]:
    """Labels near a change: whether they are whole is judged by what lies around them.

    Parameters
    ----------
    table : DataFrame
        Label and box of each leaf.
    before, now : H x W integers
        Of one shape.
    """
    columns = [
        "label",
        *(f"bbox_{side}" for side in ("top", "left", "bottom", "right")),
    ]
    found = set()
    for label, top, left, bottom, right in table[columns].astype(int).to_numpy():
        corner, side = square_around((slice(top, bottom), slice(left, right)))
        seen = tuple(slice(max(0, first), first + side) for first in corner)
        if (before[seen] != now[seen]).any():
            found.add(int(label))
    return frozenset(found)


def merge_rows(
    table: pd.DataFrame, new: pd.DataFrame, changed: frozenset[int]
) -> pd.DataFrame:
    """Put new rows in place of those of the changed labels; by label, ascending."""
    kept = table[~table["label"].isin(list(changed))]
    parts = [part for part in (kept, new) if len(part)]
    if len(parts) < 2:
        return (parts[0] if parts else new).reset_index(drop=True)
    merged = pd.concat(parts, ignore_index=True)
    return merged.sort_values("label", ignore_index=True)


def with_facts(table: pd.DataFrame, facts: SheetFacts) -> pd.DataFrame:
    """Give a table another scale or name; the mm columns are made anew from px."""
    source, trust = facts.scale_source, facts.scale_trust
    if facts.mm_per_px is not None and source == "none":
        source, trust = "user", "trusted"
    columns = with_mm({str(name): table[name] for name in table}, facts.mm_per_px)
    return pd.DataFrame(columns)[list(table.columns)].assign(
        sheet=facts.sheet,
        catalog_number=facts.catalog_number or "",
        mm_per_px=np.nan if facts.mm_per_px is None else facts.mm_per_px,
        scale_source=source,
        scale_trust=trust,
    )


def judged(
    measured: Measured, threshold: float, flipped: Mapping[int, bool]
) -> Measured:
    """Say anew which leaves are whole; nothing is measured for it.

    Parameters
    ----------
    measured : Measured
        With ``whole_probability`` in its table.
    threshold : float
        Whole from this probability on.
    flipped : mapping
        Label to what the user says.
    """
    columns = whole_columns(measured.table, threshold, flipped)
    return replace(measured, table=measured.table.assign(**columns))


def _changed(
    labels: NDArray, subject: Subject, before: Measured | None
) -> frozenset[int] | None:
    """Labels to measure again; None when it must be all of them."""
    if before is None or before.labels.shape != labels.shape:
        return None
    if _id(before.picture) != _id(subject.picture):
        return None
    return changed_labels(before.labels, labels)


def _id(picture: LayerSheet | None) -> str | None:
    return None if picture is None else picture.layer_id


def _iter_table(
    labels: NDArray, subject: Subject, only: frozenset[int] | None
) -> Job[pd.DataFrame]:
    return (
        yield from iter_leaf_table(
            labels, subject.facts, _rgb(subject), only=only, judge=subject.judge
        )
    )


def _rgb(subject: Subject) -> Any:
    return None if subject.picture is None else subject.picture.rgb8()


def own_threshold(judge: WholeSettings, unknown: float = _USUAL_THRESHOLD) -> float:
    """Give a classifier's own threshold; the classifier is not loaded for it.

    Parameters
    ----------
    judge : WholeSettings
    unknown : float
        Given where it cannot be read.
    """
    try:
        return chosen_threshold(judge)
    except HerbariumError:
        # Damaged files are told of when leaves are measured, not by a closed door.
        return unknown
