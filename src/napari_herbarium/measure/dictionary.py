"""What every column of the table means: the data dictionary that ships with it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

import pandas as pd

_FILE = "data_dictionary.csv"
OF_THE_TABLE = frozenset({"sheet", "catalog_number", "whole", "whole_by"})
"""Columns of the full table (`table.leaf_table`) that `measure` does not make."""


class Kind(StrEnum):
    """What the values of a column are, as Frictionless Table Schema calls it."""

    TEXT = "string"
    TRUTH = "boolean"
    COUNT = "integer"
    NUMBER = "number"


def data_dictionary() -> pd.DataFrame:
    """Return the data dictionary, one row per column of the table, in its order.

    Returns
    -------
    DataFrame
        Columns ``column``, ``meaning``, ``formula``, ``unit``, ``source``,
        ``trait_id`` (Planteome Trait Ontology, where a term exists) and ``type`` (see
        `Kind`). The columns of harmonic n stand as ``efd_a{n}`` ... ``efd_d{n}``.
    """
    with files(__package__).joinpath(_FILE).open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False)


@cache
def kinds() -> Mapping[str, Kind]:
    """Give what the values of each column are."""
    rows = data_dictionary()
    return {
        str(name): Kind(kind)
        for name, kind in zip(rows["column"], rows["type"], strict=True)
    }


@cache
def mm_twins() -> Mapping[str, str]:
    """Give columns in px and their twins: ``x_mm`` of a length, ``x_mm2`` of an area.

    What has none, as a place on the sheet, stays in px.
    """
    names = kinds().keys()
    bases = [name.removesuffix("_px") for name in names if name.endswith("_px")]
    twins = ((base, f"{base}_{unit}") for base in bases for unit in ("mm", "mm2"))
    return {f"{base}_px": twin for base, twin in twins if twin in names}


def column_names(harmonics: int = 0) -> list[str]:
    """Names of the full table's columns in order, with those of so many harmonics."""
    names = list(data_dictionary()["column"])
    plain = [name for name in names if "{n}" not in name]
    per_harmonic = [name for name in names if "{n}" in name]
    return plain + [
        name.replace("{n}", str(n))
        for n in range(1, harmonics + 1)
        for name in per_harmonic
    ]


def trait_names(harmonics: int = 0) -> list[str]:
    """Names of the columns of `napari_herbarium.measure`, in order."""
    return [name for name in column_names(harmonics) if name not in OF_THE_TABLE]
