"""The run's Parquet datasets: rows of the leaves, and the table of the sheets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from napari_herbarium.batch.inputs.given import CARRIED
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.ledger import Entry
from napari_herbarium.batch.records.schema import (
    SHEET_COLUMNS,
    STEPS,
    as_part,
    carried_names,
    traits_schema,
)
from napari_herbarium.errors import HerbariumError
from napari_herbarium.files import replacing
from napari_herbarium.words import printable

_AT_ONCE = 20_000


def schema_of(plan: Plan) -> pa.Schema:
    """Give the schema of a run's dataset of leaves."""
    return traits_schema(
        measure=plan.settings.measure, carried=plan.columns, facts=plan.facts()
    )


def write_part(
    plan: Plan,
    name: str,
    rows: pd.DataFrame,
    row: SheetRow,
    confidence: float,
    seconds: float,
    verdict: str = "",
) -> None:
    """Write the rows of one sheet into the dataset of leaves.

    Parameters
    ----------
    plan : Plan
        The run.
    name : str
        Of the sheet.
    rows : DataFrame
        One row a leaf.
    row : SheetRow
        What the manifest says of the sheet.
    confidence, seconds : float
        Of the sheet.
    verdict : str
        What a person said of it.

    Raises
    ------
    HerbariumError
        The part cannot be written.
    """
    constants = {
        "source": printable(row.source),
        "confidence": confidence,
        "seconds": seconds,
        "verdict": str(verdict),
        **constants_of(plan),
        **dict(zip(carried_names(plan.columns), _carried(plan, row), strict=True)),
    }
    write_table(plan.layout.part(name), as_part(rows, constants, schema_of(plan)))


def set_verdict(plan: Plan, name: str, verdict: str) -> None:
    """Put what a person said of a sheet into its rows.

    Raises
    ------
    HerbariumError
        The part cannot be read or written.
    """
    path = plan.layout.part(name)
    table = read_part(plan, name)
    place = table.schema.get_field_index("verdict")
    column = pa.array([verdict] * len(table), pa.string())
    write_table(path, table.set_column(place, table.schema.field(place), column))


def read_part(plan: Plan, name: str) -> pa.Table:
    """Give the rows of one sheet.

    Raises
    ------
    HerbariumError
        The part is missing or damaged.
    """
    path = plan.layout.part(name)
    try:
        return pq.read_table(path, schema=schema_of(plan), partitioning=None)
    except (OSError, pa.ArrowException) as error:
        msg = f"{path} cannot be read ({error}); run the batch again."
        raise HerbariumError(msg) from error


def constants_of(plan: Plan) -> dict[str, str]:
    """Give what every row says of the run."""
    return {
        "model": plan.model_name,
        "model_sha256": plan.model_sha256,
        "software": plan.software,
        "settings": plan.fingerprint,
    }


def _carried(plan: Plan, row: SheetRow) -> tuple[str, ...]:
    return row.carried or ("",) * len(plan.columns)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all.

    Raises
    ------
    HerbariumError
        It cannot be written.
    """
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_sheets_table(plan: Plan, entries: Iterable[Entry]) -> None:
    """Write the table of the sheets: one row a sheet, from the ledger.

    Raises
    ------
    HerbariumError
        It cannot be written.
    """
    carried = carried_names(plan.columns)
    schema = pa.schema([*SHEET_COLUMNS, *((name, pa.string()) for name in carried)])
    with (
        replacing(plan.layout.sheets_table) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        waiting = iter(entries)
        while some := list(islice(waiting, _AT_ONCE)):
            rows = [_sheet_row(entry, carried) for entry in some]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _sheet_row(entry: Entry, carried: Sequence[str]) -> dict[str, Any]:
    seconds = entry.facts.get("seconds", {})
    return {
        **{name: entry.facts.get(name) for name in SHEET_COLUMNS.names},
        "sheet": entry.name,
        "source": printable(entry.source),
        "state": entry.state.value,
        "reason": printable(entry.reason),
        "at": entry.at,
        **{f"seconds_{step}": seconds.get(step) for step in STEPS},
        **dict(zip(carried, entry.facts.get(CARRIED, ()), strict=False)),
    }


def read_columns(
    plan: Plan, names: Sequence[str], columns: Sequence[str]
) -> dict[str, list[float]]:
    """Give some columns of the rows of some sheets.

    Parameters
    ----------
    names : sequence of str
        Of the sheets; one without a part counts for nothing.
    columns : sequence of str
        Numeric columns; those that the run does not have are left out.
    """
    wanted = [name for name in columns if name in schema_of(plan).names]
    values: dict[str, list[float]] = {name: [] for name in wanted}
    for name in names:
        path = plan.layout.part(name)
        if path.exists():
            part = pq.read_table(path, columns=wanted, partitioning=None)
            for column in wanted:
                values[column] += part[column].to_pylist()
    return values


def write_traits_csv(plan: Plan, names: Iterable[str]) -> None:
    """Write the rows of all sheets as one CSV file.

    Raises
    ------
    HerbariumError
        It cannot be written.
    """
    with (
        replacing(plan.layout.traits_csv) as temporary,
        csv.CSVWriter(str(temporary), schema_of(plan)) as writer,
    ):
        for name in names:
            writer.write_table(read_part(plan, name))
