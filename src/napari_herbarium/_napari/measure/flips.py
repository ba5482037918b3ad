"""What the user said about leaves being whole, and where it is kept.

It is in the layer's features (``whole_by`` is ``"user"``), so it goes where the layer
goes; and in the JSON file beside labels that were saved, where they find it again when
they are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from napari_herbarium.measure.files.labels_file import flips_beside

if TYPE_CHECKING:
    from napari.layers import Labels

_STRIP = 512
_PLACE = ("area_px", "bbox_top", "bbox_left", "bbox_bottom", "bbox_right")
Leaf: TypeAlias = tuple[Any, ...]
"""Its number, area and place, which tell it from another one of that number."""


def flips_of(layer: Labels) -> dict[int, bool]:
    """Give what the user said of a layer's leaves: label to whole or not."""
    features = layer.features
    if {"index", "whole", "whole_by"} <= set(features.columns):
        return _said_in(features)
    path = layer.source.path
    return flips_beside(Path(path)) if path else {}


def with_word(
    flips: Mapping[int, bool], labels: list[int], word: bool | None
) -> dict[int, bool]:
    """Say something of leaves; None takes back what was said."""
    others = {label: said for label, said in flips.items() if label not in labels}
    return others if word is None else {**others, **dict.fromkeys(labels, word)}


class WordsBefore:
    """What was said of leaves that a repair made others, for when it is undone."""

    def __init__(self) -> None:
        self._kept: dict[Leaf, bool | None] = {}

    def keep(
        self, labels: Iterable[int], flips: Mapping[int, bool], table: pd.DataFrame
    ) -> None:
        """Remember words, and what leaves of the table they are of."""
        leaves = _leaves(table)
        self._kept |= {leaves[x]: flips.get(x) for x in labels if x in leaves}

    def returned(
        self, flips: Mapping[int, bool], before: pd.DataFrame, now: pd.DataFrame
    ) -> dict[int, bool | None]:
        """Give the words of leaves that are again what they were.

        Those of the leaves that they were in between are kept: the user may redo what
        was undone.
        """
        were = _leaves(before)
        back = {x: leaf for x, leaf in _leaves(now).items() if leaf in self._kept}
        returned = {label: self._kept.pop(leaf) for label, leaf in back.items()}
        self._kept |= {
            were[label]: flips.get(label)
            for label, leaf in back.items()
            if were.get(label, leaf) != leaf
        }
        return returned


def _leaves(table: pd.DataFrame) -> dict[int, Leaf]:
    columns = [table[name] for name in ("label", *_PLACE)]
    return {int(leaf[0]): leaf for leaf in zip(*columns, strict=True)}


def ticked_in(features: pd.DataFrame, written: Mapping[int, Any]) -> dict[int, bool]:
    """Give what the user ticked in napari's own table of features.

    Parameters
    ----------
    features : DataFrame
        Of the layer now.
    written : mapping
        Label to whole or not, as it was written into the features.

    Returns
    -------
    dict
        Label to whole or not, where `whole` is no longer as it was written.
    """
    if not {"index", "whole", "whole_by"} <= set(features.columns):
        return {}
    now = dict(zip(features["index"], features["whole"], strict=True))
    return {
        int(label): bool(now[label])
        for label, word in written.items()
        if label in now
        and not pd.isna(now[label])
        and (pd.isna(word) or bool(now[label]) != bool(word))
    }


def labels_in(labels: Any, wanted: Iterable[int]) -> set[int]:
    """Tell which labels are in a picture of labels.

    Parameters
    ----------
    labels : H x W integers, array-like
        Looked at in strips, and no further than until all are found.
    wanted : iterable of int
    """
    missing, found = set(wanted), set[int]()
    for top in range(0, labels.shape[0], _STRIP):
        if not missing:
            break
        strip = np.asarray(labels[top : top + _STRIP])
        here = missing.intersection(np.unique(strip[strip != 0]).tolist())
        found, missing = found | here, missing - here
    return found


def _said_in(features: pd.DataFrame) -> dict[int, bool]:
    said = features[features["whole_by"].eq("user") & features["whole"].notna()]
    words = zip(said["index"], said["whole"], strict=True)
    return {int(label): bool(word) for label, word in words}
