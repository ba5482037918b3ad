"""The short table: which leaves there are, where, and how large."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops_table

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
_BOX = {
    "bbox-0": "bbox_top",
    "bbox-1": "bbox_left",
    "bbox-2": "bbox_bottom",
    "bbox-3": "bbox_right",
}


def leaf_rows(
    labels: NDArray[np.integer],
    mm_per_px: float | None = None,
    *,
    sheet: str = "",
    catalog_number: str | None = None,
    scale_source: str = "none",
    scale_trust: str = "none",
) -> pd.DataFrame:
    """One row per leaf.

    Parameters
    ----------
    labels : H x W integers
        0 is not leaf; every other value is one leaf.
    mm_per_px : float, optional
        Size of a pixel in mm; without it `area_mm2` stays empty (NaN).
    sheet, catalog_number, scale_source, scale_trust : str
        Carried into every row.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, ordered by label. The box is in px from the top left corner
        of the sheet; its bottom and right are the first row and column outside.
    """
    found = regionprops_table(
        np.asarray(labels), properties=("label", "area", "bbox"), separator="-"
    )
    table = pd.DataFrame(found).rename(columns=_BOX).astype(np.int64)
    table = table.rename(columns={"area": "area_px"})
    table["area_mm2"] = table["area_px"] * (
        np.nan if mm_per_px is None else mm_per_px**2
    )
    table["sheet"] = sheet
    table["catalog_number"] = catalog_number or ""
    table["scale_source"] = scale_source
    table["scale_trust"] = scale_trust
    return table[list(COLUMNS)]
