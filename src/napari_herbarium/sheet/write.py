"""Writing a sheet as TIFF, with its scale."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tifffile

_TILE = (256, 256)


def write_sheet_tiff(
    path: str | os.PathLike[str], rgb: Any, mm_per_px: float | None = None
) -> None:
    """Write an RGB sheet as a tiled, losslessly compressed TIFF.

    Parameters
    ----------
    path : path-like
        Where to write; an existing file is replaced.
    rgb : array-like, H x W x 3, uint8 or uint16
        sRGB pixels.
    mm_per_px : float, optional
        Written as the resolution tag, in pixels per centimetre.
    """
    resolution = None if mm_per_px is None else (10 / mm_per_px, 10 / mm_per_px)
    tifffile.imwrite(
        path,
        np.asarray(rgb),
        photometric="rgb",
        tile=_TILE,
        compression="deflate",
        predictor=True,
        resolution=resolution,
        resolutionunit=None if resolution is None else "CENTIMETER",
        metadata=None,
    )
