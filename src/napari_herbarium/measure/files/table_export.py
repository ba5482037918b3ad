"""Write the full table as CSV or Parquet, and beside it where its numbers are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from napari_herbarium.errors import SettingsError
from napari_herbarium.files import replacing
from napari_herbarium.locks import taking_turns
from napari_herbarium.measure.files.export import (
    TRAIT_NUMBERS,
    checked_table,
    read_table,
    replace_rows,
)
from napari_herbarium.measure.files.labels_file import WORDS_KEY
from napari_herbarium.measure.table import SheetFacts

TABLE_SUFFIXES = (".csv", ".parquet")
_SOFTWARE = ("napari-herbarium", "scikit-image", "numpy")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table of leaves.

    Parameters
    ----------
    path : Path
        Replaced when it exists. Its suffix chooses the format: ``.csv`` (UTF-8, empty
        where a value is not known) or ``.parquet`` (numbers in full, types kept).
    table : DataFrame
        As `table.leaf_table` gives it.

    Raises
    ------
    SettingsError
        Another suffix.
    HerbariumError
        The file cannot be written.
    """
    _check_suffix(path)
    if path.suffix.lower() == ".parquet":
        _write_parquet(path, table)
        return
    with replacing(path) as temporary:
        table.to_csv(
            temporary, index=False, float_format=f"%{TRAIT_NUMBERS}", encoding="utf-8"
        )


def replace_sheet(path: Path, table: pd.DataFrame, sheet: str) -> None:
    """Put the rows of one sheet into a table of several and keep the other rows.

    Raises
    ------
    SettingsError
        Another suffix than ``.csv`` or ``.parquet``.
    HerbariumError
        The file has other columns, or cannot be written.
    """
    _check_suffix(path)
    if path.suffix.lower() == ".csv":
        replace_rows(path, table, sheet, numbers=TRAIT_NUMBERS)
        return
    with taking_turns(path):
        _write_parquet(path, _beside_others(path, table, sheet))


def _beside_others(path: Path, table: pd.DataFrame, sheet: str) -> pd.DataFrame:
    """Add the rows that a Parquet file has of other sheets."""
    if not path.exists():
        return table
    others = read_full_table(path, tuple(table.columns))
    others = others[others["sheet"] != sheet]
    # An empty frame has no types of its own and would spoil those of the other.
    parts = [part for part in (others, table) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else table


def read_full_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table that `replace_sheet` or `write_table` wrote; CSV cells as text.

    Raises
    ------
    HerbariumError
        The file is no table with these columns.
    """
    if path.suffix.lower() == ".csv":
        return read_table(path, columns)
    return checked_table(path, columns, pd.read_parquet)


def provenance(
    facts: SheetFacts,
    *,
    labels: Path | str | None = None,
    image: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    flipped: Mapping[int, bool] | None = None,
    classifier: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Say where the numbers of a table are from, ready for `write_provenance`.

    Parameters
    ----------
    facts : SheetFacts
        Sheet and scale.
    labels, image : Path or str, optional
        What was measured: files, or names of layers.
    settings : mapping, optional
        What was asked for, such as the number of harmonics.
    flipped : mapping, optional
        Labels whose wholeness the user decided.
    classifier : mapping, optional
        What judged the others, as `whole.models.classifier_facts` tells it.
    """
    return {
        "software": {name: version(name) for name in _SOFTWARE},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "labels": None if labels is None else str(labels),
        "image": None if image is None else str(image),
        **asdict(facts),
        "settings": dict(settings or {}),
        "whole_model": None if classifier is None else dict(classifier),
        WORDS_KEY: {str(label): said for label, said in (flipped or {}).items()},
        "columns": "napari_herbarium/measure/data_dictionary.csv",
    }


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in TABLE_SUFFIXES:
        msg = f"{path} has no suffix of a table; name it .csv or .parquet."
        raise SettingsError(msg)


def _write_parquet(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)
