"""Read labels from a file, with the scale that the file itself states."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.table import SheetFacts
from napari_herbarium.plain_json import parsed
from napari_herbarium.settings import ScaleSettings
from napari_herbarium.sheet.calibrate import settle_scale
from napari_herbarium.sheet.catalogue_number import codes_in
from napari_herbarium.sheet.file_metadata import resolution_of
from napari_herbarium.sheet.raster.header import open_raster, resolution_in
from napari_herbarium.sheet.scale import GIVEN, ResolutionTag, judge_scale
from napari_herbarium.sheet.sheet import Sheet
from napari_herbarium.sheet.tiff.quiet import without_log

SUFFIXES = frozenset([".tif", ".tiff", ".png"])
OURS = "napari-herbarium"
"""What `export.write_labels` writes as the software of the file."""
WORDS_KEY = "whole_by_user"
"""What the user said of leaves being whole, in the JSON file beside the labels."""
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
    name = sheet_name(path)
    facts = SheetFacts(name, next(iter(codes_in(name)), None))
    with _reading(path):
        _refuse_pipe(path)
        if path.suffix.lower() == ".png":
            labels, facts = _read_png(path, facts)
        else:
            labels, facts = _read_tiff(path, facts)
    if labels.ndim != 2:
        sides = " x ".join(map(str, labels.shape))
        msg = f"{path} is a picture of {sides}, not labels; give a file of labels."
        raise SheetError(msg)
    return LabelsFile(check_labels(labels), facts)


def facts_of_labels(
    found: LabelsFile, sheet: Sheet | None, settings: ScaleSettings
) -> SheetFacts:
    """Choose the scale of labels that come with their picture or without.

    In order: the scale that is given; one that a user gave when the labels were made;
    the picture's ruler or resolution; the labels file's own resolution. A picture
    whose ruler and resolution contradict each other leaves the labels without a scale;
    a resolution that cannot be believed says nothing against that of the labels.

    Parameters
    ----------
    found : LabelsFile
        As `read_labels` gives it.
    sheet : Sheet or None
        The picture the labels belong to.
    settings : ScaleSettings
        A scale that is given, and whether the ruler is read.
    """
    own = found.facts
    number = (sheet.catalog_number if sheet else None) or own.catalog_number
    own = replace(own, catalog_number=number)
    if settings.mm_per_px is not None:
        return replace(
            own,
            mm_per_px=settings.mm_per_px,
            scale_source="user",
            scale_trust="trusted",
        )
    if sheet is None or own.scale_source in GIVEN:
        return own
    seen = SheetFacts.of(settle_scale(sheet, settings), own.sheet)
    chosen = seen if _counts(seen, sheet, own) else own
    return replace(chosen, catalog_number=number)


def _counts(seen: SheetFacts, sheet: Sheet, own: SheetFacts) -> bool:
    """Whether what was found on the picture counts more than what the labels say."""
    if seen.mm_per_px is not None:
        return True
    # a resolution that was believed until the ruler was read
    contradicted = sheet.mm_per_px is not None
    nothing_to_lose = own.mm_per_px is None and seen.scale_trust == "suspect"
    return contradicted or nothing_to_lose


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        with without_log():
            yield
    except (SheetError, MemoryError):
        raise
    except FileNotFoundError as error:
        msg = f"{path} does not exist; check its name."
        raise SheetError(msg) from error
    except Exception as error:  # decoders meet damage with every kind
        msg = f"{path} cannot be read as labels ({error}); give a TIFF or PNG of them."
        raise SheetError(msg) from error


def _refuse_pipe(path: Path) -> None:
    """Refuse what is no file; reading a pipe would wait for its writer for ever."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        msg = f"{path} is a pipe or a device; give a file of labels."
        raise SheetError(msg)


def _read_png(path: Path, facts: SheetFacts) -> tuple[NDArray[Any], SheetFacts]:
    with open_raster(path, "PNG", bytes_per_px=4) as picture:
        labels = np.asarray(picture)
        tag = resolution_in(picture, picture.getexif())
    return labels, _by_tag(facts, tag, labels)


def _by_tag(
    facts: SheetFacts, tag: ResolutionTag | None, labels: NDArray[Any]
) -> SheetFacts:
    """Add the scale that a file states, where it makes a sheet of believable size."""
    scale = judge_scale(tag, *labels.shape[:2])
    return replace(
        facts,
        mm_per_px=scale.mm_per_px,
        scale_source=scale.source,
        scale_trust=scale.trust,
    )


def _read_tiff(path: Path, facts: SheetFacts) -> tuple[NDArray[Any], SheetFacts]:
    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        _refuse_stack(path, tiff)
        labels = page.asarray()
        tag = resolution_of(page)
        software = str(page.tags.valueof(305) or "")
    if labels.ndim != 2:
        return labels, facts
    if tag is not None and software.startswith(OURS) and tag.unit != "none":
        facts = replace(
            facts,
            mm_per_px=tag.mm_per_px,
            scale_source="resolution tag",
            scale_trust="trusted",
        )
    else:
        facts = _by_tag(facts, tag, labels)
    return labels, _told_by_sidecar(path, facts)


def _refuse_stack(path: Path, tiff: tifffile.TiffFile) -> None:
    """Refuse labels of several sheets in one file: but the first would be passed by."""
    sizes = [(page.imagelength, page.imagewidth) for page in tiff.pages]
    alike = sizes.count(sizes[0])
    if alike > 1:
        msg = f"{path} holds {alike} pages of labels; save each as a file of its own."
        raise SheetError(msg)


def _told_by_sidecar(path: Path, facts: SheetFacts) -> SheetFacts:
    """Take number, source and exact scale from the sidecar, if it is of these labels.

    It is, where both have the same scale or none.
    """
    told = _sidecar(path)
    scale = told.get("scale")
    if not isinstance(scale, Mapping) or not _same(
        scale.get("mm_per_px"), facts.mm_per_px
    ):
        return facts
    return replace(
        facts,
        catalog_number=told.get("catalog_number") or facts.catalog_number,
        mm_per_px=scale.get("mm_per_px"),
        scale_source=str(scale.get("source", facts.scale_source)),
        scale_trust=str(scale.get("trust", facts.scale_trust)),
    )


def _same(exact: object, stored: float | None) -> bool:
    if exact is None or stored is None:
        return exact is stored
    return isinstance(exact, float | int) and math.isclose(exact, stored, rel_tol=_SAME)


def flips_beside(path: Path) -> dict[int, bool]:
    """Read what the user said of the leaves of a file of labels.

    Parameters
    ----------
    path : Path
        Of the labels; the JSON file has the same name but for the last suffix.

    Returns
    -------
    dict of int to bool
        Label to whether the user says that it is whole; empty where there is no such
        file, or it says nothing of that kind.
    """
    try:
        words = _sidecar(path)[WORDS_KEY].items()
        return {int(label): bool(word) for label, word in words}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def _sidecar(path: Path) -> Mapping[str, Any]:
    try:
        told = parsed(path.with_suffix(".json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, Mapping) else {}
