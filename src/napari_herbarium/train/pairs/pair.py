"""A training pair: a sheet, and the mask that says where its leaves are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import DataError, SheetError
from napari_herbarium.evaluate.masks import as_leaf_mask
from napari_herbarium.evaluate.pairs import read_mask
from napari_herbarium.plain_json import parsed
from napari_herbarium.segment.pixels import as_rgb8
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.train.pairs.polygons import Polygons

Mask: TypeAlias = "Path | NDArray | Polygons"


@dataclass(frozen=True)
class Pair:
    """A sheet and its leaves, in files or in memory.

    Attributes
    ----------
    name : str
        Names the sheet in messages and in the split; unique in a training run.
    image : path or array or None
        A file that `read_sheet` opens, or H x W x 3 uint8 (numpy or dask). None: there
        is a mask but no sheet, which `check_pairs` reports.
    mask : path or array or Polygons or None
        H x W integers or booleans: 0 background, more than 0 leaf (1, 255, or ids of
        leaves). An 8-bit mask that holds 0, 1 and 255 and nothing else means 255 as
        "not known": ignored. None: no mask was found, which `check_pairs` reports.
    doubles : tuple of str
        Where a folder has several sheets or masks of this name: which, in words.
        `check_pairs` reports them, as nobody knows which of them is meant.
    """

    name: str
    image: Path | Any | None
    mask: Mask | None
    doubles: tuple[str, ...] = ()


def open_image(pair: Pair) -> Any:
    """Give the picture of a pair without reading more of it than is needed.

    Returns
    -------
    array-like, H x W x 3 uint8
        numpy, or dask for a large file.

    Raises
    ------
    SheetError
        The file cannot be read, or the array is no picture.
    """
    if pair.image is None:
        msg = f"{pair.name} has a mask but no sheet; add the sheet or leave it out."
        raise SheetError(msg)
    if isinstance(pair.image, str | Path):
        return read_sheet(pair.image).image
    return as_rgb8(pair.image)


def open_mask(pair: Pair) -> NDArray[np.uint8]:
    """Give the mask of a pair: 0 not leaf, 1 leaf, 255 ignored.

    Returns
    -------
    H x W uint8

    Raises
    ------
    SheetError
        There is none, it cannot be read, or it is no mask.
    """
    if pair.mask is None:
        msg = f"{pair.name} has no mask; draw one or leave the sheet out."
        raise SheetError(msg)
    if isinstance(pair.mask, Polygons):
        return pair.mask.draw()
    if isinstance(pair.mask, str | Path):
        return read_mask(Path(pair.mask))
    return as_leaf_mask(np.asarray(pair.mask), f"The mask of {pair.name}")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        It cannot be read or is no JSON.
    """
    try:
        return parsed(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as JSON ({error}); check it, or export it again."
        raise DataError(msg) from error
