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

from napari_herbarium import load_model, segment
from napari_herbarium.evaluate.pairs import find_pairs, read_mask
from napari_herbarium.segment.mask import at_least
from napari_herbarium.train.crops.leafless import without_leaves


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
