"""What the few-sheets recipe trains on: crops where the base model was wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.progress import Job
from napari_herbarium.segment.levels import MAX_ENLARGEMENT, scales_of
from napari_herbarium.segment.mask import at_least
from napari_herbarium.segment.predict import iter_segment
from napari_herbarium.settings import Detail, Device, SegmentSettings
from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.train.crops.augment import change_looks
from napari_herbarium.train.crops.composite import retone
from napari_herbarium.train.crops.cut import (
    CropSettings,
    Sample,
    cut,
    one_of,
    random_crop,
)
from napari_herbarium.train.crops.ground import lay_on_ground
from napari_herbarium.train.pairs.pair import Pair, open_image, open_mask
from napari_herbarium.train.pairs.picture import Picture, make_picture
from napari_herbarium.train.pairs.split import Split
from napari_herbarium.train.recipes import FewSheetsRecipe

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

MOST_PX = 24_000_000
"""A larger sheet is kept reduced: 24 Mpx are A3 at 350 ppi."""
MOST_PX_IN_ALL = 400_000_000
FULL_LOOK = 3000
"""Sheets up to this long are looked at in full before training, others fast."""
FAR = (250.0, 900.0)
"""Long sides in px of sheets that are seen from afar."""
DRAWN_DPI = 125
DRAWN_SEEDS = (101, 102, 103)
_MARKS = 2000


def read_labelled(pair: Pair, of: int = 1) -> Picture:
    """Read a sheet and its mask; a large one reduced so that all `of` fit in memory."""
    image, mask = read_image(pair, of), open_mask(pair)
    if mask.shape != image.shape[:2]:
        size = image.shape[1::-1]
        small = Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
        mask = np.asarray(small)
    return make_picture(pair.name, image, mask, levels=4)


def read_image(pair: Pair, of: int = 1) -> NDArray[np.uint8]:
    """Read a sheet; a large one reduced so that all `of` fit in memory."""
    most = min(MOST_PX, MOST_PX_IN_ALL // of)
    image = np.asarray(open_image(pair))
    height, width = image.shape[:2]
    factor = math.ceil(math.sqrt(height * width / most))
    return np.asarray(Image.fromarray(image).reduce(factor)) if factor > 1 else image


def drawn_pictures() -> list[Picture]:
    """Draw sheets whose truth is exact, so that what the base model knew is asked."""
    sheets = [drawn_sheet(DRAWN_DPI, seed) for seed in DRAWN_SEEDS]
    return [
        make_picture(
            "drawn", np.asarray(s.sheet.image), (s.labels > 0).astype(np.uint8)
        )
        for s in sheets
    ]


def parts(
    pictures: Sequence[Picture], split: Split
) -> tuple[list[Picture], list[Picture]]:
    """Give the pictures to train on, and those to score on.

    Where windows are held out, each picture is in both: with its window ignored, and
    with all but its window ignored.
    """
    if split.by == "sheet":
        train = [p for p in pictures if p.name in split.train]
        return train, [p for p in pictures if p.name in split.val]
    windows = split.windows
    return (
        [_masked(p, windows[p.name], inside=True) for p in pictures],
        [_masked(p, windows[p.name], inside=False) for p in pictures],
    )


def _masked(
    picture: Picture, window: tuple[int, int, int, int], *, inside: bool
) -> Picture:
    mask = np.array(picture.masks[0])
    top, left, bottom, right = window
    hidden = np.zeros(mask.shape, bool)
    hidden[top:bottom, left:right] = True
    mask[hidden if inside else ~hidden] = IGNORED
    image = np.asarray(picture.images[0])
    return make_picture(picture.name, image, mask, levels=len(picture.images))


def working_sides(scales: Sequence[int], picture: Picture) -> list[int]:
    """Long sides at which a model looks at a sheet; the sheet's own where finer."""
    own = max(picture.size)
    sides = {min(scale, own * MAX_ENLARGEMENT) for scale in scales_of(own, scales)}
    return sorted(sides | ({own} if own > 1.25 * max(sides) else set()))


def iter_seen(
    image: NDArray[np.uint8], model: LeafModel, device: Device
) -> Job[NDArray[np.uint8]]:
    """Look at a sheet with a model; gives its probability of leaf, H x W uint8."""
    detail = Detail.FULL if max(image.shape) <= FULL_LOOK else Detail.FAST
    settings = SegmentSettings(detail=detail, device=device)
    return (yield from iter_segment(image, model, settings))


def iter_mistakes(
    picture: Picture, model: LeafModel, device: Device
) -> Job[NDArray[np.int32]]:
    """Find where a model is wrong on a picture, beyond the width of an outline.

    Returns
    -------
    (N, 2) int32
        Some (x, y) in px of the picture; none where it is right.
    """
    from scipy.ndimage import binary_opening

    probability = yield from iter_seen(np.asarray(picture.images[0]), model, device)
    mask = np.asarray(picture.masks[0])
    wrong = at_least(probability, model.config.threshold) != (mask == LEAF)
    wrong &= mask != IGNORED
    y, x = np.nonzero(binary_opening(wrong, np.ones((3, 3), bool)))
    step = max(1, len(x) // _MARKS)
    return np.stack([x[::step], y[::step]], axis=1).astype(np.int32)


@dataclass(frozen=True)
class FewSheetsDraw:
    """Draws training crops; the same index gives the same crop.

    Attributes
    ----------
    pictures : list of Picture
        To train on.
    mistakes : mapping of str to (N, 2) int32
        Where the base model was wrong, by name of the picture.
    rehearsal : list of Picture
        Drawn sheets.
    scales : sequence of int
        The model's working long sides.
    recipe : FewSheetsRecipe
    others : list of Picture
        Sheets of other plants, with what the base model sees there.
    """

    pictures: Sequence[Picture]
    mistakes: Mapping[str, NDArray[np.int32]]
    rehearsal: Sequence[Picture]
    scales: Sequence[int]
    recipe: FewSheetsRecipe = field(default_factory=FewSheetsRecipe)
    others: Sequence[Picture] = ()

    def __call__(self, index: int) -> Sample:
        """Cut, change and give sample `index`."""
        rng = np.random.default_rng((self.recipe.seed, index))
        sample = self._sample(rng)
        sample = lay_on_ground(sample, rng)
        if rng.random() < 0.3 * self.recipe.strength:
            sample = retone(sample, rng)
        return change_looks(sample[0], rng, self.recipe.strength), sample[1]

    def _sample(self, rng: np.random.Generator) -> Sample:
        if self.others and rng.random() < self.recipe.others:
            return self._usual(one_of(self.others, rng), rng)
        if self.rehearsal and rng.random() < self.recipe.rehearsal:
            return self._drawn(rng)
        return self._given(rng)

    def _drawn(self, rng: np.random.Generator) -> Sample:
        low, high = min(self.scales), max(self.scales)
        settings = CropSettings(self.recipe.size, (0.8 * low, 1.3 * high))
        return random_crop(one_of(self.rehearsal, rng), settings, rng)

    def _given(self, rng: np.random.Generator) -> Sample:
        picture = one_of(self.pictures, rng)
        if rng.random() < self.recipe.far:
            return random_crop(picture, CropSettings(self.recipe.size, FAR), rng)
        side = self._side(picture, rng)
        wrong = self.mistakes.get(picture.name, np.empty((0, 2)))
        if not len(wrong) or rng.random() >= self.recipe.mistakes:
            return random_crop(picture, self._at(side), rng)
        zoom = side / max(picture.size)
        settings = CropSettings(self.recipe.size)
        aside = rng.uniform(-0.4, 0.4, 2) * settings.size / zoom
        centre = wrong[rng.integers(len(wrong))] + aside
        return cut(picture, centre, zoom, settings, rng)

    def _usual(self, picture: Picture, rng: np.random.Generator) -> Sample:
        return random_crop(picture, self._at(self._side(picture, rng)), rng)

    def _side(self, picture: Picture, rng: np.random.Generator) -> float:
        """Draw a long side near one of those at which the model looks at the sheet."""
        sides = working_sides(self.scales, picture)
        return one_of(sides, rng) * math.exp(rng.uniform(-0.35, 0.35))

    def _at(self, side: float) -> CropSettings:
        return CropSettings(self.recipe.size, (side, side * 1.001))
