"""Mean colour inside a leaf."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

_SAMPLE = 4096

COLOUR_COLUMNS = (
    "mean_red",
    "mean_green",
    "mean_blue",
    "mean_lab_l",
    "mean_lab_a",
    "mean_lab_b",
)


def mean_colour(mask: NDArray[np.bool_], picture: Any) -> dict[str, float]:
    """Return the mean sRGB and CIELAB colour of a leaf.

    Parameters
    ----------
    mask : (H, W) bool
        The leaf.
    picture : (H, W, 3 or more) uint8 or uint16, numpy or dask
        sRGB picture of the same box.

    Returns
    -------
    dict
        ``mean_red``, ``mean_green``, ``mean_blue`` (0..255, all pixels) and
        ``mean_lab_l``, ``mean_lab_a``, ``mean_lab_b`` (CIE 1976 L*a*b*, D65, of up to
        4096 pixels evenly spaced through the leaf).
    """
    pixels = np.asarray(picture)[..., :3][mask]
    full = 255 / np.iinfo(pixels.dtype).max
    rgb = pixels.mean(axis=0, dtype=np.float64) * full
    sample = pixels[:: -(-len(pixels) // _SAMPLE)]
    lab = rgb2lab(sample[None]).mean(axis=(0, 1))
    return dict(zip(COLOUR_COLUMNS, [*map(float, rgb), *map(float, lab)], strict=True))
