"""The short table: which leaves there are, where, and how large."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from napari_herbarium.measure.table import SheetFacts

COLUMNS = (
    "sheet",
    "label",
    "catalog_number",
    "area_px",
    "area_mm2",
    "bbox_top",
    "bbox_left",
    "bbox_bottom",
    "bbox_right",
    "scale_source",
    "scale_trust",
)
_NAMES = {
    "area": "area_px",
    "bbox-0": "bbox_top",
    "bbox-1": "bbox_left",
    "bbox-2": "bbox_bottom",
    "bbox-3": "bbox_right",
}


def leaf_rows(labels: NDArray[np.integer], facts: SheetFacts) -> pd.DataFrame:
    """One row per leaf.

    Parameters
    ----------
    labels : H x W integers
        0 is not leaf; every other value is one leaf.
    facts : SheetFacts
        Carried into every row; without a scale `area_mm2` stays empty (NaN).

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, ordered by label. The box is in px from the top left corner
        of the sheet; its bottom and right are the first row and column outside.
    """
    found = regionprops_table(
        np.asarray(labels), properties=("label", "area", "bbox"), separator="-"
    )
    table = pd.DataFrame(found).rename(columns=_NAMES).astype(np.int64)
    scale = np.nan if facts.mm_per_px is None else facts.mm_per_px
    return table.assign(
        area_mm2=table["area_px"] * scale**2,
        sheet=facts.sheet,
        catalog_number=facts.catalog_number or "",
        scale_source=facts.scale_source,
        scale_trust=facts.scale_trust,
    )[list(COLUMNS)]
