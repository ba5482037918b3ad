"""Look at the picture of a label, to tell whether it is one single, whole leaf."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from napari_herbarium.measure.whole.input import Box
from napari_herbarium.model.seam_network import LAYER_STEPS, seam_layers
from napari_herbarium.model.whole_sight import SightModel, load_sight_model
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.touching.apart import bundled_seam_model, on_patch
from napari_herbarium.segment.touching.patch_view import patch_view

BUNDLED = Path(__file__).parent / "weights" / "whole-sight"
_RIM = 4  # px of the view, in which a leaf is 40 px wide


def sight_of_label(
    sheet: SheetRows, box: Box, mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Look at one label.

    Parameters
    ----------
    sheet : SheetRows
        Of the size of the labels.
    box : pair of slices
        Bounding box of the label.
    mask : h x w bool
        The label in its box.

    Returns
    -------
    `napari_herbarium.model.whole_sight.SIGHTS` float32
        For each layer of the bundled seam network the mean of every channel inside
        the label, and in the 4 px of its view along the outline.

    Raises
    ------
    ModelError
        When the bundled seam network is damaged.
    """
    view = patch_view(sheet, box, mask)
    image = cast("NDArray[np.uint8]", view.image)  # since there is a sheet
    network = bundled_seam_model().network
    layers = on_patch(image, view.mask, lambda given: seam_layers(network, given))
    inside = binary_erosion(view.mask, iterations=_RIM)
    regions = (inside if inside.any() else view.mask, view.mask & ~inside)
    means = [
        _means(layer[0].numpy(), _shares(region, step))
        for layer, step in zip(layers, LAYER_STEPS, strict=True)
        for region in regions
    ]
    return np.concatenate(means)


def _means(
    layer: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean of each channel over the px, weighed by their share in a region."""
    means: NDArray[np.float32] = (layer * share).sum((1, 2)) / share.sum()
    return means


def _shares(region: NDArray[np.bool_], step: int) -> NDArray[np.float32]:
    """Share of each px of a layer, some px of the picture wide, that is in a region."""
    filled = [(0, -side % step) for side in region.shape]
    high, wide = (-(-side // step) for side in region.shape)
    parts = np.pad(region, filled).reshape(high, step, wide, step)
    share: NDArray[np.float32] = parts.mean((1, 3), dtype=np.float32)
    return share


def with_sight(
    logits: list[float], sights: list[NDArray[np.float32]], model: SightModel
) -> list[float]:
    """Weigh what the silhouettes of labels say and what is seen of them.

    Parameters
    ----------
    logits : list of N float
        Of the silhouettes.
    sights : list of N arrays
        From `sight_of_label`.
    model : SightModel

    Returns
    -------
    list of N float
        Logits.
    """
    import torch

    given = np.column_stack([np.stack(sights), np.array(logits, np.float32)])
    with torch.inference_mode():
        both: list[float] = model.network(torch.from_numpy(given))[:, 0].tolist()
    return both


@lru_cache(maxsize=1)
def bundled_sight_model() -> SightModel:
    """Load the bundled weights, once."""
    return load_sight_model(BUNDLED)
