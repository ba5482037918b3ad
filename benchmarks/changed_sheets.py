"""How much of the IoU is left on sheets of other light, sharpness or ground.

Other herbaria scan otherwise. Each change is made to all labelled sheets of a folder,
and the mean IoU of each group is printed as a share of that on the sheets as they are.

    python benchmarks/changed_sheets.py ../shared/data/sheets/val \
        --group-file training/groups.csv [--model NAME] [--changes grey noise ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from napari_herbarium import load_model, segment
from napari_herbarium.evaluate.metrics import count_pixels, iou
from napari_herbarium.evaluate.pairs import Pair, find_pairs, read_groups, read_mask
from napari_herbarium.model.checkpoint import LeafModel
from napari_herbarium.segment.mask import at_least

Pixels = np.ndarray
AS_IS = "as it is"


def toned(red: float, green: float, blue: float) -> Callable:
    """Multiply the channels."""
    factors = np.array([red, green, blue])
    return lambda image: as_bytes(image * factors)


def bent(gamma: float) -> Callable:
    """Make middle tones darker (above 1) or lighter."""
    return lambda image: as_bytes(255 * (image / 255) ** gamma)


def as_bytes(values: Pixels) -> Pixels:
    return values.clip(0, 255).astype(np.uint8)


def grey(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def noisy(image: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 14, image.shape)
    return as_bytes(image + noise)


def blurred(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1.5)))


def compressed(image: Pixels) -> Pixels:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=18)
    return np.asarray(Image.open(file))


def on_ground(tone: int) -> Callable:
    """Lay the sheet on a larger plain ground."""

    def change(image: Pixels) -> Pixels:
        wide = len(image) // 5
        margins = ((wide, wide), (wide, wide), (0, 0))
        large = np.pad(image, margins, constant_values=tone)
        noise = np.random.default_rng(0).normal(0, 5, large.shape)
        noise[wide:-wide, wide:-wide] = 0
        return as_bytes(large + noise)

    return change


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "grey": grey,
    "darker": bent(1.8),
    "lighter": bent(0.6),
    "half the contrast": lambda image: as_bytes(90 + image * 0.5),
    "orange light": toned(1.1, 0.92, 0.7),
    "blue light": toned(0.8, 0.95, 1.12),
    "noise": noisy,
    "JPEG of quality 18": compressed,
    "blurred by 1.5 px": blurred,
    "on grey ground": on_ground(72),
    "on black ground": on_ground(12),
}


def probability(change: str, image: Pixels, model: LeafModel) -> Pixels:
    """Segment the changed sheet; gives the part that the sheet itself takes."""
    if change == AS_IS:
        return segment(image, model)
    changed = CHANGES[change](image)
    found = segment(changed, model)
    down, across = (
        (a - b) // 2 for a, b in zip(found.shape, image.shape, strict=False)
    )
    return found[down : down + len(image), across : across + image.shape[1]]


def mean_iou(
    change: str, pairs: list[Pair], groups: dict[str, str], model: LeafModel
) -> pd.Series:
    """Mean over the sheets of each group."""
    rows = []
    for pair in pairs:
        image = np.asarray(Image.open(pair.image).convert("RGB"))
        found = at_least(probability(change, image, model), model.config.threshold)
        counts = count_pixels(found, read_mask(pair.mask))
        rows.append((groups[pair.stem], iou(counts)))
    return pd.DataFrame(rows, columns=["group", "iou"]).groupby("group").iou.mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--group-file", type=Path, required=True)
    parser.add_argument("--model", default="herbarium-leaves")
    parser.add_argument("--changes", nargs="+", default=list(CHANGES), choices=CHANGES)
    options = parser.parse_args()
    model = load_model(options.model)
    pairs = find_pairs(options.folder)
    groups = read_groups(options.group_file, [pair.stem for pair in pairs])
    reference = mean_iou(AS_IS, pairs, groups, model)
    tell(AS_IS, reference, reference)
    for change in options.changes:
        tell(change, mean_iou(change, pairs, groups, model), reference)


def tell(change: str, means: pd.Series, reference: pd.Series) -> None:
    figures = (
        f"{group} {mean:.3f} (x {mean / reference[group]:.3f})"
        for group, mean in means.items()
    )
    sys.stdout.write(f"{change:22}{', '.join(figures)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
