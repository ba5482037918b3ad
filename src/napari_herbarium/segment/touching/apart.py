"""What a seam network sees in a patch: where, and how surely, its leaves meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.model.device import fast_dtype
from napari_herbarium.model.fold import folded
from napari_herbarium.model.seam_network import (
    DIRECTIONS,
    SIDE_STEP,
    SeamModel,
    load_seam_model,
    pair_slices,
    pair_steps,
    seam_input,
)
from napari_herbarium.once import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

BUNDLED = Path(__file__).parent / "weights" / "leaf-seams"
_SIDES = 2 * SIDE_STEP
"""Px; sides that the network is given. For every new size oneDNN takes 20 ms more."""
_SUREST = 8.0  # one point, however sure, does not outweigh a whole border


@dataclass(frozen=True)
class Apart:
    """How surely pairs of points belong to different leaves.

    Attributes
    ----------
    logits : P x h x w float32
        By pair of `napari_herbarium.model.seam_network.pair_steps`, at the place in
        its middle.
    """

    logits: NDArray[np.float32]

    def seam(self) -> NDArray[np.float32]:
        """Probability, h x w, that leaves meet here: of the nearest pairs."""
        nearest = self.logits[: len(DIRECTIONS)].max(0)
        seam: NDArray[np.float32] = 1 / (1 + np.exp(-nearest))
        return seam

    def between(
        self, pieces: NDArray[np.integer]
    ) -> dict[tuple[int, int], tuple[float, int]]:
        """Sum up what is said of the pairs between pieces.

        Parameters
        ----------
        pieces : h x w
            1 to n, 0 outside.

        Returns
        -------
        dict
            By two pieces, lower first: the sum of the logits, and of how many.
        """
        found = np.concatenate(list(self._pairs(pieces)), axis=1)
        both, at = by_pair(found[0], found[1])
        sums = np.bincount(at, found[2], len(both)).tolist()
        counts = np.bincount(at, minlength=len(both)).tolist()
        return dict(zip(both, zip(sums, counts, strict=True), strict=True))

    def _pairs(self, pieces: NDArray[np.integer]) -> Iterator[NDArray[np.float64]]:
        """Lower and higher piece, and logit, of all pairs of one step; 3 x N."""
        for logits, step in zip(self.logits, pair_steps(), strict=True):
            first, second, middle = pair_slices(step, *pieces.shape)
            one, other = pieces[first], pieces[second]
            apart = (one != other) & (one > 0) & (other > 0)
            one, other = one[apart], other[apart]
            said = logits[middle][apart].clip(-_SUREST, _SUREST)
            yield np.stack([np.minimum(one, other), np.maximum(one, other), said])


def by_pair(
    lower: NDArray[np.floating], higher: NDArray[np.floating]
) -> tuple[list[tuple[int, int]], NDArray[np.intp]]:
    """Give the pairs of pieces that occur, and which of them each place is.

    Parameters
    ----------
    lower, higher : N
        The two pieces at each place.
    """
    base = int(higher.max(initial=0)) + 1
    keys, at = np.unique((lower * base + higher).astype(np.int64), return_inverse=True)
    return [divmod(key, base) for key in keys.tolist()], at


def look_apart(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Apart:
    """Look at a patch for places where leaves meet.

    Parameters
    ----------
    image : h x w x 3 uint8
    mask : h x w bool
        The patch; both as `napari_herbarium.segment.touching.patch_view` gives them.

    Raises
    ------
    ModelError
        When the bundled files are damaged.
    """
    network = bundled_seam_model().network
    logits = on_patch(image, mask, lambda given: [network(given)])[0]
    return Apart(logits[0].numpy())


def on_patch(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    run: Callable[[Tensor], list[Tensor]],
) -> list[Tensor]:
    """Run something of a seam network on a patch.

    Parameters
    ----------
    image : h x w x 3 uint8
    mask : h x w bool
    run : callable
        Takes what `seam_input` makes of the patch, filled up to a multiple of
        `_SIDES`.

    Returns
    -------
    list of Tensor
        What it gave, float32, 1 x C x the part of its rows and columns that is patch.
    """
    import torch

    height, width = mask.shape
    given = np.dstack([image, mask.astype(np.uint8)])
    beyond = ((0, -height % _SIDES), (0, -width % _SIDES), (0, 0))
    given = np.pad(given, beyond, mode="edge")
    dtype = fast_dtype(torch.device("cpu"))
    half = dtype != torch.float32
    # Picture order seen as B x 4 x H x W is already channels_last.
    pixels = torch.from_numpy(given)[None].permute(0, 3, 1, 2)
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=half):
        layers = run(seam_input(pixels))
    steps = [len(given) // layer.shape[2] for layer in layers]
    return [
        layer[..., : -(-height // step), : -(-width // step)].float()
        for layer, step in zip(layers, steps, strict=True)
    ]


@once
def bundled_seam_model() -> SeamModel:
    """Load the bundled seam network, once, ready to be run."""
    import torch

    model = load_seam_model(BUNDLED)
    network = folded(model.network.eval(), channels=4)
    return replace(model, network=network.to(memory_format=torch.channels_last))
