"""Read labels from a file, with the scale that the file itself states."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.errors import SheetError
from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.table import SheetFacts
from napari_herbarium.sheet.file_metadata import resolution_of
from napari_herbarium.sheet.scale import judge_scale

SUFFIXES = frozenset([".tif", ".tiff", ".png"])
OURS = "napari-herbarium"
"""What `export.write_labels` writes as the software of the file."""
_SAME = 1e-4


@dataclass(frozen=True)
class LabelsFile:
    """Labels and what their file and its sidecar say of the sheet."""

    labels: NDArray[Any]
    facts: SheetFacts


def sheet_name(path: Path) -> str:
    """Name of the sheet that a labels file belongs to: ``x`` for ``x.leaves.tif``."""
    return path.stem.removesuffix(".leaves")


def read_labels(path: Path) -> LabelsFile:
    """Read labels, TIFF or PNG, of 8, 16 or 32 bits.

    The scale is that of the file's resolution, if this package wrote it (then with
    the source that the sidecar ``x.leaves.json`` names) or if it makes a sheet of
    believable size.

    Raises
    ------
    SheetError
        The file is missing, damaged, or holds a picture and no labels.
    SettingsError
        The numbers in it cannot be those of leaves.
    """
    with _reading(path):
        if path.suffix.lower() == ".png":
            labels, facts = _read_png(path), SheetFacts(sheet_name(path))
        else:
            labels, facts = _read_tiff(path)
    if labels.ndim != 2:
        sides = " x ".join(map(str, labels.shape))
        msg = f"{path} is a picture of {sides}, not labels; give a file of labels."
        raise SheetError(msg)
    return LabelsFile(check_labels(labels), facts)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{path} does not exist; check its name."
        raise SheetError(msg) from error
    except (OSError, ValueError, SyntaxError, KeyError, IndexError) as error:
        msg = f"{path} cannot be read as labels ({error}); give a TIFF or PNG of them."
        raise SheetError(msg) from error
    except (tifffile.TiffFileError, Image.DecompressionBombError) as error:
        msg = f"{path} cannot be read as labels ({error}); give a TIFF or PNG of them."
        raise SheetError(msg) from error


def _read_png(path: Path) -> NDArray[Any]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _read_tiff(path: Path) -> tuple[NDArray[Any], SheetFacts]:
    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        labels = page.asarray()
        tag = resolution_of(page)
        software = str(page.tags.valueof(305) or "")
    facts = SheetFacts(sheet_name(path))
    if labels.ndim != 2:
        return labels, facts
    if tag is not None and software.startswith(OURS) and tag.unit != "none":
        return labels, _told_by_sidecar(path, facts, tag.mm_per_px)
    scale = judge_scale(tag, *labels.shape)
    return labels, SheetFacts(
        facts.sheet, None, scale.mm_per_px, scale.source, scale.trust
    )


def _told_by_sidecar(
    path: Path, facts: SheetFacts, mm_per_px: float | None
) -> SheetFacts:
    """Take source and catalogue number from the sidecar, if it is of these labels."""
    told = _sidecar(path)
    scale = told.get("scale")
    exact = scale.get("mm_per_px") if isinstance(scale, Mapping) else None
    if (
        not isinstance(scale, Mapping)
        or mm_per_px is None
        or not isinstance(exact, float | int)
        or not math.isclose(exact, mm_per_px, rel_tol=_SAME)
    ):
        return SheetFacts(facts.sheet, None, mm_per_px, "resolution tag", "trusted")
    return SheetFacts(
        facts.sheet,
        told.get("catalog_number"),
        float(exact),
        str(scale.get("source", "resolution tag")),
        str(scale.get("trust", "trusted")),
    )


def _sidecar(path: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, Mapping) else {}
