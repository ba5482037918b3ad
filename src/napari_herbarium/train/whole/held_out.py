"""Sets on which a whole-leaf classifier is scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.measure.whole.judge import (
    whole_leaf_probability,
    whole_probability,
)
from napari_herbarium.model.whole_network import WholeModel
from napari_herbarium.segment.mask import areas_of
from napari_herbarium.train.crops.cut import one_of
from napari_herbarium.train.whole.instances import OWN, complete, labelled_sheets
from napari_herbarium.train.whole.scenes import POSITIVE, Maker, any_maker, seen_scene
from napari_herbarium.train.whole.silhouettes import Silhouette
from napari_herbarium.train.whole.squares import (
    any_roughness,
    by_species,
    scene_window,
    window_square,
)

_BATCH = 32


@dataclass(frozen=True)
class Judged:
    """One judged leaf.

    Attributes
    ----------
    what : str
        Kind of example, or ``sheet:label``.
    whole : bool
        The truth.
    probability : float
        What the classifier gives.
    area_px : int
        As seen.
    """

    what: str
    whole: bool
    probability: float
    area_px: int


def judge_made(
    model: WholeModel,
    silhouettes: Sequence[Silhouette],
    count: int,
    seed: int = 0,
    *,
    doubtful: bool = False,
) -> list[Judged]:
    """Judge made examples, half of them whole, every species equally often.

    Parameters
    ----------
    model : WholeModel
    silhouettes : sequence of Silhouette
        Of species that were not trained on.
    count : int
        Number of examples.
    seed : int
        The same seed gives the same examples.
    doubtful : bool
        Whether to have examples, too, that nobody could tell; see `doubt`.
    """
    made = list(_made(silhouettes, count, seed, doubtful))
    judged: list[Judged] = []
    for start in range(0, count, _BATCH):
        batch = made[start : start + _BATCH]
        squares = [window_square(window, model.config.size) for _, window in batch]
        given = whole_probability(squares, model)
        judged += [
            Judged(maker.__name__, maker in POSITIVE, p, int((window == OWN).sum()))
            for (maker, window), p in zip(batch, given, strict=True)
        ]
    return judged


def judge_sheets(
    model: WholeModel, folder: Path, sheets: set[str] | None = None
) -> list[Judged]:
    """Judge the instances of labelled sheets.

    Sheets with an incomplete list of whole leaves are left out.

    Parameters
    ----------
    model : WholeModel
    folder : path
        With ``instances``.
    sheets : set of str, optional
        Only these.
    """
    return [
        Judged(f"{sheet}:{label}", label in whole, p, int(areas[label]))
        for sheet, labels, whole in labelled_sheets(folder)
        if complete(sheet) and (sheets is None or sheet in sheets)
        for areas in [areas_of(labels, int(labels.max()))]
        for label, p in whole_leaf_probability(labels, model=model).items()
    ]


def known_truth(judged: Sequence[Judged], least_px: int = 0) -> tuple[NDArray, NDArray]:
    """Probabilities, and whether each leaf is whole; of leaves that are large enough.

    The published classifier is shown leaves of more than 1000 px alone, as
    Algorithm 2 of Hussein et al. (2021) drops the others.
    """
    large = [leaf for leaf in judged if leaf.area_px >= least_px]
    return (
        np.array([leaf.probability for leaf in large]),
        np.array([leaf.whole for leaf in large]),
    )


def _made(
    silhouettes: Sequence[Silhouette],
    count: int,
    seed: int,
    doubtful: bool,
) -> Iterator[tuple[Maker, NDArray[np.uint8]]]:
    species = by_species(silhouettes)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        own = species[number // 2 % len(species)]
        maker = any_maker(rng, whole=not number % 2)
        scene = seen_scene(maker, rng, partial(one_of, own, rng), doubtful)
        yield maker, scene_window(scene, any_roughness(rng), rng)
