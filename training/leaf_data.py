"""What the bundled leaf model is trained on, read from a folder like shared/data."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.pairs import Pair, find_pairs
from napari_herbarium.evaluate.truth import read_leaf_truth
from napari_herbarium.train.crops.augment import change_looks
from napari_herbarium.train.crops.composite import (
    Cutout,
    add_leaves,
    add_objects,
    lamina_classes,
    retone,
)
from napari_herbarium.train.crops.cut import CropSettings, Sample, random_crop
from napari_herbarium.train.crops.ground import lay_on_ground
from napari_herbarium.train.crops.leafless import without_leaves
from napari_herbarium.train.pairs.picture import Picture, make_picture, read_picture
from napari_herbarium.train.seams.patches import whole_cutouts

PATCH_CLASSES = {1: 1, 2: 0, 3: 0, 5: 0, 6: 0}


@dataclass(frozen=True)
class LeafData:
    """Everything that crops are made from."""

    sheets: list[Picture]
    patches: list[tuple[np.ndarray, np.ndarray]]
    leaves: list[Cutout]
    objects: list[Cutout]
    leafless: list[Picture]
    weights: np.ndarray
    taught: Sequence[Picture] = ()


def read_leaf_data(root: Path, without: Sequence[str] = ()) -> LeafData:
    """Read the training part; nothing of `sheets/val` is touched.

    Sheets whose names begin with one of `without` are left out, and with any such, all
    patches, which are of LeafMachine's sheets.
    """
    folder = root / "sheets" / "train"
    used = [p for p in find_pairs(folder) if not p.stem.startswith(tuple(without))]
    sheets = [read_picture(pair.image, pair.mask) for pair in used]
    return LeafData(
        sheets=sheets,
        patches=[] if without else _patches(root),
        leaves=[
            *photographed_leaves(root / "leaves").values(),
            *_whole_leaves(folder, used),
        ],
        objects=_objects(root / "objects"),
        leafless=[_leafless(sheet) for sheet in sheets],
        weights=_weights(sheets),
    )


def _leafless(sheet: Picture) -> Picture:
    """Paint over the leaves of the sheet, at most 1400 px long."""
    fits = [i for i, image in enumerate(sheet.images) if max(image.size) <= 1400]
    level = fits[0] if fits else -1
    image, mask = (np.asarray(k[level]) for k in (sheet.images, sheet.masks))
    made = without_leaves(image, mask)
    return make_picture(f"{sheet.name} leafless", made, np.zeros_like(mask), levels=2)


def _weights(sheets: list[Picture]) -> np.ndarray:
    """How often each sheet is drawn: herbs, the harder, twice as often."""
    rows = csv.DictReader((Path(__file__).parent / "groups.csv").open())
    herbs = {row["sheet"] for row in rows if row["group"] == "herb"}
    weights = np.array([2.0 if sheet.name in herbs else 1.0 for sheet in sheets])
    return weights / weights.sum()


def read_taught(root: Path, masks: Path) -> list[Picture]:
    """Read the unlabelled sheets with the masks of `label_unlabelled`."""
    return [
        read_picture(root / "unlabelled" / f"{mask.stem}.jpg", mask)
        for mask in sorted(masks.glob("*.png"))
    ]


def _patches(root: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    rows = csv.DictReader((root / "leakage.csv").open())
    forbidden = {row["patch"] for row in rows if row["sheet_split"] == "val"}
    table = np.full(256, IGNORED, np.uint8)
    for old, new in PATCH_CLASSES.items():
        table[old] = new
    found = []
    for path in sorted((root / "patches" / "train" / "images").iterdir()):
        if path.stem not in forbidden:
            mask = np.asarray(
                Image.open(path.parents[1] / "masks" / f"{path.stem}.png")
            )
            found.append((np.asarray(Image.open(path).convert("RGB")), table[mask]))
    return found


def photographed_leaves(folder: Path) -> dict[str, Cutout]:
    """Read the photographed single leaves, by name and in its order."""
    found = {}
    for path in sorted((folder / "images").iterdir()):
        image = np.asarray(Image.open(path).convert("RGB"))
        mask = np.asarray(Image.open(folder / "masks" / f"{path.stem}.png")) > 0
        found[path.stem] = Cutout(image, lamina_classes(mask))
    return found


def _whole_leaves(folder: Path, pairs: list[Pair]) -> list[Cutout]:
    """Single whole leaves of the labelled sheets themselves, in their own size."""
    return [
        leaf
        for pair in pairs
        for leaf in whole_cutouts(
            np.asarray(Image.open(pair.image).convert("RGB")),
            read_leaf_truth(folder, pair),
            smallest_px=1501,
            longest=sys.maxsize,
        )
    ]


def _objects(folder: Path) -> list[Cutout]:
    found = []
    for path in sorted(folder.glob("*/*.jpg")):
        image = Image.open(path).convert("RGB")
        image.thumbnail((1000, 1000))
        full = np.full(image.size[::-1], 2, np.uint8)
        found.append(Cutout(np.asarray(image), full))
    return found


def sampler(data: LeafData, size: int = 512) -> Callable[[np.random.Generator], Sample]:
    """Mix of crops: sheets at any scale, patches, and pasted leaves and objects."""
    usual = CropSettings(size, long_side=(820, 2900))
    close = CropSettings(size, long_side=(2900, 6000), on_outline=0.6)
    edge = CropSettings(size, long_side=(560, 2048), on_outline=0.1, beyond=1.0)
    patchy = CropSettings(size, long_side=(420, 1400), on_outline=0.5)

    def draw(rng: np.random.Generator) -> Sample:
        kind = rng.random()
        if kind < 0.12 and data.patches:
            sample = random_crop(_mosaic(data.patches, rng), patchy, rng)
        else:
            picture = _picture(data, kind, rng)
            scale = rng.choice([close, edge, usual], p=[0.14, 0.2, 0.66])
            sample = lay_on_ground(random_crop(picture, scale, rng), rng)
            if rng.random() < 0.35:
                sample = retone(sample, rng)
            if kind < 0.36:
                sample = add_leaves(sample, data.leaves, rng)
            if rng.random() < 0.12:
                sample = add_objects(sample, data.objects, rng)
        return change_looks(sample[0], rng), sample[1]

    return draw


def _picture(data: LeafData, kind: float, rng: np.random.Generator) -> Picture:
    if data.taught and kind > 0.8:
        return data.taught[int(rng.integers(len(data.taught)))]
    if rng.random() < 0.07:
        return data.leafless[int(rng.integers(len(data.leafless)))]
    return data.sheets[int(rng.choice(len(data.sheets), p=data.weights))]


def _mosaic(patches: list, rng: np.random.Generator) -> Picture:
    chosen = [patches[int(i)] for i in rng.integers(len(patches), size=4)]
    images, masks = (
        np.concatenate(
            [
                np.concatenate([c[k] for c in chosen[:2]], 1),
                np.concatenate([c[k] for c in chosen[2:]], 1),
            ],
            0,
        )
        for k in (0, 1)
    )
    return make_picture("patches", images, masks, levels=1)
