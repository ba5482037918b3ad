"""Pairs to train on: what is open in napari, and what lies in a training folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium._napari.common.layers import LayerSheet, full_resolution, sheet_of
from napari_herbarium._napari.measure.subject import facts_of
from napari_herbarium.errors import HerbariumError, SheetError
from napari_herbarium.progress import Job, Progress
from napari_herbarium.train.pairs.pair import Pair
from napari_herbarium.train.pairs.preflight import (
    check_pairs,
    refuse_faults,
    training_pairs_at,
)

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True)
class OpenPair:
    """A sheet and its labels as they are in napari at one moment.

    Attributes
    ----------
    name : str
        Of the pair.
    sheet : LayerSheet or None
        The sheet; None when the layer is none.
    reason : str
        Why it is none, in words.
    labels : array-like
        At full resolution.
    facts : dict
        JSON-able: where the sheet and its scale come from.
    """

    name: str
    sheet: LayerSheet | None
    reason: str
    labels: Any
    facts: dict[str, Any] = field(default_factory=dict)

    def pair(self) -> Pair:
        """Give the pair to train on.

        Raises
        ------
        HerbariumError
            The layers are no pair; the message says why.
        """
        if self.sheet is None:
            raise SheetError(self.reason)
        return Pair(self.name, self.sheet.rgb8(), self.labels_in_memory())

    def labels_in_memory(self) -> NDArray:
        """Give the labels, read where they were not yet."""
        return np.asarray(self.labels)


@dataclass(frozen=True)
class PairFacts:
    """What is known of a pair.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the labels in px.
    leaves : int
        Labels that are not 0.
    faults : tuple of str
        What does not fit, in words; empty when all is well.
    """

    shape: tuple[int, ...]
    leaves: int
    faults: tuple[str, ...] = ()


def pair_name(image: Image, labels: Labels) -> str:
    """Name a pair after the sheet's file, or else after its layer."""
    return facts_of(labels, image).sheet


def open_pair(name: str, image: Image, labels: Labels) -> OpenPair:
    """Take two layers as a pair, as they are now."""
    known = facts_of(labels, image)
    facts = {
        "image": image.name,
        "labels": labels.name,
        "path": image.metadata.get("path") or image.source.path,
        "catalog_number": known.catalog_number,
        "scale_source": known.scale_source,
        "scale_trust": known.scale_trust,
        "segmentation": labels.metadata.get("napari-herbarium"),
    }
    sheet, reason = None, ""
    try:
        sheet = sheet_of(image)
    except HerbariumError as error:
        reason = str(error)
    return OpenPair(name, sheet, reason, full_resolution(labels), facts)


def iter_look(pairs: Sequence[OpenPair]) -> Job[list[PairFacts]]:
    """Look at pairs one by one: size, leaves, and what does not fit."""
    found: list[PairFacts] = []
    for pair in pairs:
        yield Progress(len(found), len(pairs), "pairs")
        found.append(look(pair))
    return found


def look(pair: OpenPair) -> PairFacts:
    """Give size, leaves and faults of a pair."""
    shape = tuple(pair.labels.shape)
    try:
        made = pair.pair()
    except HerbariumError as error:
        return PairFacts(shape, 0, (str(error),))
    leaves = np.count_nonzero(np.unique(pair.labels_in_memory()))
    return PairFacts(shape, int(leaves), tuple(check_pairs([made])))


def gather(pairs: Sequence[OpenPair], folder: Path | None) -> list[Pair]:
    """Give all pairs to train on.

    Of a sheet that is open and in the folder too, what is open counts: it may have been
    repaired since.

    Raises
    ------
    SheetError
        Layers are no pairs, or the folder holds none; all of it in one message.
    """
    made, faults = [], []
    for pair in pairs:
        try:
            made.append(pair.pair())
        except HerbariumError as error:
            faults.append(f"{pair.name}: {error}")
    try:
        stored = [] if folder is None else training_pairs_at(folder)
    except HerbariumError as error:
        faults.append(str(error))
        stored = []
    if faults:
        bad = [*faults, *(check_pairs(made) if made else [])]
        refuse_faults("These pairs cannot be trained on", bad)
    return made + _others(stored, {pair.name for pair in made})


def _others(stored: Sequence[Pair], open_names: Collection[str]) -> list[Pair]:
    return [pair for pair in stored if pair.name not in open_names]
