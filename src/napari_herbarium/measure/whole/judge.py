"""Which labels are one single, whole leaf, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.special import expit

from napari_herbarium.measure.columns import check_image, check_labels
from napari_herbarium.measure.whole.input import Box, label_square, network_input
from napari_herbarium.measure.whole.sight import (
    bundled_sight_model,
    sight_of_label,
    with_sight,
)
from napari_herbarium.model.checkpoint import read_config_as
from napari_herbarium.model.fold import folded
from napari_herbarium.model.whole_network import (
    WholeConfig,
    WholeModel,
    load_whole_model,
    one_of_pair,
)
from napari_herbarium.once import once
from napari_herbarium.progress import Job, Progress, finish
from napari_herbarium.segment.pixels import SheetRows, as_rgb8

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
    silhouette padded to a square; this one sees the labels around it as well, and,
    where there is a picture, what `napari_herbarium.measure.whole.sight` sees in it.

    Parameters
    ----------
    labels : (H, W) integer
        0 is paper, every other value one label.
    image : (H, W, 3) uint8 or uint16, numpy or dask, optional
        sRGB picture. Pairs alone look at it: the bundled classifier, and those that
        were fine-tuned from it.
    only : collection of int, optional
        Judge these labels; the others still count as neighbours.
    model : WholeModel, optional
        Another classifier than the bundled one. A pair's word on a silhouette is
        weighed with what is seen as the bundled one's is; any other goes by
        silhouettes.

    Returns
    -------
    dict of int to float
        Probability, 0..1, by label, ascending.

    Raises
    ------
    SettingsError
        For labels that are no 2-D integer image, and a picture of another size.
    ModelError
        When the classifier's files are damaged.
    """
    labels = check_labels(labels)
    looks = model is None or model.config.architecture == "pair"
    look = _Look(labels, image) if looks and image is not None else None
    boxes = [
        (label, box)
        for label, box in enumerate(find_objects(labels), start=1)
        if box is not None and (only is None or label in only)
    ]
    probability: dict[int, float] = {}
    for batch in _batches(boxes):
        model = model or bundled_whole_model()
        squares = [label_square(labels, box, n, model.config.size) for n, box in batch]
        logits = whole_logits(squares, model)
        if look is not None:
            logits = look.weighed(batch, logits)
        probability.update(
            zip((n for n, _ in batch), expit(logits).tolist(), strict=True)
        )
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


class _Look:
    """Looks at labels in the picture of their sheet."""

    def __init__(self, labels: NDArray[Any], image: Any) -> None:
        self._labels = labels
        self._sheet = SheetRows(as_rgb8(check_image(image, labels.shape)))

    def weighed(
        self, batch: Sequence[tuple[int, Box]], logits: list[float]
    ) -> list[float]:
        """Weigh what silhouettes say and what is seen."""
        sights = [
            sight_of_label(self._sheet, box, self._labels[box] == label)
            for label, box in batch
        ]
        return with_sight(logits, sights, bundled_sight_model())


def whole_logits(
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
        Log odds of each.
    """
    import torch

    views = [view for square in squares for view in (square, square.swapaxes(1, 2))]
    given = [network_input(view, model.config.architecture) for view in views]
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(np.stack(given)))
        return logits.view(-1, 2).mean(1).tolist()


def whole_probability(
    squares: Sequence[NDArray[np.uint8]], model: WholeModel
) -> list[float]:
    """Judge squares as `whole_logits` does; gives the probability of each, 0..1."""
    return expit(whole_logits(squares, model)).tolist()


@once
def bundled_whole_model() -> WholeModel:
    """Load the bundled classifier, once, ready to be run."""
    return load_ready(BUNDLED)


def load_ready(folder: Path) -> WholeModel:
    """Load a classifier to be run, which is faster; it cannot be trained any more.

    Raises
    ------
    ModelError
        When its files are damaged.
    """
    model = load_whole_model(folder)
    if model.config.architecture == "pair":
        encoders: Any = model.network.encoder
        encoders["silhouette"] = folded(encoders["silhouette"])
    return model


@once
def bundled_outline_model() -> WholeModel:
    """Give the part of the bundled classifier that reads outlines."""
    return one_of_pair(bundled_whole_model(), "outline")


@once
def _bundled_config() -> WholeConfig:
    return read_config_as(WholeConfig, BUNDLED)


def _batches(boxes: Sequence[tuple[int, Box]]) -> Iterator[Sequence[tuple[int, Box]]]:
    for start in range(0, len(boxes), _BATCH):
        yield boxes[start : start + _BATCH]
