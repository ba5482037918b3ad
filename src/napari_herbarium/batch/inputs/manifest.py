"""From what the user gives to the sheets of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from napari_herbarium.batch.inputs.places import (
    Found,
    as_path,
    expand,
    identity,
    is_url,
)
from napari_herbarium.batch.inputs.tables import is_table, read_table_rows
from napari_herbarium.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One sheet of a run.

    Attributes
    ----------
    source : str
        Absolute path, or URL.
    stem : str
        What its results would be called if no other sheet had the name.
    catalog_number : str, optional
        From the manifest; counts more than the file's.
    mm_per_px : float, optional
        From the manifest; counts more than ruler and file.
    carried : tuple of str
        Further columns of the manifest, in the order of `Manifest.columns`.
    """

    source: str
    stem: str
    catalog_number: str | None = None
    mm_per_px: float | None = None
    carried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """The sheets of a run.

    Attributes
    ----------
    rows : tuple of SheetRow
        Each source once, in the order given.
    columns : tuple of str
        Names of the columns that are carried through.
    skipped : dict of str to str
        Source of what is no sheet, to the reason.
    repeated : int
        How many times a source was given again.
    """

    rows: tuple[SheetRow, ...]
    columns: tuple[str, ...] = ()
    skipped: dict[str, str] | None = None
    repeated: int = 0


def read_manifest(inputs: Sequence[str | Path], out: Path | None = None) -> Manifest:
    """Expand folders, patterns, URLs and tables of sheets.

    A folder stands for the sheets directly in it; other files in it are skipped, with
    the reason. A pattern such as ``scans/**`` goes deeper. A table (CSV, TSV or
    Parquet) has a column with path or URL, may have a catalogue number and
    ``mm_per_px``, and all its other columns are carried through.

    Parameters
    ----------
    inputs : sequence of str or path
        What the user gave.
    out : path, optional
        Folder of the run; nothing in it is taken for a sheet.

    Raises
    ------
    SettingsError
        Nothing was given, something holds no sheet, or a table makes no sense.
    """
    parts = [_part(str(text), out) for text in inputs]
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    rows: dict[str, SheetRow] = {}
    count = 0
    for row in with_columns(parts, columns):
        rows.setdefault(identity(row.source), row)
        count += 1
    if not rows:
        msg = "Give at least one sheet, folder, pattern, URL or table of sheets."
        raise SettingsError(msg)
    skipped = {k: v for part in parts for k, v in (part.skipped or {}).items()}
    skipped = {s: why for s, why in skipped.items() if identity(s) not in rows}
    return Manifest(tuple(rows.values()), columns, skipped, count - len(rows))


def with_columns(
    parts: Iterable[Manifest], columns: tuple[str, ...]
) -> Iterator[SheetRow]:
    """Give the rows of all parts, with the columns of all parts."""
    for part in parts:
        if part.columns == columns:
            yield from part.rows
            continue
        for row in part.rows:
            own = dict(zip(part.columns, row.carried, strict=True))
            carried = tuple(own.get(name, "") for name in columns)
            yield replace(row, carried=carried)


def _part(text: str, out: Path | None) -> Manifest:
    if is_table(text):
        return _from_table(text)
    found: Found = expand(text, out)
    rows = tuple(SheetRow(source, stem_of(source)) for source in found.sheets)
    return Manifest(rows, skipped=found.skipped)


def _from_table(text: str) -> Manifest:
    table = read_table_rows(as_path(text))
    rows = tuple(
        SheetRow(
            cells.source,
            _stem(cells.source, cells.catalog_number),
            cells.catalog_number or None,
            cells.mm_per_px,
            cells.carried,
        )
        for cells in table.rows
    )
    return Manifest(rows, table.columns, table.skipped)


def _stem(source: str, catalog_number: str) -> str:
    # Image servers call every picture "default.jpg".
    return catalog_number if catalog_number and is_url(source) else stem_of(source)


def stem_of(source: str) -> str:
    """Give the name of a file or URL without suffix."""
    if is_url(source):
        return PurePosixPath(unquote(urlsplit(source).path)).stem
    return Path(source).stem
