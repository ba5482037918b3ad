"""Write labels, overlay and table, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.errors import HerbariumError
from napari_herbarium.files import replacing, write_text
from napari_herbarium.locks import taking_turns
from napari_herbarium.measure.files.overlay import draw_overlay

MM_PER_CM = 10.0
_MOST_BYTES = 4
TRAIT_NUMBERS = ".9g"
"""Format of traits: areas of a whole sheet to the pixel, ratios to nine digits."""


def write_labels(
    path: Path, labels: NDArray[np.integer], mm_per_px: float | None = None
) -> None:
    """Write labels as a deflate-compressed TIFF.

    Parameters
    ----------
    path : Path
        Replaced when it exists.
    labels : H x W integers
        Kept pixel for pixel, and in their type unless that has 64 bits, which few
        programs read.
    mm_per_px : float, optional
        Becomes the resolution tags (px per cm); left out when not known.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    if labels.dtype.itemsize > _MOST_BYTES:
        labels = labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
    scale: dict[str, Any] = {}
    if mm_per_px is not None:
        per_cm = MM_PER_CM / mm_per_px
        scale = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            labels,
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            rowsperstrip=256,
            metadata=None,
            software="napari-herbarium",
            **scale,
        )


def write_overlay(
    path: Path,
    image: Any,
    labels: NDArray[np.integer],
    partial: Collection[int] = (),
) -> None:
    """Write the sheet with outline and number of every leaf as a PNG.

    Parameters
    ----------
    path : Path
        Replaced when it exists.
    image : H x W x 3 uint8 array-like
        The sheet.
    labels : H x W integers
        0 is not leaf.
    partial : collection of int
        Labels that are not single whole leaves, drawn dashed (`table.partial_labels`).

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    picture = Image.fromarray(draw_overlay(image, labels, partial=partial))
    with replacing(path) as temporary:
        picture.save(temporary)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write settings and provenance as readable JSON.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    write_text(path, text + "\n")


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table written earlier, every cell as the text it is.

    Raises
    ------
    HerbariumError
        The file is not a table with these columns.
    """
    return checked_table(
        path, columns, partial(pd.read_csv, dtype=str, keep_default_na=False)
    )


def checked_table(
    path: Path, columns: tuple[str, ...], read: Callable[[Path], Any]
) -> pd.DataFrame:
    """Read a table, and see that it is one of leaves.

    Raises
    ------
    HerbariumError
        The file is not a table with these columns.
    """
    try:
        table = read(path)
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as a table ({error}); choose another folder."
        raise HerbariumError(msg) from error
    if tuple(table.columns) != columns:
        msg = (
            f"{path} has other columns than the table of leaves that would be written; "
            "move it or choose another folder."
        )
        raise HerbariumError(msg)
    return table


def has_rows(path: Path, columns: tuple[str, ...], sheet: str) -> bool:
    """Whether a table written earlier has rows of a sheet.

    Raises
    ------
    HerbariumError
        The file is not a table with these columns.
    """
    return path.exists() and sheet in set(read_table(path, columns)["sheet"])


def replace_rows(
    path: Path, rows: pd.DataFrame, sheet: str, *, numbers: str = ".4f"
) -> None:
    """Put the rows of one sheet into a table and keep those of other sheets.

    Runs that do so to the same table at the same time take turns.

    Parameters
    ----------
    path : Path
        The table; made when it does not exist.
    rows : DataFrame
        The new rows, with a column `sheet`.
    sheet : str
        Name in column `sheet` whose earlier rows go.
    numbers : str
        Format of the fractional numbers.

    Raises
    ------
    HerbariumError
        The file is another kind of table, or cannot be written.
    """
    new = rows.map(partial(_as_text, numbers=numbers))
    with taking_turns(path), replacing(path) as temporary:
        if path.exists():
            table = read_table(path, tuple(rows.columns))
            new = pd.concat([table[table["sheet"] != sheet], new], ignore_index=True)
        new.to_csv(temporary, index=False)


def _as_text(value: Any, numbers: str) -> str:
    if pd.isna(value):
        return ""
    return f"{value:{numbers}}" if isinstance(value, float) else str(value)
