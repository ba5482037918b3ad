"""What the paper's recipe trains on: whole sheets squashed to a square.

Hussein et al. 2021 (Sensors 21:4549), section 3.3; augmentation by
torchvision.transforms.v2, with amounts drawn from a seeded generator so that a
resumed run sees the same pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.crops.cut import Sample
from napari_herbarium.train.pairs.pair import Pair, open_image, open_mask
from napari_herbarium.train.recipes import PaperRecipe


def squashed(pair: Pair, size: int) -> Sample:
    """Resize a sheet and its annotation to a square, whatever its shape."""
    image = Image.fromarray(np.ascontiguousarray(open_image(pair)))
    mask = Image.fromarray(open_mask(pair))
    # Reducing first by whole blocks costs little and changes nothing to be seen.
    how = Image.Resampling.BILINEAR
    small = image.resize((size, size), how, reducing_gap=3.0)
    nearest = mask.resize((size, size), Image.Resampling.NEAREST)
    return np.asarray(small), np.asarray(nearest)


@dataclass(frozen=True)
class PaperDraw:
    """Draws training samples: every sheet once an epoch, in another order each.

    Where the batch does not divide the number of sheets, an epoch is rounded up and
    its last batch filled with the first sheets of its order.

    Attributes
    ----------
    sheets : sequence of samples
        Squashed; to train on.
    recipe : PaperRecipe
    """

    sheets: Sequence[Sample]
    recipe: PaperRecipe

    @property
    def epoch_steps(self) -> int:
        """Optimiser steps per epoch."""
        return -(-len(self.sheets) // self.recipe.batch)

    def __call__(self, index: int) -> Sample:
        """Turn, mirror and light sample `index`."""
        epoch, place = divmod(index, self.epoch_steps * self.recipe.batch)
        order = np.random.default_rng((self.recipe.seed, 1, epoch))
        sheet = order.permutation(len(self.sheets))[place % len(self.sheets)]
        rng = np.random.default_rng((self.recipe.seed, 2, index))
        return augmented(self.sheets[int(sheet)], self.recipe, rng)


def augmented(sample: Sample, recipe: PaperRecipe, rng: np.random.Generator) -> Sample:
    """Rotate, flip and change the brightness; corners that open are ignored."""
    import torch
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as change

    image = torch.from_numpy(np.array(sample[0])).permute(2, 0, 1)
    mask = torch.from_numpy(np.array(sample[1]))[None]
    turn = float(rng.uniform(-recipe.rotation, recipe.rotation))
    light = float(1 + rng.uniform(-recipe.brightness, recipe.brightness))
    across, down = (recipe.flips and flip < 0.5 for flip in rng.random(2))
    if turn:
        image = change.rotate(image, turn, InterpolationMode.BILINEAR)
        mask = change.rotate(mask, turn, InterpolationMode.NEAREST, fill=[IGNORED])
    if across:
        image, mask = change.horizontal_flip(image), change.horizontal_flip(mask)
    if down:
        image, mask = change.vertical_flip(image), change.vertical_flip(mask)
    image = change.adjust_brightness(image, light)
    return image.permute(1, 2, 0).numpy(), mask[0].numpy()
