"""How much of a sheet without leaves is taken for leaf.

Sheets without any leaf are rare, so they are made: on labelled sheets every leaf is
painted over with the paper around it, grain included. Stems, flowers, labels, rulers
and whatever lies around the sheet stay as they are.

    python benchmarks/leafless_sheets.py ../shared/data/sheets/val [--model NAME]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter

from napari_herbarium import load_model, segment
from napari_herbarium.evaluate.pairs import find_pairs, read_mask
from napari_herbarium.segment.mask import at_least

MARGIN = 0.006
"""How far around a leaf is painted over, as a share of the long side: its edge and
shadow."""
GRAIN_PX = 3.0


def without_leaves(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paint paper over all that is leaf or could not be labelled."""
    reach = max(2, round(MARGIN * max(mask.shape)))
    gone = binary_dilation(mask > 0, iterations=reach)
    grey = image.mean(axis=2)
    paper = ~gone & (grey > np.median(grey[~gone]) - 25)
    smooth = _spread(image.astype(np.float32), paper, max(mask.shape) / 40)
    noise = np.random.default_rng(0).normal(0, 1, mask.shape)
    grain = gaussian_filter(noise, 0.7)[..., None] * GRAIN_PX * 2
    painted = np.where(gone[..., None], smooth + grain, image)
    return np.clip(painted, 0, 255).astype(np.uint8)


def _spread(image: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Mean of the known pixels around each pixel."""
    small = max(1, int(sigma / 4))
    weight = known[::small, ::small].astype(np.float32)
    near = gaussian_filter(weight, sigma / small, truncate=6) + 1e-9
    channels = [
        gaussian_filter(image[::small, ::small, c] * weight, sigma / small, truncate=6)
        / near
        for c in range(3)
    ]
    coarse = np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)
    size = image.shape[1], image.shape[0]
    return np.asarray(Image.fromarray(coarse).resize(size), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="herbarium-leaves")
    parser.add_argument("--save", type=Path, help="folder for the made sheets")
    options = parser.parse_args()
    model = load_model(options.model)
    shares = {}
    for pair in find_pairs(options.folder):
        image = np.asarray(Image.open(pair.image).convert("RGB"))
        made = without_leaves(image, read_mask(pair.mask))
        found = at_least(segment(made, model), model.config.threshold)
        shares[pair.image.stem] = float(found.mean())
        sys.stdout.write(f"{pair.image.stem:50}{shares[pair.image.stem]:8.2%}\n")
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            made[found] = made[found] // 2 + np.array([127, 0, 0], np.uint8)
            Image.fromarray(made).save(options.save / f"{pair.image.stem}.png")
    values = list(shares.values())
    sys.stdout.write(
        f"mean {np.mean(values):.2%}, median {np.median(values):.2%}, under 0.2 %: "
        f"{sum(v < 0.002 for v in values)} of {len(values)}\n"
    )


if __name__ == "__main__":
    main()
