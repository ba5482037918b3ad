"""Make a sheet without leaves from a labelled one.

Sheets without any leaf are rare. Training shows the model what is no leaf by them,
and they measure how much of such a sheet it takes for leaf.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter

MARGIN = 0.006
"""How far around a leaf is painted over, as a share of the long side: its edge and
shadow."""
GRAIN_PX = 3.0


def without_leaves(
    image: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Paint paper over all that is leaf or could not be labelled.

    Stems, flowers, labels, rulers and what lies around the sheet stay as they are.

    Parameters
    ----------
    image : H x W x 3 uint8
    mask : H x W uint8
        0 where there is no leaf.
    """
    reach = max(2, round(MARGIN * max(mask.shape)))
    gone = binary_dilation(mask > 0, iterations=reach)
    grey = image.mean(axis=2)
    paper = ~gone & (grey > np.median(grey[~gone]) - 25)
    smooth = _spread(image.astype(np.float32), paper, max(mask.shape) / 40)
    noise = np.random.default_rng(0).normal(0, 1, mask.shape)
    grain = gaussian_filter(noise, 0.7)[..., None] * GRAIN_PX * 2
    painted = np.where(gone[..., None], smooth + grain, image)
    return np.clip(painted, 0, 255).astype(np.uint8)


def _spread(
    image: NDArray[np.float32], known: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Mean of the known pixels around each pixel."""
    small = max(1, int(sigma / 4))
    weight = known[::small, ::small].astype(np.float32)
    near = gaussian_filter(weight, sigma / small, truncate=6) + 1e-9
    channels = [
        gaussian_filter(image[::small, ::small, c] * weight, sigma / small, truncate=6)
        / near
        for c in range(3)
    ]
    coarse = np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)
    size = image.shape[1], image.shape[0]
    return np.asarray(Image.fromarray(coarse).resize(size), np.float32)
