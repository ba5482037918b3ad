"""What the picture of a label adds to the judgement of its silhouette.

A seam network (`model.seam_network`) that looks at one label sees whether something
lies over it. Means of its layers over the label and along the inside of its outline,
and the logit of the silhouette, are weighed by one linear layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_herbarium.model.checkpoint import Loaded, NetworkConfig, load_as
from napari_herbarium.model.seam_network import LAYER_CHANNELS

if TYPE_CHECKING:
    from torch import nn

REGIONS = 2
"""Inside the label, and along its outline."""
SIGHTS = REGIONS * sum(LAYER_CHANNELS)
"""How many numbers are seen of a label."""


class SightConfig(NetworkConfig):
    """What has to be known to use these weights."""


SightModel = Loaded[SightConfig]
"""Its network takes N x (`SIGHTS` + 1), the logit of the silhouette last; gives N x 1
logits that the labels are single whole leaves."""


def load_sight_model(folder: Path) -> SightModel:
    """Load a model folder written by `checkpoint.save_model`.

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other.
    """
    return load_as(SightConfig, lambda _: build_sight_network(), folder)


def build_sight_network() -> nn.Linear:
    """Build the network with random weights."""
    from torch import nn

    return nn.Linear(SIGHTS + 1, 1)
