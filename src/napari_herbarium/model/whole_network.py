"""The network that tells single whole leaves from everything else.

It is shown a square of two channels: the silhouette of one label, and what may hide a
part of it (other labels, and what lies beyond the picture). The bundled one reads the
outline in it point by point; the published one looks at the silhouette.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_herbarium.model.checkpoint import fill_network, read_config_as

if TYPE_CHECKING:
    from torch import nn

OUTLINE_CHANNELS = 25
_RING_WIDTHS = (72, 128, 192)

Architecture = Literal["outline", "vgg16"]


class WholeConfig(BaseModel):
    """What has to be known to use a whole-leaf classifier's weights.

    Attributes
    ----------
    name : str
        Name of the classifier.
    architecture : str
        ``"outline"`` (reads the outline point by point) or ``"vgg16"`` (the published
        one, which looks at the silhouette).
    size : int
        Side of the square in px.
    threshold : float
        Whole where the probability is at least this.
    version : str
        Version of the weights.
    figures : dict
        Measured figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: Architecture = "outline"
    size: int = Field(default=128, ge=32, le=512)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    version: str = "1"
    figures: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class WholeModel:
    """A loaded whole-leaf classifier.

    Attributes
    ----------
    network : torch.nn.Module
        In evaluation mode, float32, on the CPU; B x 2 x S x S on 0..1, or
        B x 25 x 1 x N along the outline, to B logits.
    config : WholeConfig
        How to feed it.
    sha256 : str
        Of the weights file.
    """

    network: nn.Module
    config: WholeConfig
    sha256: str


def load_whole_model(folder: Path) -> WholeModel:
    """Load a classifier's folder, written by `checkpoint.save_model`.

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other.
    """
    config = read_config_as(WholeConfig, folder)
    network = build_whole_network(config)
    return WholeModel(network, config, fill_network(network, folder))


def build_whole_network(config: WholeConfig) -> nn.Module:
    """Build the network of a configuration, with random weights.

    Its parts are called ``encoder`` and ``head``.
    """
    from torch import Tensor, nn

    build = {"outline": _outline, "vgg16": _vgg16}
    encoder, head = build[config.architecture]()

    class WholeNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, given: Tensor) -> Tensor:
            if config.architecture == "outline":
                given = given[:, :, 0]
            else:
                given = given[:, :1].expand(-1, 3, -1, -1)
            logits: Tensor = self.head(self.encoder(given))
            return logits[:, 0]

    return WholeNetwork()


def _outline() -> tuple[nn.Module, nn.Module]:
    """Residual blocks around the ring of points, three halvings."""
    from torch import nn

    layers = [*_ring_layer(OUTLINE_CHANNELS, 48, 7, 1), nn.ReLU(inplace=True)]
    before = 48
    for width in _RING_WIDTHS:
        layers += [*_ring_layer(before, width, 5, 2), nn.ReLU(inplace=True)]
        layers += [_ring_block(width, 1), _ring_block(width, 2)]
        before = width
    head = nn.Sequential(
        _mean_and_max(),
        nn.Dropout(0.2),
        nn.Linear(2 * before, 64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 1),
    )
    return nn.Sequential(*layers), head


def _ring_layer(
    before: int, width: int, reach: int, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """Convolve around the ring, whose end is its beginning."""
    from torch import nn

    convolution = nn.Conv1d(
        before,
        width,
        reach,
        stride,
        padding=dilation * (reach // 2),
        dilation=dilation,
        bias=False,
        padding_mode="circular",
    )
    return [convolution, nn.BatchNorm1d(width)]


def _ring_block(width: int, dilation: int) -> nn.Module:
    from torch import nn

    return _residual(
        nn.Sequential(
            *_ring_layer(width, width, 5, 1, dilation),
            nn.ReLU(inplace=True),
            *_ring_layer(width, width, 5, 1, 1),
        )
    )


def _mean_and_max() -> nn.Module:
    """Mean and maximum of each channel around the ring."""
    import torch
    from torch import Tensor, nn

    class MeanAndMax(nn.Module):
        def forward(self, maps: Tensor) -> Tensor:
            return torch.cat([maps.mean(-1), maps.amax(-1)], 1)

    return MeanAndMax()


def _residual(inner: nn.Module) -> nn.Module:
    """Add what an inner part makes of maps to the maps."""
    from torch import Tensor, nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.relu = inner, nn.ReLU(inplace=True)

        def forward(self, maps: Tensor) -> Tensor:
            result: Tensor = self.relu(self.inner(maps) + maps)
            return result

    return Residual()


def _vgg16() -> tuple[nn.Module, nn.Module]:
    """VGG16 with one more pooling and dense layers of 2048 and 128, as published.

    Hussein et al. 2021 classify 300 x 300 silhouettes with it. The size of the last
    maps is fixed at 4 x 4, which is what 300 px give.
    """
    from torch import nn
    from torchvision.models import vgg16

    head = nn.Sequential(
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(512 * 16, 2048),
        nn.ReLU(inplace=True),
        nn.Linear(2048, 128),
        nn.ReLU(inplace=True),
        nn.Linear(128, 1),
    )
    return vgg16(weights=None).features, head
