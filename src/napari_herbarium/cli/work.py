"""What `segment` does with one sheet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_herbarium.batch.one_sheet import FoundLeaves, iter_leaves
from napari_herbarium.cli.inputs import SheetInput
from napari_herbarium.cli.late_rows import LateRows
from napari_herbarium.cli.outputs import Outputs
from napari_herbarium.measure.files.export import (
    TRAIT_NUMBERS,
    replace_rows,
    write_json,
    write_labels,
    write_overlay,
)
from napari_herbarium.measure.whole.models import classifier_facts
from napari_herbarium.model.checkpoint import facts_of
from napari_herbarium.progress import Job
from napari_herbarium.segment.pixels import in_memory
from napari_herbarium.settings import (
    DEFAULT_JUDGE,
    LeafSettings,
    ScaleSettings,
    SegmentSettings,
    WholeSettings,
)
from napari_herbarium.sheet.calibrate import settle_scale
from napari_herbarium.sheet.sheet import Sheet

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel


@dataclass(frozen=True)
class Work:
    """What all sheets of a run share."""

    model: LeafModel
    segment: SegmentSettings
    leaves: LeafSettings
    scale: ScaleSettings
    out: Path
    overlay: bool
    measure: bool
    judge: WholeSettings = DEFAULT_JUDGE
    late: LateRows = field(default_factory=LateRows)


class Done(NamedTuple):
    """A sheet that was done.

    Attributes
    ----------
    leaves : int
        How many were found.
    no_scale : str
        Why it has no scale; empty where it has one.
    """

    leaves: int
    no_scale: str


def iter_sheet(task: SheetInput, work: Work) -> Job[Done]:
    """Read, segment and write one sheet.

    The tables come last, so that their rows stand for finished sheets only.

    Raises
    ------
    HerbariumError
        The sheet cannot be read or segmented, or a result not written.
    """
    sheet = task.read()
    sheet = replace(sheet, image=in_memory(sheet.image))
    sheet = settle_scale(sheet, work.scale)
    outputs = Outputs(work.out, task.stem)
    found = yield from iter_leaves(
        sheet,
        task.stem,
        work.model,
        work.segment,
        work.leaves,
        # Traits of earlier labels would be those of other leaves.
        measure=work.measure or outputs.has_traits(),
        judge=work.judge,
    )
    write_labels(outputs.labels, found.labels, sheet.mm_per_px)
    # An overlay of earlier labels would show numbers that no table has.
    if work.overlay or outputs.overlay.exists():
        write_overlay(
            outputs.overlay, sheet.image, found.labels, partial=found.partial()
        )
    write_json(outputs.sidecar, _provenance(sheet, work, found))
    put = partial(replace_rows, sheet=task.stem)
    if found.traits is not None:
        traits = partial(put, rows=found.traits, numbers=TRAIT_NUMBERS)
        work.late.put(outputs.traits, task.stem, traits)
    work.late.put(outputs.table, task.stem, partial(put, rows=found.rows))
    reason = "" if sheet.mm_per_px else str(sheet.metadata["scale_reason"])
    return Done(len(found.rows), reason)


def _provenance(sheet: Sheet, work: Work, found: FoundLeaves) -> dict[str, Any]:
    measured = found.traits is not None
    return {
        "software": {"napari-herbarium": version("napari-herbarium")},
        "sheet": None if sheet.path is None else str(sheet.path),
        "catalog_number": sheet.catalog_number,
        "shape": [int(side) for side in sheet.image.shape[:2]],
        "leaves": len(found.rows),
        "model": facts_of(work.model),
        "whole_model": classifier_facts(work.judge) if measured else None,
        "segment_settings": work.segment.model_dump(mode="json"),
        "leaf_settings": work.leaves.model_dump(mode="json"),
        "scale_settings": work.scale.model_dump(mode="json"),
        "scale": {
            "mm_per_px": sheet.mm_per_px,
            "offered_mm_per_px": sheet.offered_mm_per_px,
            "source": sheet.scale_source,
            "trust": sheet.scale_trust,
            "reason": sheet.metadata.get("scale_reason"),
        },
        "file": sheet.metadata,
    }
