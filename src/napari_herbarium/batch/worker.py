"""What a worker does with one sheet of a run."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import psutil

from napari_herbarium.batch.inputs.fetch import local_file
from napari_herbarium.batch.inputs.given import given_facts
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.inputs.places import is_url
from napari_herbarium.batch.one_sheet import FoundLeaves, Stopwatch, iter_leaves
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.begun import BegunBeforeError, marked
from napari_herbarium.batch.records.ledger import Entry, State
from napari_herbarium.batch.records.outcome import OUT_OF_MEMORY, Outcome
from napari_herbarium.batch.records.store import write_part
from napari_herbarium.errors import HerbariumError, ModelError
from napari_herbarium.measure.files.export import write_labels, write_overlay
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.progress import finish
from napari_herbarium.segment.pixels import in_memory
from napari_herbarium.settings import ScaleSettings
from napari_herbarium.sheet.calibrate import settle_scale
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.sheet.sheet import Sheet

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

logger = logging.getLogger(__name__)
THREADS_VARIABLE = "NAPARI_HERBARIUM_THREADS"
"""How many threads a worker computes with; set for it by who starts it."""
_one_at_a_time = Lock()


class StopError(HerbariumError):
    """Something that would befall every other sheet as well."""


def do_sheet(row: SheetRow, name: str, plan: Plan, session: str) -> Outcome:
    """Do one sheet, whatever becomes of it.

    Parameters
    ----------
    row : SheetRow
        The sheet.
    name : str
        What its results are called.
    plan : Plan
        The run.
    session : str
        Who leads the run now.

    Returns
    -------
    Outcome
        Files are on the disk before a sheet is said to be done.
    """
    try:
        with marked(plan.layout.begun, name, session):
            return _attempt(row, name, plan)
    except BegunBeforeError:
        return Outcome(None)
    except HerbariumError as error:
        return Outcome(None, str(error))


def _attempt(row: SheetRow, name: str, plan: Plan) -> Outcome:
    try:
        return Outcome(Entry(row.source, name, State.DONE, facts=_do(row, name, plan)))
    except (StopError, ModelError) as error:
        return Outcome(None, str(error))
    except HerbariumError as error:
        reason = str(error)
    except MemoryError:
        reason = OUT_OF_MEMORY
    except Exception as error:
        # One sheet that meets a fault of ours must not cost the user the others.
        logger.warning("%s failed", row.source, exc_info=True)
        reason = f"Unexpected {type(error).__name__}: {error}."
    return Outcome(Entry(row.source, name, State.FAILED, reason))


def _do(row: SheetRow, name: str, plan: Plan) -> dict[str, Any]:
    _prepare_process()
    watch = Stopwatch()
    with local_file(row.source) as path:
        with watch.on("read"):
            sheet = _read(row, path)
        with watch.on("scale"):
            sheet = settle_scale(sheet, _scale(row, plan))
        found = _find(sheet, name, plan, watch)
        facts = {**_facts(sheet, found), **given_facts(row)}
        with watch.on("write"):
            _write(sheet, found, row, name, plan, watch)
    seconds = {step: round(taken, 4) for step, taken in watch.seconds.items()}
    total = round(sum(watch.seconds.values()), 4)
    return {**facts, "seconds": {**seconds, "total": total}, **_where()}


def _read(row: SheetRow, path: Path) -> Sheet:
    sheet = read_sheet(path)
    if row.catalog_number:
        sheet = replace(sheet, catalog_number=row.catalog_number)
    if is_url(row.source):
        sheet = replace(sheet, metadata={**sheet.metadata, "path": row.source})
    with _readable(row.source):
        return replace(sheet, image=in_memory(sheet.image))


@contextmanager
def _readable(source: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        msg = f"{source} does not fit in memory; give each worker more."
        raise HerbariumError(msg) from error


def _scale(row: SheetRow, plan: Plan) -> ScaleSettings:
    if row.mm_per_px is None:
        return plan.settings.scale
    return plan.settings.scale.model_copy(update={"mm_per_px": row.mm_per_px})


def _find(sheet: Sheet, name: str, plan: Plan, watch: Stopwatch) -> FoundLeaves:
    settings = plan.settings
    job = iter_leaves(
        sheet,
        name,
        _model(plan),
        settings.segment,
        settings.leaves,
        measure=settings.measure,
        turn=_one_at_a_time,
        watch=watch,
    )
    return finish(job)


def _model(plan: Plan) -> LeafModel:
    """Give the run's model; a worker loads it once."""
    there = Path(plan.model_folder).is_dir()
    with _one_at_a_time:
        model = load_model(plan.model_folder if there else plan.settings.segment.model)
    if model.sha256 != plan.model_sha256:
        msg = (
            f"The model {plan.model_name} on {socket.gethostname()} is not the one "
            "that the run was begun with; copy that one there."
        )
        raise ModelError(msg)
    return model


def _write(
    sheet: Sheet,
    found: FoundLeaves,
    row: SheetRow,
    name: str,
    plan: Plan,
    watch: Stopwatch,
) -> None:
    """Write all results of a sheet; they are on the disk afterwards."""
    layout = plan.layout
    written = [layout.labels(name), layout.part(name)]
    with _stopping():
        write_labels(layout.labels(name), found.labels, sheet.mm_per_px)
        if plan.settings.overlay:
            write_overlay(
                layout.overlay(name), sheet.image, found.labels, partial=found.partial()
            )
            written.append(layout.overlay(name))
        rows = found.rows if found.traits is None else found.traits
        seconds = sum(watch.seconds.values())
        write_part(plan, name, rows, row, found.confidence, seconds)
        for path in written:
            _to_disk(path)


@contextmanager
def _stopping() -> Iterator[None]:
    """Tell faults of the output folder from those of the sheet."""
    try:
        yield
    except HerbariumError as error:
        if isinstance(error.__cause__, OSError):
            raise StopError(str(error)) from error
        raise
    except OSError as error:
        msg = f"The results cannot be written ({error.strerror or error})."
        raise StopError(msg) from error


def _to_disk(path: Path) -> None:
    """Wait until a file has reached the disk; the ledger must not be ahead of it."""
    # Not `os.open`: Windows takes what it opens for text unless told otherwise, and
    # cuts off a last byte that is the end-of-file sign of old.
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _facts(sheet: Sheet, found: FoundLeaves) -> dict[str, Any]:
    return {
        "catalog_number": sheet.catalog_number,
        "mm_per_px": sheet.mm_per_px,
        "scale_source": sheet.scale_source,
        "scale_trust": sheet.scale_trust,
        "height": int(sheet.image.shape[0]),
        "width": int(sheet.image.shape[1]),
        "leaves": len(found.rows),
        "confidence": round(found.confidence, 6),
    }


def _where() -> dict[str, Any]:
    return {
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "memory_mib": psutil.Process().memory_info().rss >> 20,
        "worker_cpu_s": round(time.process_time(), 2),
    }


@cache
def _prepare_process() -> None:
    """Share the cores out: threads as many as this worker was given."""
    import dask

    threads = int(os.environ.get(THREADS_VARIABLE, "0"))
    # Dask in a task would send its pieces to the cluster; they belong here.
    dask.config.set(scheduler="threads", num_workers=threads or None)
    if threads:
        import torch

        torch.set_num_threads(threads)
