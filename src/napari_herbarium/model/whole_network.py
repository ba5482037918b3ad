"""The network that tells single whole leaves from everything else.

It sees a square of two channels: the silhouette of one label, and what may hide a part
of it (other labels, and what lies beyond the picture).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_herbarium.model.checkpoint import fill_network, read_config_as

if TYPE_CHECKING:
    from torch import nn

CHANNELS = 2
_WIDTHS = (32, 64, 128)


class WholeConfig(BaseModel):
    """What has to be known to use a whole-leaf classifier's weights.

    Attributes
    ----------
    name : str
        Name of the classifier.
    architecture : str
        ``"small"`` (half a million parameters) or ``"vgg16"`` (the published one).
    size : int
        Side of the square in px.
    neighbours : bool
        Whether the second channel is looked at.
    threshold : float
        Whole where the probability is at least this.
    version : str
        Version of the weights.
    figures : dict
        Measured figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: Literal["small", "vgg16"] = "small"
    size: int = Field(default=128, ge=32, le=512)
    neighbours: bool = True
    threshold: float = Field(default=0.5, gt=0, lt=1)
    version: str = "1"
    figures: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class WholeModel:
    """A loaded whole-leaf classifier.

    Attributes
    ----------
    network : torch.nn.Module
        In evaluation mode, float32, on the CPU; B x 2 x S x S on 0..1 to B logits.
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

    published = config.architecture == "vgg16"
    encoder, head = _vgg16() if published else _small()

    class WholeNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, squares: Tensor) -> Tensor:
            if published:
                squares = squares[:, :1].expand(-1, 3, -1, -1)
            elif not config.neighbours:
                squares = squares[:, :1].expand(-1, CHANNELS, -1, -1)
            logits: Tensor = self.head(self.encoder(squares))
            return logits[:, 0]

    return WholeNetwork()


def _small() -> tuple[nn.Module, nn.Module]:
    """Four halvings, residual blocks, half a million parameters."""
    from torch import nn

    layers: list[nn.Module] = [
        nn.Conv2d(CHANNELS, 16, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
    ]
    before = 16
    for width in _WIDTHS:
        layers += [_block(before, width, 2), _block(width, width, 1)]
        before = width
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(before, 1)
    )
    return nn.Sequential(*layers), head


def _block(before: int, width: int, stride: int) -> nn.Module:
    """Two 3 x 3 convolutions, with a way past them where the shape stays."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = nn.Sequential(
                nn.Conv2d(before, width, 3, stride, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.Conv2d(width, width, 3, 1, 1, bias=False),
                nn.BatchNorm2d(width),
            )
            self.past = before == width and stride == 1
            self.relu = nn.ReLU(inplace=True)

        def forward(self, maps: Tensor) -> Tensor:
            out = self.convolutions(maps)
            result: Tensor = self.relu(out + maps if self.past else out)
            return result

    return Block()


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
