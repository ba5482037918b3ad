"""The network that tells single whole leaves from everything else.

It is shown a square of two channels: the silhouette of one label, and what may hide a
part of it (other labels, and what lies beyond the picture). The bundled one is a pair:
one network reads the outline in the square point by point, the other looks at the
square, and what they say is averaged. The published one looks at the silhouette.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from napari_herbarium.model.checkpoint import Loaded, NetworkConfig, load_as
from napari_herbarium.model.undrawn import undrawn
from napari_herbarium.model.whole_parts import (
    OUTLINE_CHANNELS,
    outline_parts,
    silhouette_parts,
    vgg16_parts,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

Architecture = Literal["pair", "outline", "silhouette", "vgg16"]
PAIR: tuple[Architecture, ...] = ("outline", "silhouette")


class WholeConfig(NetworkConfig):
    """What has to be known to use a whole-leaf classifier's weights.

    Attributes
    ----------
    architecture : str
        ``"pair"`` (the mean of the next two), ``"outline"`` (reads the outline point
        by point), ``"silhouette"`` (looks at the silhouette and at what may hide it)
        or ``"vgg16"`` (the published one, which looks at the silhouette alone).
    size : int
        Side of the square in px.
    threshold : float
        Whole where the probability is at least this.
    """

    architecture: Architecture = "outline"
    size: int = Field(default=128, ge=32, le=512)
    threshold: float = Field(default=0.5, gt=0, lt=1)


WholeModel = Loaded[WholeConfig]
"""Its network takes B of what `napari_herbarium.measure.whole.input.network_input`
gives, and gives B logits."""


def load_whole_model(folder: Path) -> WholeModel:
    """Load a classifier's folder, written by `checkpoint.save_model`.

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other.
    """
    return load_as(WholeConfig, build_whole_network, folder)


def one_of_pair(model: WholeModel, architecture: Architecture) -> WholeModel:
    """Give one network of a pair as a classifier; any other model as it is."""
    if model.config.architecture != "pair":
        return model
    config = model.config.model_copy(update={"architecture": architecture})
    with undrawn():
        network = build_whole_network(config)
    for part in ("encoder", "head"):
        halves = getattr(model.network, part)
        getattr(network, part).load_state_dict(halves[architecture].state_dict())
    return replace(model, network=network.eval(), config=config)


def build_whole_network(config: WholeConfig) -> nn.Module:
    """Build the network of a configuration, with random weights.

    Its parts are called ``encoder`` and ``head``; those of a pair hold those of each
    network, by the name of its architecture.
    """
    from torch import nn

    if config.architecture == "pair":
        return _pair(config.size)
    encoder, head = _PARTS[config.architecture]()
    given_as = _GIVEN[config.architecture]

    class WholeNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, given: Tensor) -> Tensor:
            logits: Tensor = self.head(self.encoder(given_as(given)))
            return logits[:, 0]

    return WholeNetwork()


def _ring_of(given: Tensor) -> Tensor:
    return given[:, :, 0]


def _square_of(given: Tensor) -> Tensor:
    return given[:, [0, 1, 0]] * 2 - 1


def _silhouette_of(given: Tensor) -> Tensor:
    return given[:, :1].expand(-1, 3, -1, -1)


_GIVEN = {"outline": _ring_of, "silhouette": _square_of, "vgg16": _silhouette_of}


def _pair(size: int) -> nn.Module:
    """Two networks whose logits are averaged."""
    from torch import nn

    parts = {architecture: _PARTS[architecture]() for architecture in PAIR}

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.ModuleDict({a: p[0] for a, p in parts.items()})
            self.head = nn.ModuleDict({a: p[1] for a, p in parts.items()})

        def forward(self, given: Tensor) -> Tensor:
            ring, square = _unpacked(given, size)
            seen = {"outline": _ring_of(ring), "silhouette": _square_of(square)}
            both: list[Tensor] = [self.head[a](self.encoder[a](seen[a])) for a in PAIR]
            return (both[0][:, 0] + both[1][:, 0]) / 2

    return Pair()


def _unpacked(given: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Take apart what `napari_herbarium.measure.whole.input` packed for a pair."""
    flat = given.flatten(1)
    square = flat[:, -2 * size * size :].reshape(-1, 2, size, size)
    ring = flat[:, : -2 * size * size].reshape(len(flat), OUTLINE_CHANNELS, 1, -1)
    return ring, square


_PARTS = {
    "outline": outline_parts,
    "silhouette": silhouette_parts,
    "vgg16": vgg16_parts,
}
