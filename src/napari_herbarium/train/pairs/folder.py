"""A folder of training pairs that grows over weeks, one repaired sheet at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_herbarium.errors import SettingsError
from napari_herbarium.evaluate.masks import as_leaf_mask
from napari_herbarium.file_names import as_filed
from napari_herbarium.files import replacing, write_text
from napari_herbarium.segment.pixels import as_rgb8
from napari_herbarium.sheet.write import write_sheet_tiff
from napari_herbarium.train.pairs.preflight import IMAGES, MASKS

_FORBIDDEN = '<>:"/\\|?*'


def save_pair(
    folder: Path,
    stem: str,
    image: Any,
    labels: NDArray,
    mm_per_px: float | None = None,
    *,
    overwrite: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Store a sheet and its repaired labels as a training pair.

    Writes ``images/<stem>.tif`` (lossless, the scale in its resolution tag),
    ``masks/<stem>.tif`` (the labels with their numbers, lossless) and
    ``masks/<stem>.json`` (where they come from). This is what `find_training_pairs`
    reads. Each file is written whole or not at all, the mask last: a pair that was
    cut short has no mask, which `check_pairs` tells.

    Parameters
    ----------
    folder : path
        Created when missing.
    stem : str
        Name of the pair; usually the stem of the sheet's file.
    image : array-like or Sheet
        H x W x 3 uint8, numpy or dask; what else
        `napari_herbarium.segment.pixels.as_rgb8` takes.
    labels : H x W integers or bool
        0 background, a number per leaf.
    mm_per_px : float, optional
        Scale of the sheet; left out when not known.
    overwrite : bool
        Replace a pair of that name.
    facts : mapping, optional
        JSON-able facts to keep beside the labels, such as the path of the original,
        the catalogue number, where the scale comes from, which model proposed the
        labels.

    Returns
    -------
    Path
        The mask's file.

    Raises
    ------
    SettingsError
        The pair exists, the stem is no file name, the two differ in size, or there
        is no leaf.
    HerbariumError
        A file cannot be written, or the labels are none.
    """
    folder, labels = Path(folder), np.asarray(labels)
    rgb = as_rgb8(image)
    _check(folder, stem, tuple(rgb.shape[:2]), labels, overwrite=overwrite)
    pixels = np.asarray(rgb)
    with replacing(folder / IMAGES / f"{stem}.tif") as temporary:
        write_sheet_tiff(temporary, pixels, mm_per_px)
    text = json.dumps(_record(pixels, labels, mm_per_px, facts), indent=2)
    write_text(folder / MASKS / f"{stem}.json", text + "\n")
    return _write_mask(folder / MASKS / f"{stem}.tif", labels)


def pair_exists(folder: Path, stem: str) -> bool:
    """Tell whether a training folder has a sheet or mask of that name already.

    Of one that differs in upper and lower case alone, too: on Windows and macOS it
    would be written over.
    """
    folder = Path(folder)
    places = (folder / IMAGES, folder / MASKS)
    return any(
        as_filed(path.stem) == as_filed(stem) and path.suffix.lower() != ".json"
        for place in places
        if place.is_dir()
        for path in place.iterdir()
    )


def _of_other_kind(folder: Path, stem: str) -> Path | None:
    """Find a file that a pair of that name would not replace but stand beside."""
    others = (
        path
        for place, kinds in ((IMAGES, {".tif"}), (MASKS, {".tif", ".json"}))
        for path in sorted((folder / place).glob("*"))
        if as_filed(path.stem) == as_filed(stem)
        and (path.suffix not in kinds or _is_another(path, stem))
    )
    return next(others, None)


def _is_another(path: Path, stem: str) -> bool:
    """Tell whether this file system takes a name for another one than a file's."""
    return path.stem != stem and not path.with_name(stem + path.suffix).exists()


def _check(
    folder: Path,
    stem: str,
    size: tuple[int, ...],
    labels: NDArray,
    *,
    overwrite: bool,
) -> None:
    if not stem.strip(". ") or any(c in _FORBIDDEN or ord(c) < 32 for c in stem):
        msg = f"{stem!r} is no name for a file; use letters, digits, '-' and '_'."
        raise SettingsError(msg)
    if pair_exists(folder, stem) and not overwrite:
        msg = (
            f"{folder} has a pair {stem!r} already; choose another name or replace it."
        )
        raise SettingsError(msg)
    foreign = _of_other_kind(folder, stem)
    if foreign:
        msg = f"{foreign} would be a second file of that pair; move it away first."
        raise SettingsError(msg)
    mask = as_leaf_mask(labels, "The labels layer")
    if mask.shape != size:
        msg = f"The labels are {mask.shape} px but the sheet is {size} px."
        raise SettingsError(msg)
    if not mask.any():
        msg = "There is no leaf in the labels; segment or draw one first."
        raise SettingsError(msg)


def _write_mask(path: Path, labels: NDArray) -> Path:
    """Write labels with their numbers; 16 bits at least, so that 255 is a number."""
    top = int(labels.max())
    kind = np.uint16 if top <= np.iinfo(np.uint16).max else np.uint32
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            labels.astype(kind),
            photometric="minisblack",
            compression="deflate",
            predictor=True,
            rowsperstrip=256,
            metadata=None,
        )
    return path


def _record(
    rgb: NDArray, labels: NDArray, mm_per_px: float | None, facts: Any
) -> dict[str, Any]:
    return {
        "software": {"napari-herbarium": version("napari-herbarium")},
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "shape": [int(side) for side in rgb.shape[:2]],
        "leaves": int(np.count_nonzero(np.unique(labels))),
        "mm_per_px": mm_per_px,
        "facts": dict(facts or {}),
    }
