"""Where the outline of a coarse map runs, and how far from it finer logits count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

REACH = 2
"""Half the width of the band that is looked at again, in px of the coarser level."""
FADE = 2
"""Over how many px of the coarser level the finer logits fade in."""
_BAND = 128
_HALO = REACH + 3 * FADE + 1


def edge_band(logits: Tensor, cut_logit: float) -> tuple[NDArray[np.bool_], Tensor]:
    """Find where an outline runs.

    Parameters
    ----------
    logits : Tensor
        height x width.
    cut_logit : float
        Logit from which on a pixel is leaf.

    Returns
    -------
    look : ndarray
        Bool, height x width: what has to be looked at again.
    share : Tensor
        float16, height x width, 0 to 1: how far a closer look may change the logits.
    """
    import torch

    look = np.empty(logits.shape, bool)
    share = np.empty(logits.shape, np.float16)
    # In bands, since half a dozen float maps of a large sheet are a lot of memory.
    for top in range(0, len(logits), _BAND):
        first = max(0, top - _HALO)
        part = logits[first : top + _BAND + _HALO].float() - cut_logit
        rows = slice(top - first, top - first + min(_BAND, len(logits) - top))
        here = slice(top, top + _BAND)
        look[here], share[here] = (values[rows] for values in _band_of(part.numpy()))
    return look, torch.from_numpy(share)


def _band_of(
    logits: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    leaf = logits >= 0
    edge = (grown(leaf, 1) & ~leaf) | (grown(~leaf, 1) & leaf)
    look = grown(edge, REACH)
    return look, _averaged(grown(look, 2 * FADE), FADE)


def grown(flags: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Grow by a square; on flags, shifts are an order faster than any max filter."""
    wider = flags.copy()
    for axis in (0, 1):
        source, target = np.moveaxis(wider.copy(), axis, 0), np.moveaxis(wider, axis, 0)
        for step in range(1, by + 1):
            target[step:] |= source[:-step]
            target[:-step] |= source[step:]
    return wider


def _averaged(flags: NDArray[np.bool_], over: int) -> NDArray[np.float32]:
    """Mean of each square that lies inside the picture; squares of up to 255 px."""
    total = flags.astype(np.uint8)
    for axis in (0, 1):
        source, target = np.moveaxis(total.copy(), axis, 0), np.moveaxis(total, axis, 0)
        for step in range(1, over + 1):
            target[step:] += source[:-step]
            target[:-step] += source[step:]
    down, across = (_reached(length, over) for length in flags.shape)
    mean: NDArray[np.float32] = total / (down[:, None] * across)
    return mean


def _reached(length: int, over: int) -> NDArray[np.float32]:
    """How many places along an axis lie within `over` of each."""
    place = np.arange(length)
    first, last = np.maximum(place - over, 0), np.minimum(place + over, length - 1)
    reached: NDArray[np.float32] = (last - first + 1).astype(np.float32)
    return reached
