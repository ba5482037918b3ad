"""Columns of the run's dataset and their types, the same in every part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from napari_herbarium.measure.dictionary import Kind, column_names, kinds
from napari_herbarium.measure.rows import COLUMNS

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.TRUTH: pa.bool_(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
}
RUN_COLUMNS = {
    "source": pa.string(),
    "confidence": pa.float64(),
    "seconds": pa.float64(),
    "verdict": pa.string(),
    "model": pa.string(),
    "model_sha256": pa.string(),
    "software": pa.string(),
    "settings": pa.string(),
}
"""What every row says about the run: where the sheet was, how sure the model was, how
long it took, what a person said of it (empty, accepted, rejected, repaired), and what
it was made with (`settings` is the run's fingerprint; the settings themselves are in
the schema's metadata and in ``run.json``)."""

STEPS = ("read", "scale", "segment", "extract", "measure", "write", "total")
SHEET_COLUMNS = pa.schema(
    [
        ("sheet", pa.string()),
        ("source", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("at", pa.string()),
        ("catalog_number", pa.string()),
        ("mm_per_px", pa.float64()),
        ("scale_source", pa.string()),
        ("scale_trust", pa.string()),
        ("height", pa.int64()),
        ("width", pa.int64()),
        ("leaves", pa.int64()),
        ("confidence", pa.float64()),
        ("verdict", pa.string()),
        ("worker", pa.string()),
        ("memory_mib", pa.int64()),
        *((f"seconds_{step}", pa.float64()) for step in STEPS),
    ]
)
"""Columns of the table of sheets."""


def leaf_columns(*, measure: bool) -> list[str]:
    """Names of the columns that describe a leaf."""
    return column_names() if measure else list(COLUMNS)


def carried_names(columns: Iterable[str]) -> list[str]:
    """Names of the manifest's columns in the tables of a run; ours keep theirs."""
    taken = {*column_names(), *COLUMNS, *RUN_COLUMNS, *SHEET_COLUMNS.names}
    names = []
    for name in columns:
        free = name
        while free in taken:
            free = f"manifest_{free}"
        taken.add(free)
        names.append(free)
    return names


def traits_schema(
    *, measure: bool, carried: Sequence[str], facts: Mapping[str, Any]
) -> pa.Schema:
    """Give the schema of a run's dataset.

    Parameters
    ----------
    measure : bool
        Whether leaves are measured in full.
    carried : sequence of str
        Columns of the manifest.
    facts : mapping
        JSON-able; kept in the schema's metadata.
    """
    fields = [(name, _TYPES[kinds()[name]]) for name in leaf_columns(measure=measure)]
    fields += list(RUN_COLUMNS.items())
    fields += [(name, pa.string()) for name in carried_names(carried)]
    text = json.dumps(facts, ensure_ascii=False)
    return pa.schema(fields, metadata={"napari-herbarium": text})


def as_part(
    rows: pd.DataFrame, constants: Mapping[str, Any], schema: pa.Schema
) -> pa.Table:
    """Give a sheet's rows the schema of the run.

    Parameters
    ----------
    rows : DataFrame
        One row a leaf.
    constants : mapping of str to value
        What is the same in every row of the sheet.
    """
    columns = []
    for field in schema:
        if field.name in constants:
            value = constants[field.name]
            columns.append(pa.array([value] * len(rows), field.type))
        else:
            columns.append(_column(rows[field.name], field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _column(cells: pd.Series, kind: pa.DataType) -> pa.Array:
    if not len(cells):
        return pa.array([], kind)
    return pa.Array.from_pandas(cells, type=kind)
