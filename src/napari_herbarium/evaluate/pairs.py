"""Sheets with their masks: a folder with `images/` and `masks/`, joined by stem."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import DataError
from napari_herbarium.evaluate.masks import as_leaf_mask, read_stored_mask
from napari_herbarium.sheet.read import SUFFIXES

MASK_SUFFIXES = frozenset([".png", ".tif", ".tiff"])


@dataclass(frozen=True)
class Pair:
    """A sheet and the mask that says where its leaves are."""

    stem: str
    image: Path
    mask: Path


def find_pairs(folder: Path) -> list[Pair]:
    """Pair every sheet in `images/` with the mask of the same stem in `masks/`.

    Raises
    ------
    DataError
        A folder is missing or empty, or sheets have no mask, or sheets or masks have
        the same stem (all are named).
    """
    sheets = _some_by_stem(folder / "images", SUFFIXES)
    masks = _some_by_stem(folder / "masks", MASK_SUFFIXES)
    alone = [files[0].name for stem, files in sheets.items() if stem not in masks]
    if alone:
        msg = f"No mask in {folder / 'masks'} for: {', '.join(alone)}."
        raise DataError(msg)
    doubles = doubles_in(f for stem in sheets for f in (sheets[stem], masks[stem]))
    if doubles:
        msg = f"Keep one of each in {folder}: {'; '.join(doubles)}."
        raise DataError(msg)
    return [Pair(stem, files[0], masks[stem][0]) for stem, files in sheets.items()]


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask: 0 not leaf, 1 leaf, 255 ignored.

    What counts as leaf in a file, see `napari_herbarium.evaluate.masks.as_leaf_mask`.

    Returns
    -------
    H x W uint8

    Raises
    ------
    SheetError
        It cannot be read, is in colour, or holds no whole numbers.
    """
    return as_leaf_mask(read_stored_mask(path), str(path))


def read_groups(path: Path, stems: Collection[str]) -> dict[str, str]:
    """Read which group each sheet belongs to from a CSV with `sheet` and `group`.

    Sheets that are not in `stems` are passed over.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, or lacks a sheet (all are named).
    """
    try:
        groups = dict(_group_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} cannot be read as a table of groups ({error})."
        raise DataError(msg) from error
    except KeyError as error:
        msg = f"{path} has no column {error}; it needs 'sheet' and 'group'."
        raise DataError(msg) from error
    absent = sorted(set(stems) - set(groups))
    if absent:
        msg = f"{path} names no group for: {', '.join(absent)}."
        raise DataError(msg)
    return {stem: groups[stem] for stem in stems}


def _group_rows(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["group"] is not None:  # a row that ends too early
                yield row["sheet"], row["group"]


def files_by_stem(folder: Path, suffixes: frozenset[str]) -> dict[str, list[Path]]:
    """Give the files of some kinds in a folder, in order; none where there is none.

    More than one have a stem where ``a.jpg`` lies beside ``a.png``.
    """
    found: dict[str, list[Path]] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        known = path.suffix.lower() in suffixes and not path.name.startswith(".")
        if known and path.is_file():
            found.setdefault(path.stem, []).append(path)
    return found


def doubles_in(files: Iterable[Sequence[Path]]) -> list[str]:
    """Name the files, each with its folder, that are more than one of a stem."""
    return [
        " and ".join(f"{path.parent.name}/{path.name}" for path in same)
        for same in files
        if len(same) > 1
    ]


def _some_by_stem(folder: Path, suffixes: frozenset[str]) -> dict[str, list[Path]]:
    if not folder.is_dir():
        msg = f"There is no folder {folder}; give one with images/ and masks/."
        raise DataError(msg)
    found = files_by_stem(folder, suffixes)
    if not found:
        msg = f"{folder} holds no picture."
        raise DataError(msg)
    return found
