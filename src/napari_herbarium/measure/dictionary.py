"""What every column of the table means: the data dictionary that ships with it."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

_FILE = "data_dictionary.csv"
OF_THE_TABLE = frozenset({"sheet", "catalog_number", "whole", "whole_by"})
"""Columns of the full table (`table.leaf_table`) that `measure` does not make."""


def data_dictionary() -> pd.DataFrame:
    """Return the data dictionary, one row per column of the table, in its order.

    Returns
    -------
    DataFrame
        Columns ``column``, ``meaning``, ``formula``, ``unit``, ``source`` and
        ``trait_id`` (Planteome Trait Ontology, where a term exists). The columns of
        harmonic n stand as ``efd_a{n}`` ... ``efd_d{n}``.
    """
    with files(__package__).joinpath(_FILE).open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False)


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
