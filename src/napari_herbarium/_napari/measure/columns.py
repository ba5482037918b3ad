"""Which columns of the table are shown, and how they are called there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from napari_herbarium.measure.dictionary import Kind, data_dictionary, kinds

UNITS = ("mm", "px")
MAIN = (
    "whole",
    "length_mm",
    "width_mm",
    "area_mm2",
    "whole_probability",
    "perimeter_mm",
    "petiole_length_mm",
    "length_width_ratio",
    "holes",
    "lobes",
    "teeth",
)
"""Shown until the user chooses otherwise; a narrow dock has room for the first few."""

_NO_TRAIT = frozenset({"label", "mm_per_px"})
_ABOUT_SHEET = (
    "sheet",
    "catalog_number",
    "mm_per_px",
    "scale_source",
    "scale_trust",
)
_SHORT = {
    "whole_probability": "probability\n0 to 1",
    "length_width_ratio": "length\n/ width",
    "mm_per_px": "mm\nper px",
}
_PAPER = "Hussein"
_UNIT = {"px": "px", "px2": "px²", "mm": "mm", "mm2": "mm²", "deg": "°"}


def feature_order(columns: Collection[str]) -> list[str]:
    """Columns of a layer's features: `index` first, what is the same in all rows last.

    napari shows them in this order beside the pointer.
    """
    first = ["index", "whole", "whole_probability", "whole_by"]
    last = [name for name in _ABOUT_SHEET if name in columns]
    middle = [name for name in columns if name not in {*first, *last}]
    return [*(name for name in first if name in columns), *middle, *last]


def twin(column: str, unit: str, columns: Collection[str]) -> str:
    """Give the same trait in another unit, where it is there in both."""
    base, old = _split(column)
    if old not in ("px", "px2", "mm", "mm2"):
        return column
    squared = f"{base}_{'mm2' if unit == 'mm' else 'px'}"
    plain = f"{base}_{unit}"
    return next((name for name in (plain, squared) if name in columns), column)


def in_unit(columns: Sequence[str], unit: str) -> list[str]:
    """Leave out the columns whose trait is there in the other unit."""
    return [name for name in columns if twin(name, unit, columns) == name]


def number_columns(columns: Sequence[str], unit: str) -> list[str]:
    """Traits that are numbers, in one unit: for colours and histogram."""
    return [name for name in in_unit(columns, unit) if _is_trait(name)]


def _is_trait(column: str) -> bool:
    no_number = kinds().get(column) in (Kind.TEXT, Kind.TRUTH)
    return not no_number and column not in _NO_TRAIT


def header(column: str) -> str:
    """Give a column's heading: words, and the unit on a second line."""
    if column in _SHORT:
        return _SHORT[column]
    words, unit = _words_and_unit(column)
    return f"{words}\n{unit}" if unit else words


def title(column: str) -> str:
    """Give a column's heading in one line, the unit in brackets."""
    words, unit = _words_and_unit(column)
    return f"{words} ({unit})" if unit else words


def meaning(column: str) -> str:
    """Say what a column means, as the data dictionary has it."""
    row = _dictionary().get(column)
    if row is None:
        return column
    unit = f" Unit: {row['unit']}." if row["unit"] else ""
    return f"{column}: {row['meaning']}.{unit}"


def _split(column: str) -> tuple[str, str]:
    base, _, unit = column.rpartition("_")
    return (base, unit) if base and unit in _UNIT else (column, "")


def _words_and_unit(column: str) -> tuple[str, str]:
    base, unit = _split(column)
    row = _dictionary().get(column, {})
    shown = _UNIT.get(row.get("unit", ""), _UNIT.get(unit, ""))
    if row.get("source", "").startswith(_PAPER):
        # Some have the name, not the meaning, of a column of ours.
        shown = f"{shown}, paper" if shown else "paper"
    return base.replace("_", " "), shown


@cache
def _dictionary() -> dict[str, dict[str, str]]:
    rows = data_dictionary().to_dict("records")
    return {
        str(row["column"]): {str(k): str(v) for k, v in row.items()} for row in rows
    }
