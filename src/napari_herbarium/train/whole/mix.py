"""What a classifier is shown while it learns, so that it forgets little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.measure.whole import whole_probability
from napari_herbarium.measure.whole_input import network_input
from napari_herbarium.model.whole_network import WholeConfig, WholeModel
from napari_herbarium.train.whole.instances import Instance
from napari_herbarium.train.whole.silhouettes import Silhouette
from napari_herbarium.train.whole.squares import sampler, turned, window_square

SAID, UNSAID = 0.5, 0.25
"""Shares of what was said, and of leaves of the same sheets of which nobody spoke."""
_BATCH = 32


@dataclass(frozen=True)
class Held:
    """Leaves that are held to what the base says of them.

    Attributes
    ----------
    leaves : sequence of Instance
        Their `whole` says nothing.
    probability : sequence of float
        What the base says of each.
    """

    leaves: Sequence[Instance] = ()
    probability: Sequence[float] = ()


def held_to(base: WholeModel, leaves: Sequence[Instance]) -> Held:
    """Ask the base of leaves."""
    return Held(leaves, judged(base, leaves))


def judged(model: WholeModel, leaves: Sequence[Instance]) -> list[float]:
    """Judge leaves by their silhouettes; gives the probability of each, 0..1."""
    found: list[float] = []
    for start in range(0, len(leaves), _BATCH):
        batch = leaves[start : start + _BATCH]
        squares = [window_square(leaf.window, model.config.size) for leaf in batch]
        found += whole_probability(squares, model)
    return found


def mixed(
    said: Sequence[Instance],
    held: Held,
    drawn: Sequence[Silhouette],
    config: WholeConfig,
) -> Callable[[np.random.Generator], tuple[NDArray, NDArray]]:
    """Mix what a user said, leaves of the same sheets, and drawn leaves.

    Parameters
    ----------
    said : sequence of Instance
    held : Held
    drawn : sequence of Silhouette
    config : WholeConfig
        Of the network that learns.

    Returns
    -------
    callable
        As `napari_herbarium.train.whole.squares.sampler`; the answer to a held leaf is
        a probability.
    """
    ours = sampler(drawn, said, config, real=1.0)
    theirs = sampler(drawn, [], config)

    def draw(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        share = rng.random()
        if share < SAID:
            return ours(rng)
        if held.leaves and share < SAID + UNSAID:
            return _one_held(held, config, rng)
        return theirs(rng)

    return draw


def _one_held(
    held: Held, config: WholeConfig, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    number = int(rng.integers(len(held.leaves)))
    # With its neighbours, as it was when the base was asked.
    window = turned(held.leaves[number], rng, lonely=0)
    given = network_input(window_square(window, config.size), config.architecture)
    answer = np.array(held.probability[number], np.float32)
    return np.moveaxis(given, 0, 2), answer
