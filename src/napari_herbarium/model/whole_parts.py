"""Encoders and heads of the whole-leaf classifiers, with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

OUTLINE_CHANNELS = 25
_RING_WIDTHS = (72, 128, 192)
_SILHOUETTE_WIDTH = 112


def outline_parts() -> tuple[nn.Module, nn.Module]:
    """Residual blocks around the ring of points, three halvings."""
    from torch import nn

    layers = [*_ring_layer(OUTLINE_CHANNELS, 48, 7, 1), nn.ReLU(inplace=True)]
    before = 48
    for width in _RING_WIDTHS:
        layers += [*_ring_layer(before, width, 5, 2), nn.ReLU(inplace=True)]
        layers += [_ring_block(width, 1), _ring_block(width, 2)]
        before = width
    return nn.Sequential(*layers), _judge(before)


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


def silhouette_parts() -> tuple[nn.Module, nn.Module]:
    """Three fifths of EfficientNet-Lite0, down to a sixteenth of the square."""
    from timm import create_model
    from torch import nn

    whole = create_model("tf_efficientnet_lite0", pretrained=False)
    encoder = nn.Sequential(whole.conv_stem, whole.bn1, *whole.blocks[:5])
    return encoder, _judge(_SILHOUETTE_WIDTH)


def _judge(width: int) -> nn.Module:
    """From maps, or channels around a ring, to one logit."""
    from torch import nn

    return nn.Sequential(
        _mean_and_max(),
        nn.Dropout(0.2),
        nn.Linear(2 * width, 64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 1),
    )


def _mean_and_max() -> nn.Module:
    """Mean and maximum of each channel, around the ring or over the map."""
    import torch
    from torch import nn

    class MeanAndMax(nn.Module):
        def forward(self, maps: Tensor) -> Tensor:
            flat = maps.flatten(2)
            return torch.cat([flat.mean(-1), flat.amax(-1)], 1)

    return MeanAndMax()


def _residual(inner: nn.Module) -> nn.Module:
    """Add what an inner part makes of maps to the maps."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.relu = inner, nn.ReLU(inplace=True)

        def forward(self, maps: Tensor) -> Tensor:
            result: Tensor = self.relu(self.inner(maps) + maps)
            return result

    return Residual()


def vgg16_parts() -> tuple[nn.Module, nn.Module]:
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
