"""What a click on "Segment leaves" does in the background: core steps in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_herbarium._napari import graphics
from napari_herbarium._napari.common.labels_output import Leaves
from napari_herbarium._napari.common.layers import LayerSheet
from napari_herbarium.measure.rows import leaf_rows
from napari_herbarium.measure.table import SheetFacts
from napari_herbarium.progress import Job, Progress
from napari_herbarium.settings import (
    LeafSettings,
    SegmentSettings,
)

_BOX = ["bbox_top", "bbox_left", "bbox_bottom", "bbox_right"]


@dataclass(frozen=True)
class Segmented:
    """A sheet that has been segmented; new leaf settings need no second run.

    Attributes
    ----------
    sheet : LayerSheet
        What was segmented.
    probability : H x W uint8
        Leaf probability, 255 is 1.
    settings : SegmentSettings
        How.
    model : dict
        Name, version, SHA-256 and threshold of the model.
    """

    sheet: LayerSheet
    probability: NDArray[np.uint8]
    settings: SegmentSettings
    model: dict[str, Any]


def iter_segment_sheet(
    sheet: LayerSheet, settings: SegmentSettings, leaf_settings: LeafSettings
) -> Job[tuple[Segmented, Leaves]]:
    """Segment a sheet and extract its leaves.

    Raises
    ------
    HerbariumError
        The model cannot be loaded, or a setting makes no sense here.
    """
    from napari_herbarium.model.catalogue import load_model
    from napari_herbarium.model.checkpoint import facts_of
    from napari_herbarium.segment.pixels import in_memory
    from napari_herbarium.segment.predict import iter_segment

    yield Progress(0, 0, "loading the model")
    graphics.load_torch()
    model = load_model(settings.model)
    yield Progress(0, 0, "reading the sheet")
    # Decoded once for all steps of this job; nothing of it is kept afterwards.
    held = replace(sheet, pixels=in_memory(sheet.rgb8()), limits=None)
    probability = yield from iter_segment(held.pixels, model, settings)
    segmented = Segmented(held, probability, settings, facts_of(model))
    leaves = yield from iter_leaves(segmented, leaf_settings, sheet.mm_per_px)
    return replace(segmented, sheet=sheet), leaves


def iter_leaves(
    segmented: Segmented, leaf_settings: LeafSettings, mm_per_px: float | None
) -> Job[Leaves]:
    """Extract leaves from a probability that is already there.

    Parameters
    ----------
    segmented : Segmented
        From `iter_segment_sheet`.
    leaf_settings : LeafSettings
        Threshold, smallest area and so on.
    mm_per_px : float, optional
        Scale now; the user may have set it since the sheet was segmented.
    """
    from napari_herbarium.measure.whole.judge import quick_whole_probability
    from napari_herbarium.segment.leaves import iter_extract_leaves

    labels = yield from iter_extract_leaves(
        segmented.probability,
        leaf_settings,
        mm_per_px=mm_per_px,
        image=segmented.sheet.rgb8(),
        model_threshold=segmented.model["threshold"],
        judge=quick_whole_probability,
    )
    return Leaves(
        labels=labels,
        rows=feature_rows(labels, mm_per_px),
        segment_settings=segmented.settings,
        leaf_settings=leaf_settings,
        model=segmented.model,
        mm_per_px=mm_per_px,
    )


def feature_rows(labels: NDArray[np.integer], mm_per_px: float | None) -> pd.DataFrame:
    """Table of leaves for a labels layer.

    Parameters
    ----------
    labels : H x W integers
        0 is no leaf.
    mm_per_px : float, optional
        Size of a pixel.

    Returns
    -------
    DataFrame
        Columns `index` (the label: napari finds a leaf's row by this name, and only if
        it comes so), `area_mm2` or, without scale, `area_px`, and the box in px.
    """
    area = "area_px" if mm_per_px is None else "area_mm2"
    rows = leaf_rows(labels, SheetFacts(mm_per_px=mm_per_px)).rename(
        columns={"label": "index"}
    )
    return rows[["index", area, *_BOX]]
