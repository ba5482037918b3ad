"""The table as the features of its layer, where napari shows and saves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pandas as pd

from napari_herbarium._napari.common.labels_output import is_edited, mark_written
from napari_herbarium._napari.common.layers import METADATA_KEY
from napari_herbarium._napari.measure.columns import feature_order
from napari_herbarium.measure.dictionary import column_names

if TYPE_CHECKING:
    from napari.layers import Labels


_written: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()
"""What was written last of leaves being whole, by layer: label to whole or not."""


def write_features(layer: Labels, table: pd.DataFrame, *, by_user: bool) -> None:
    """Put a table into a layer's features; columns of others stay.

    Parameters
    ----------
    layer : Labels
        Whose leaves they are.
    table : DataFrame
        From `measure.table`; `label` becomes the first column, `index`, by which
        napari finds a leaf's row.
    by_user : bool
        Whether it holds what the user said, which no new run may write over.
    """
    features = as_features(table, layer.features)
    untouched = not by_user and METADATA_KEY in layer.metadata and not is_edited(layer)
    layer.features = features
    _written[layer] = dict(zip(table["label"], table["whole"], strict=True))
    if untouched:
        mark_written(layer)


def written_whole(layer: Labels) -> Mapping[int, Any]:
    """Give what was written last of each leaf being whole; nothing before."""
    return _written.get(layer, {})


def as_features(table: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Turn a table into features; keep columns of `before` that are none of ours."""
    features = table.rename(columns={"label": "index"})
    if not features["whole"].isna().any():
        features["whole"] = features["whole"].astype(bool)
    foreign = _foreign(before)
    if foreign:
        others = before[["index", *foreign]].drop_duplicates("index")
        features = features.merge(others, on="index", how="left")
    return features[feature_order(list(map(str, features.columns)))]


def _foreign(before: pd.DataFrame) -> list[str]:
    if "index" not in before:
        return []
    ours = {"index", *column_names()}
    return [name for name in before.columns if name not in ours]
