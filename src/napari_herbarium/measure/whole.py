"""Which labels are one single, whole leaf, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.whole_input import Box, label_square, network_input
from napari_herbarium.model.checkpoint import read_config_as
from napari_herbarium.model.whole_network import (
    WholeConfig,
    WholeModel,
    load_whole_model,
    one_of_pair,
)
from napari_herbarium.progress import Job, Progress, finish

BUNDLED = Path(__file__).parent / "weights" / "whole-leaves"
_BATCH = 16


def default_whole_threshold() -> float:
    """Probability from which the bundled classifier takes a leaf for whole."""
    return _bundled_config().threshold


def iter_whole_leaf_probability(
    labels: NDArray[Any],
    image: Any = None,
    *,
    only: Collection[int] | None = None,
    model: WholeModel | None = None,
) -> Job[dict[int, float]]:
    """Judge of each label whether it is one single, whole leaf.

    After the single-leaf classifier of Hussein et al. (2021), which also looks at the
    silhouette padded to a square; this one sees the labels around it as well.

    Parameters
    ----------
    labels : (H, W) integer
        0 is paper, every other value one label.
    image : optional
        Not looked at: the silhouette is enough for the bundled classifier.
    only : collection of int, optional
        Judge these labels; the others still count as neighbours.
    model : WholeModel, optional
        Another classifier than the bundled one.

    Returns
    -------
    dict of int to float
        Probability, 0..1, by label, ascending.

    Raises
    ------
    SettingsError
        For labels that are no 2-D integer image.
    ModelError
        When the classifier's files are damaged.
    """
    labels = check_labels(labels)
    boxes = [
        (label, box)
        for label, box in enumerate(find_objects(labels), start=1)
        if box is not None and (only is None or label in only)
    ]
    probability: dict[int, float] = {}
    for batch in _batches(boxes):
        model = model or bundled_whole_model()
        squares = [label_square(labels, box, n, model.config.size) for n, box in batch]
        judged = whole_probability(squares, model)
        probability.update(zip((n for n, _ in batch), judged, strict=True))
        yield Progress(len(probability), len(boxes), "leaves judged")
    return probability


def whole_leaf_probability(
    labels: NDArray[Any],
    image: Any = None,
    *,
    only: Collection[int] | None = None,
    model: WholeModel | None = None,
) -> dict[int, float]:
    """Return the result of `iter_whole_leaf_probability`, without stopping."""
    return finish(iter_whole_leaf_probability(labels, image, only=only, model=model))


def quick_whole_probability(
    labels: NDArray[Any], image: Any = None, *, only: Collection[int] | None = None
) -> dict[int, float]:
    """Judge as `whole_leaf_probability` does, by the outline alone, which is faster.

    Made for cutting touching leaves, where thousands of pieces are judged.
    """
    outline = bundled_outline_model()
    return whole_leaf_probability(labels, image, only=only, model=outline)


def whole_probability(
    squares: Sequence[NDArray[np.uint8]], model: WholeModel
) -> list[float]:
    """Judge squares drawn by `label_square`; each one as it is and transposed.

    Parameters
    ----------
    squares : sequence of 2 x S x S uint8
    model : WholeModel

    Returns
    -------
    list of float
        Probability of each, 0..1.
    """
    import torch

    views = [view for square in squares for view in (square, square.swapaxes(1, 2))]
    given = [network_input(view, model.config.architecture) for view in views]
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(np.stack(given)))
        return torch.sigmoid(logits.view(-1, 2).mean(1)).tolist()


@lru_cache(maxsize=1)
def bundled_whole_model() -> WholeModel:
    """Load the bundled classifier, once."""
    return load_whole_model(BUNDLED)


@lru_cache(maxsize=1)
def bundled_outline_model() -> WholeModel:
    """Give the part of the bundled classifier that reads outlines."""
    return one_of_pair(bundled_whole_model(), "outline")


@lru_cache(maxsize=1)
def _bundled_config() -> WholeConfig:
    return read_config_as(WholeConfig, BUNDLED)


def _batches(boxes: Sequence[tuple[int, Box]]) -> Iterator[Sequence[tuple[int, Box]]]:
    for start in range(0, len(boxes), _BATCH):
        yield boxes[start : start + _BATCH]
