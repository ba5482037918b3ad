"""Sheets with their masks: a folder with `images/` and `masks/`, joined by stem."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.evaluate.masks import as_leaf_mask, read_labels
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
    SheetError
        A folder is missing or empty, or sheets have no mask (all are named).
    """
    sheets = _by_stem(folder / "images", SUFFIXES)
    masks = _by_stem(folder / "masks", MASK_SUFFIXES)
    alone = [path.name for stem, path in sheets.items() if stem not in masks]
    if alone:
        msg = f"No mask in {folder / 'masks'} for: {', '.join(alone)}."
        raise SheetError(msg)
    return [Pair(stem, path, masks[stem]) for stem, path in sheets.items()]


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
    return as_leaf_mask(read_labels(path), str(path))


def read_groups(path: Path, stems: Collection[str]) -> dict[str, str]:
    """Read which group each sheet belongs to from a CSV with `sheet` and `group`.

    Sheets that are not in `stems` are passed over.

    Raises
    ------
    SheetError
        The file cannot be read, lacks a column, or lacks a sheet (all are named).
    """
    try:
        groups = dict(_group_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} cannot be read as a table of groups ({error})."
        raise SheetError(msg) from error
    except KeyError as error:
        msg = f"{path} has no column {error}; it needs 'sheet' and 'group'."
        raise SheetError(msg) from error
    absent = sorted(set(stems) - set(groups))
    if absent:
        msg = f"{path} names no group for: {', '.join(absent)}."
        raise SheetError(msg)
    return {stem: groups[stem] for stem in stems}


def _group_rows(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["group"] is not None:  # a row that ends too early
                yield row["sheet"], row["group"]


def _by_stem(folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    if not folder.is_dir():
        msg = f"There is no folder {folder}; give one with images/ and masks/."
        raise SheetError(msg)
    found = {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    }
    if not found:
        msg = f"{folder} holds no picture."
        raise SheetError(msg)
    return found
