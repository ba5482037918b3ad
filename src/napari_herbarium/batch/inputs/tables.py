"""Tables of sheets: CSV, TSV or Parquet, with Darwin Core names where they are used."""

from __future__ import annotations

import math
import os
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import fsspec
import pandas as pd
from pandas.errors import ParserWarning

from napari_herbarium import words
from napari_herbarium.batch.inputs.places import as_path, check_kind, is_http, is_url
from napari_herbarium.errors import SettingsError

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_PATHS = ("path", "file", "filename", "image", "url", "accessuri", "identifier")
_NUMBERS = ("catalognumber", "cataloguenumber", "barcode")
_SCALES = ("mmperpx",)
_SEPARATORS = (";", "\t", ",")
_MOST_NAMED = 5
_UTF16 = (BOM_UTF16_BE, BOM_UTF16_LE)
"""What Excel calls Unicode text begins with one of these."""
_BEGIN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Cells:
    """What a row says."""

    source: str
    catalog_number: str
    mm_per_px: float | None
    carried: tuple[str, ...]


@dataclass(frozen=True)
class TableOfSheets:
    """The rows of a table.

    Attributes
    ----------
    rows : list of Cells
        Those with a path or URL.
    columns : tuple of str
        Names of the carried columns, as the table has them.
    skipped : dict of str to str
        Rows without path or URL, and the reason.
    """

    rows: list[Cells]
    columns: tuple[str, ...]
    skipped: dict[str, str]


def is_table(text: str) -> bool:
    """Whether an input is a table of sheets, by its suffix."""
    return text.lower().endswith(SUFFIXES) and not Path(text).is_dir()


def read_table_rows(text: str) -> TableOfSheets:
    """Read a table of sheets.

    Column names are taken with or without ``dwc:`` or ``ac:`` and in any case:
    ``path``, ``file``, ``url``, ``accessURI`` (or ``identifier``, when there is no
    other) for the sheet, relative to the table; ``catalogNumber`` or
    ``catalog_number``; ``mm_per_px``.

    Raises
    ------
    SettingsError
        The table cannot be read, has no column for the sheet, or a scale in it is
        not a positive number.
    """
    table = _read(text)
    names = list(table.columns)
    path = _column(names, _PATHS)
    if path is None:
        msg = (
            f"{text} has no column 'path' or 'url' that says where the sheets are "
            f"(it has {', '.join(names)})."
        )
        raise SettingsError(msg)
    number, scale = _column(names, _NUMBERS), _column(names, _SCALES)
    columns = tuple(name for name in names if name not in (path, number, scale))
    rows, skipped = [], {}
    cells = zip(
        table.index,
        table[path],
        table[number] if number else [""] * len(table),
        _scales(text, table[scale]) if scale else [None] * len(table),
        zip(*(table[name] for name in columns), strict=True)
        if columns
        else [()] * len(table),
        strict=True,
    )
    for line, where, catalog, mm_per_px, carried in cells:
        if where.strip():
            source = _absolute(where.strip(), text)
            rows.append(Cells(source, catalog.strip(), mm_per_px, carried))
        else:
            skipped[f"{text}#{line}"] = f"Row {line} of {text} names no sheet."
    return TableOfSheets(rows, columns, skipped)


def _read(text: str) -> pd.DataFrame:
    """Read cells as text; the index is the number of the row in a spreadsheet."""
    try:
        if text.lower().endswith(".parquet"):
            table = pd.read_parquet(text, dtype_backend="numpy_nullable")
            table = table.astype(object).where(table.notna(), "").map(_as_text)
            return table.set_axis(range(2, len(table) + 2))
        return _read_text(text)
    except UnicodeDecodeError as error:
        msg = f"{text} is not in UTF-8; in Excel save it as 'CSV UTF-8'."
        raise SettingsError(msg) from error
    except ParserWarning as error:
        msg = (
            f"Rows of {text} have more cells than its first line names; name them, or "
            "take them away."
        )
        raise SettingsError(msg) from error
    except Exception as error:  # parsers, archives and networks all have their own
        msg = f"{text} cannot be read as a table of sheets ({error})."
        raise SettingsError(msg) from error


def _as_text(cell: Any) -> str:
    # Whole numbers of a column with gaps may have been saved as 12.0.
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if whole else cell)


def _read_text(text: str) -> pd.DataFrame:
    """Read cells as text, whichever separator and Unicode a spreadsheet wrote."""
    content = _content(text)
    encoding = "utf-16" if content[:2] in _UTF16 else "utf-8-sig"
    read = partial(_cells, content, encoding)
    usual = "," if text.lower().endswith(".csv") else "\t"
    for separator in (usual, *_SEPARATORS):
        head = read(separator, rows=0)
        if _column(list(head.columns), _PATHS):
            return read(separator)
    return read(usual)


def _content(text: str) -> bytes:
    """Read a table once: it may have to be fetched."""
    if not is_url(text):
        return Path(text).read_bytes()
    # fsspec would need aiohttp for what Python itself can fetch.
    opened = urlopen(text) if is_http(text) else fsspec.open(text, "rb")
    with opened as file:
        content: bytes = file.read()
    return content


def _cells(
    content: bytes, encoding: str, separator: str, rows: int | None = None
) -> pd.DataFrame:
    before = _lines_before_names(content, encoding)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        table = pd.read_csv(
            BytesIO(content),
            sep=separator,
            skiprows=before,
            nrows=rows,
            index_col=False,  # else a separator at the end of rows moves all columns
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,  # else rows after them have other numbers
            encoding=encoding,
        )
    table.index = pd.RangeIndex(before + 2, before + 2 + len(table))
    return table[(table != "").any(axis=1)]


def _lines_before_names(content: bytes, encoding: str) -> int:
    """Count blank lines and Excel's own, ``sep=;``, which it does not show."""
    begin = content[:_BEGIN_BYTES].decode(encoding, errors="ignore")
    before = takewhile(_is_before_names, begin.splitlines())
    return sum(1 for _ in before)


def _is_before_names(line: str) -> bool:
    return not line.strip() or line.lower().startswith("sep=")


def _column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Give the first of the wanted names that the table has, as it writes it."""
    plain = {_plain(name): name for name in reversed(names)}
    return next((plain[name] for name in wanted if name in plain), None)


def _plain(name: str) -> str:
    name = name.strip().lower()
    for prefix in ("dwc:", "ac:", "dcterms:", "dc:"):
        name = name.removeprefix(prefix)
    return name.replace("_", "").replace(" ", "")


def _scales(text: str, cells: pd.Series) -> list[float | None]:
    values = [_scale(str(cell).strip()) for cell in cells]
    wrong = [
        f"row {line}: {cell!r}"
        for (line, cell), value in zip(cells.items(), values, strict=True)
        if value is not None and not (math.isfinite(value) and value > 0)
    ]
    if wrong:
        msg = (
            f"mm_per_px in {text} has to be a positive number or empty, but there is "
            f"{words.some(wrong, _MOST_NAMED)}."
        )
        raise SettingsError(msg)
    return values


def _scale(cell: str) -> float | None:
    if not cell:
        return None
    try:
        return float(cell if "." in cell else cell.replace(",", "."))
    except ValueError:
        return math.nan


def _absolute(where: str, table: str) -> str:
    if is_url(where):
        check_kind(where)
        return where
    home = "" if is_url(table) else os.path.dirname(table)
    where = as_path(where, home)
    if is_url(table):
        return urljoin(table, where)
    path = os.path.abspath(os.path.join(home, where))
    if os.sep == "/" and "\\" in where and not os.path.lexists(path):
        # Written on Windows, read elsewhere.
        turned = os.path.abspath(os.path.join(home, where.replace("\\", "/")))
        return turned if os.path.lexists(turned) else path
    return path
