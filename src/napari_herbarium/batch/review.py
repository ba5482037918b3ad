"""Looking through a run: which sheets need eyes, and what those eyes decide.

Nothing of the model is lost: labels that somebody repaired keep what the model had
found beside them, and verdicts are lines that are only added.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_herbarium.batch.inputs.fetch import local_file
from napari_herbarium.batch.inputs.given import CARRIED
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.inputs.places import is_url
from napari_herbarium.batch.records.journal import Journal
from napari_herbarium.batch.records.store import set_verdict, write_part
from napari_herbarium.batch.reviewed import ReviewRun, ReviewSheet, Verdict
from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.files import replacing
from napari_herbarium.measure.files.export import write_labels, write_overlay
from napari_herbarium.measure.rows import leaf_rows
from napari_herbarium.measure.table import leaf_table, partial_labels
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.sheet.sheet import Sheet
from napari_herbarium.train.pairs.folder import save_pair


def read_image(sheet: ReviewSheet) -> Sheet:
    """Read the picture of a sheet, with the scale that the run used.

    Raises
    ------
    SheetError
        It cannot be read or fetched.
    """
    with local_file(sheet.source) as path:
        opened = read_sheet(path)
        if is_url(sheet.source):
            # The file goes when this is left, so the pixels are taken out of it.
            pixels = np.asarray(opened.image)
            opened = replace(opened, image=pixels, levels=(pixels,), path=None)
    facts = sheet.facts()
    return replace(
        opened,
        mm_per_px=facts.mm_per_px,
        scale_source=facts.scale_source,
        scale_trust=facts.scale_trust,
        catalog_number=facts.catalog_number,
    )


def read_run_labels(
    run: ReviewRun, sheet: ReviewSheet, *, original: bool = False
) -> NDArray[Any]:
    """Read the labels of a sheet of a run, as they are now.

    Parameters
    ----------
    original : bool
        What the model had found, also where it was repaired.

    Raises
    ------
    HerbariumError
        They cannot be read.
    """
    path = run.labels_of(sheet)
    kept = run.plan.layout.original_labels(sheet.name)
    if original and kept.exists():
        path = kept
    try:
        return tifffile.imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        msg = f"The labels {path} cannot be read ({error}); run the batch again."
        raise HerbariumError(msg) from error


def accept(run: ReviewRun, sheet: ReviewSheet) -> ReviewSheet:
    """Say that a sheet's labels are good.

    Raises
    ------
    HerbariumError
        It cannot be written down.
    """
    return _judged(run, sheet, Verdict.ACCEPTED)


def reject(run: ReviewRun, sheet: ReviewSheet) -> ReviewSheet:
    """Say that a sheet is not to be used; its rows stay, marked as rejected.

    Raises
    ------
    HerbariumError
        It cannot be written down.
    """
    return _judged(run, sheet, Verdict.REJECTED)


def _judged(run: ReviewRun, sheet: ReviewSheet, verdict: Verdict) -> ReviewSheet:
    set_verdict(run.plan, sheet.name, verdict.value)
    _note(run, sheet, verdict=verdict.value)
    return replace(sheet, verdict=verdict)


def save_repair(
    run: ReviewRun, sheet: ReviewSheet, labels: NDArray[Any], image: Any = None
) -> ReviewSheet:
    """Replace a sheet's labels and rows; what the model had found is kept.

    Parameters
    ----------
    run : ReviewRun
        The run.
    sheet : ReviewSheet
        The sheet.
    labels : H x W integers
        Repaired labels, as large as the sheet.
    image : H x W x 3 array-like, optional
        The sheet, for colours and overlay; read from its source when left out.

    Raises
    ------
    SettingsError
        The labels are not as large as the sheet, or have negative numbers.
    HerbariumError
        Something cannot be read or written.
    """
    labels = _checked(sheet, np.asarray(labels))
    image = read_image(sheet).image if image is None else image
    layout, facts = run.plan.layout, sheet.facts()
    _keep_original(run, sheet)
    write_labels(layout.labels(sheet.name), labels, sheet.mm_per_px)
    if run.plan.settings.measure:
        rows = leaf_table(labels, facts, image)
    else:
        rows = leaf_rows(labels, facts)
    if layout.overlay(sheet.name).exists():
        partial = partial_labels(rows) if "whole" in rows else ()
        write_overlay(layout.overlay(sheet.name), image, labels, partial=partial)
    seconds = sheet.entry.facts.get("seconds", {}).get("total", 0.0)
    carried = tuple(sheet.entry.facts.get(CARRIED, ()))
    row = SheetRow(sheet.source, sheet.name, carried=carried)
    verdict = Verdict.REPAIRED
    write_part(run.plan, sheet.name, rows, row, sheet.confidence, seconds, verdict)
    _note(run, sheet, verdict=verdict.value, leaves=len(rows))
    return replace(sheet, verdict=verdict, repaired_leaves=len(rows))


def _checked(sheet: ReviewSheet, labels: NDArray) -> NDArray:
    known = sheet.entry.facts
    size = known.get("height"), known.get("width")
    if labels.shape != size:
        msg = f"The labels are {labels.shape} px but sheet {sheet.name} is {size} px."
        raise SettingsError(msg)
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        msg = "Labels are whole numbers from 0; 0 is what is no leaf."
        raise SettingsError(msg)
    return labels.astype(np.min_scalar_type(int(labels.max())), copy=False)


def _keep_original(run: ReviewRun, sheet: ReviewSheet) -> None:
    kept = run.plan.layout.original_labels(sheet.name)
    if not kept.exists():
        with replacing(kept) as temporary:
            shutil.copyfile(run.labels_of(sheet), temporary)


def save_for_training(
    run: ReviewRun,
    sheet: ReviewSheet,
    folder: str | Path,
    image: Any = None,
    *,
    overwrite: bool = False,
) -> ReviewSheet:
    """Put a sheet, with its labels as they are now, among the training pairs.

    Parameters
    ----------
    folder : path
        Of training pairs; see `napari_herbarium.train.pairs.folder.save_pair`.
    image : H x W x 3 array-like, optional
        The sheet; read from its source when left out.
    overwrite : bool
        Replace a pair of that name.

    Raises
    ------
    SettingsError
        There is such a pair already, or there is no leaf.
    HerbariumError
        Something cannot be read or written.
    """
    image = read_image(sheet).image if image is None else image
    facts = {
        "source": sheet.source,
        "catalog_number": sheet.entry.facts.get("catalog_number"),
        "scale_source": sheet.entry.facts.get("scale_source"),
        "model": run.plan.model_name,
        "model_sha256": run.plan.model_sha256,
        "verdict": sheet.verdict.value,
    }
    save_pair(
        Path(folder),
        sheet.name,
        image,
        read_run_labels(run, sheet),
        sheet.mm_per_px,
        overwrite=overwrite,
        facts=facts,
    )
    folder = Path(folder).absolute()
    _note(run, sheet, training=str(folder))
    return replace(sheet, training=folder)


def _note(run: ReviewRun, sheet: ReviewSheet, **said: Any) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with Journal(run.plan.layout.reviewed) as journal:
        journal.add({"at": at, "sheet": sheet.name, **said})
