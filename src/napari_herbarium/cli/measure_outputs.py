"""Which files `measure` writes, and when it may."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from napari_herbarium import words
from napari_herbarium.cli.outputs import refuse_existing, refuse_inputs
from napari_herbarium.errors import SettingsError
from napari_herbarium.files import refuse_held
from napari_herbarium.measure.dictionary import column_names
from napari_herbarium.measure.files.table_export import (
    read_full_table,
    replace_sheet,
    write_table,
)
from napari_herbarium.results import OVERLAY


class Format(StrEnum):
    """What a measured sheet can be written as."""

    CSV = "csv"
    PARQUET = "parquet"
    COCO = "coco"
    GEOJSON = "geojson"


_OF_ALL = {Format.CSV: "traits.csv", Format.PARQUET: "traits.parquet"}
_MOST_NAMED = 5
_OF_ONE = {Format.COCO: ".coco.json", Format.GEOJSON: ".geojson"}


def parsed_formats(text: str) -> tuple[Format, ...]:
    """Read ``csv,coco`` and the like.

    Raises
    ------
    SettingsError
        A format is not known, or there is none.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = [each.value for each in Format]
    strange = [name for name in names if name not in known]
    if strange or not names:
        msg = f"--formats is {text!r}; choose from {', '.join(known)}, with commas."
        raise SettingsError(msg)
    return tuple(dict.fromkeys(map(Format, names)))


@dataclass(frozen=True)
class MeasureOutputs:
    """The files of one sheet.

    Attributes
    ----------
    folder : Path
    sheet : str
    formats : tuple of Format
        What was asked for.
    overlay : bool
        Whether an overlay was asked for.
    """

    folder: Path
    sheet: str
    formats: tuple[Format, ...]
    overlay: bool

    @property
    def tables(self) -> list[Path]:
        """Tables with the rows of all sheets in the folder."""
        return [self.folder / name for key, name in _OF_ALL.items() if self._has(key)]

    @property
    def coco(self) -> Path | None:
        """Outlines as COCO JSON."""
        return self._shapes(Format.COCO)

    @property
    def geojson(self) -> Path | None:
        """Outlines as GeoJSON."""
        return self._shapes(Format.GEOJSON)

    @property
    def sidecar(self) -> Path:
        """Settings, scale and versions."""
        return self.folder / f"{self.sheet}.traits.json"

    @property
    def picture(self) -> Path | None:
        """Overlay with outlines and numbers."""
        return self.folder / f"{self.sheet}{OVERLAY}" if self.overlay else None

    @property
    def files(self) -> list[Path]:
        """Files that belong to this sheet alone."""
        mine = [self.sidecar, self.coco, self.geojson, self.picture]
        return [path for path in mine if path is not None]

    def _has(self, wanted: Format) -> bool:
        return wanted in self.formats

    def _shapes(self, wanted: Format) -> Path | None:
        path = self.folder / f"{self.sheet}{_OF_ONE[wanted]}"
        return path if self._has(wanted) else None


def check_measure_outputs(
    outputs: Collection[MeasureOutputs],
    inputs: Iterable[Path],
    *,
    harmonics: int,
    overwrite: bool,
) -> None:
    """Refuse, before any work, a run that would destroy something.

    Raises
    ------
    SettingsError
        Results exist (all are named) and `overwrite` is not set, a result would
        replace an input, a program has a table open, or rows of other sheets have
        another number of harmonics.
    HerbariumError
        A table in the folder has other columns.
    """
    files = [file for each in outputs for file in each.files]
    refuse_inputs(files, inputs, "an input")
    rows = _rows_that_exist(outputs, harmonics)
    refuse_existing(files, rows, overwrite=overwrite)


def _rows_that_exist(outputs: Collection[MeasureOutputs], harmonics: int) -> list[str]:
    sheets = {each.sheet for each in outputs}
    rows = []
    for table in sorted({table for each in outputs for table in each.tables}):
        if table.exists():
            refuse_held(table)
            known = _sheets_in(table, harmonics)
            _refuse_to_lose(table, known - sheets, harmonics)
            rows += [f"{table}: rows of {o.sheet}" for o in outputs if o.sheet in known]
    return rows


def _sheets_in(table: Path, harmonics: int) -> set[str]:
    before = _harmonics_of(table)
    columns = column_names(harmonics if before is None else before)
    return set(read_full_table(table, tuple(columns))["sheet"])


def put_rows(
    path: Path,
    rows: pd.DataFrame,
    sheet: str,
    *,
    sheets: Collection[str],
    harmonics: int,
) -> None:
    """Put the rows of one sheet into a table and keep those of other sheets.

    Parameters
    ----------
    path : Path
        The table. One with another number of harmonics is begun anew.
    rows : DataFrame
        As `table.leaf_table` gives them.
    sheet : str
        Name of the sheet.
    sheets : collection of str
        Names of all sheets of this run.
    harmonics : int
        Elliptic Fourier harmonics of the rows.

    Raises
    ------
    SettingsError
        Rows of sheets that are not of this run would be lost.
    HerbariumError
        The file is another kind of table, or cannot be written.
    """
    if path.exists() and _harmonics_of(path) not in (None, harmonics):
        # Looked at again: another run may have added rows since the check.
        lost = _sheets_in(path, harmonics) - set(sheets)
        _refuse_to_lose(path, lost, harmonics)
        write_table(path, rows)
    else:
        replace_sheet(path, rows, sheet)


def _refuse_to_lose(table: Path, sheets: Collection[str], harmonics: int) -> None:
    """Refuse a table whose other rows cannot stay because they have other columns."""
    before = _harmonics_of(table)
    if not sheets or before in (None, harmonics):
        return
    names = words.some(sorted(sheets), _MOST_NAMED)
    msg = (
        f"{table} has rows of other sheets ({names}) with other columns "
        f"(--harmonics {before}, now {harmonics}); give the labels of these sheets as "
        "well, go back to that number of harmonics, or choose another --out."
    )
    raise SettingsError(msg)


def _harmonics_of(table: Path) -> int | None:
    """Harmonics that a table of leaves was made with; None where it is none."""
    columns = _columns_of(table)
    each = len(column_names(1)) - len(column_names())
    count = max(0, len(columns) - len(column_names())) // each
    return count if columns == column_names(count) else None


def _columns_of(table: Path) -> list[str]:
    """Names in the head of a table; none where it cannot be read."""
    try:
        if table.suffix.lower() == ".parquet":
            return list(pq.read_schema(table).names)
        return list(pd.read_csv(table, nrows=0).columns)
    except (OSError, ValueError):
        return []
