"""From a sheet to its leaves and their rows: what `segment` and a batch both do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from napari_herbarium.batch.confidence import confidence
from napari_herbarium.measure.rows import leaf_rows
from napari_herbarium.measure.table import SheetFacts, iter_leaf_table, partial_labels
from napari_herbarium.measure.whole.judge import quick_whole_probability
from napari_herbarium.progress import Job
from napari_herbarium.segment.leaves import iter_extract_leaves
from napari_herbarium.segment.predict import iter_segment
from napari_herbarium.settings import (
    DEFAULT_JUDGE,
    LeafSettings,
    SegmentSettings,
    WholeSettings,
)
from napari_herbarium.sheet.sheet import Sheet

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel


@dataclass(frozen=True)
class FoundLeaves:
    """What was found on a sheet.

    Attributes
    ----------
    labels : H x W unsigned integers
        0 is not leaf.
    rows : DataFrame
        The short table, see `napari_herbarium.measure.rows`.
    traits : DataFrame or None
        The full table, where it was asked for.
    confidence : float
        See `napari_herbarium.batch.confidence`.
    """

    labels: NDArray[Any]
    rows: pd.DataFrame
    traits: pd.DataFrame | None
    confidence: float

    def partial(self) -> frozenset[int]:
        """Labels of the leaves that are not single and whole, where that is known."""
        return frozenset() if self.traits is None else partial_labels(self.traits)


@dataclass(frozen=True)
class Stopwatch:
    """Seconds that each step of a sheet took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, step: str) -> Iterator[None]:
        """Add the time within to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - start
            self.seconds[step] = self.seconds.get(step, 0.0) + taken


def iter_leaves(
    sheet: Sheet,
    name: str,
    model: LeafModel,
    segment: SegmentSettings,
    leaves: LeafSettings,
    *,
    measure: bool,
    judge: WholeSettings = DEFAULT_JUDGE,
    turn: AbstractContextManager[Any] | None = None,
    watch: Stopwatch | None = None,
) -> Job[FoundLeaves]:
    """Segment a sheet, find its leaves and make their rows.

    Parameters
    ----------
    sheet : Sheet
        With its scale settled.
    name : str
        What the rows call it.
    model, segment, leaves
        How to segment and to find leaves.
    measure : bool
        Make the full table, too.
    judge : WholeSettings
        Who says in it which leaves are whole.
    turn : context manager, optional
        Entered while the network runs, such as a lock that lets one sheet at a time.
    watch : Stopwatch, optional
        Told how long each step took.

    Raises
    ------
    HerbariumError
        The sheet cannot be read to its end, or segmented.
    """
    watch = watch or Stopwatch()
    with turn or nullcontext(), watch.on("segment"):
        probability = yield from iter_segment(sheet.image, model, segment)
    threshold = leaves.threshold or model.config.threshold
    with watch.on("extract"):
        labels = yield from iter_extract_leaves(
            probability,
            leaves,
            mm_per_px=sheet.mm_per_px,
            image=sheet.image,
            model_threshold=model.config.threshold,
            judge=quick_whole_probability,
        )
    sure = confidence(probability, threshold)
    del probability
    with watch.on("measure"):
        facts = SheetFacts.of(sheet, name)
        rows = leaf_rows(labels, facts)
        traits = None
        if measure:
            traits = yield from iter_leaf_table(labels, facts, sheet.image, judge=judge)
    return FoundLeaves(labels, rows, traits, sure)
