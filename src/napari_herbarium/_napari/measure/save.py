"""Save what was measured, without writing over anything unasked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium._napari.common.layers import LayerSheet
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.files.export import (
    write_json,
    write_labels,
    write_overlay,
)
from napari_herbarium.measure.files.shapes_export import write_coco, write_geojson
from napari_herbarium.measure.files.table_export import write_table
from napari_herbarium.measure.table import partial_labels
from napari_herbarium.progress import Job, Progress

Ask = Callable[[Sequence[Path]], bool]
"""Asks the user whether these files may be replaced."""


@dataclass(frozen=True)
class Content:
    """What can be saved, all from one moment.

    Attributes
    ----------
    labels : H x W integers
        As they were measured.
    table : DataFrame
        Of these labels.
    picture : LayerSheet or None
        The sheet, for the overlay.
    image_name : str
        File name of the sheet, for COCO.
    folder : Path or None
        That the sheet lies in.
    mm_per_px : float or None
        For the labels' resolution tags.
    provenance : dict
        Where the numbers are from; written beside table and labels.
    """

    labels: NDArray[np.integer]
    table: pd.DataFrame
    picture: LayerSheet | None
    image_name: str
    folder: Path | None
    mm_per_px: float | None
    provenance: dict[str, Any]


@dataclass(frozen=True)
class SaveFormat:
    """One kind of file.

    Attributes
    ----------
    name : str
        As the menu has it.
    suffix : str
        Of the file; also of the name that is proposed.
    tip : str
        What is in it.
    write : callable
        Writes the content to a path.
    sidecar : str
        Suffix of the JSON file beside it that says where the numbers are from; empty
        where there is none. A sheet's formats that have the same one would replace it.
    """

    name: str
    suffix: str
    tip: str
    write: Callable[[Path, Content], None]
    sidecar: str = ""

    def with_suffix(self, path: Path) -> Path:
        """Give a path this format's suffix, if it has it not."""
        has_it = path.name.lower().endswith(self.suffix)
        return path if has_it else path.with_name(path.name + self.suffix)

    def files(self, path: Path) -> list[Path]:
        """Give all files that are written for a path."""
        path = self.with_suffix(path)
        return [path, path.with_suffix(self.sidecar)] if self.sidecar else [path]


def iter_save(kind: SaveFormat, path: Path, content: Content) -> Job[list[Path]]:
    """Write a file, and its sidecar where it has one; both replace what is there.

    Raises
    ------
    HerbariumError
        A file cannot be written, or there is nothing to write it from.
    """
    yield Progress(0, 0, "saving")
    files = kind.files(path)
    kind.write(files[0], content)
    if kind.sidecar:
        write_json(files[1], content.provenance)
    return files


def may_write(files: Sequence[Path], ask: Ask) -> bool:
    """Whether files may be written: none exists, or the user says so."""
    # Of a name that is too long for a file the writer speaks.
    existing = [path for path in files if os.path.exists(path)]
    return not existing or ask(existing)


def _write_overlay(path: Path, content: Content) -> None:
    if content.picture is None:
        msg = (
            "There is no image of the size of the labels to draw the leaves on; open "
            "the sheet and save again."
        )
        raise SettingsError(msg)
    write_overlay(
        path,
        np.asarray(content.picture.rgb8()),
        content.labels,
        partial=partial_labels(content.table),
    )


FORMATS = (
    SaveFormat(
        "Table as CSV",
        ".csv",
        "All columns, one row a leaf; a JSON file beside it says scale, settings and "
        "versions.",
        lambda path, made: write_table(path, made.table),
        sidecar=".json",
    ),
    SaveFormat(
        "Table as Parquet",
        ".parquet",
        "As CSV, but numbers in full and with their types; a JSON file beside it.",
        lambda path, made: write_table(path, made.table),
        sidecar=".parquet.json",
    ),
    SaveFormat(
        "Outlines as COCO JSON",
        ".coco.json",
        "Outlines in px for other programs and for training.",
        lambda path, made: write_coco(path, made.labels, made.table, made.image_name),
    ),
    SaveFormat(
        "Outlines as GeoJSON",
        ".geojson",
        "Outlines in px with the whole row of the table; opens in QGIS and QuPath.",
        lambda path, made: write_geojson(path, made.labels, made.table),
    ),
    SaveFormat(
        "Labels as TIFF",
        ".leaves.tif",
        "The labels pixel for pixel, with the scale as resolution; a JSON file beside "
        "it keeps which leaves you said are whole.",
        lambda path, made: write_labels(path, made.labels, made.mm_per_px),
        sidecar=".json",
    ),
    SaveFormat(
        "Overlay as PNG",
        ".overlay.png",
        "A small picture of the sheet with outlines and the numbers of the table.",
        _write_overlay,
    ),
)
