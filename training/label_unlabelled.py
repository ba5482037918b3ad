"""Label the unlabelled sheets with a leaf model. See README.md in this folder."""

from __future__ import annotations

import argparse
import csv
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label

from napari_herbarium import load_model, segment
from napari_herbarium.model.checkpoint import LeafModel
from napari_herbarium.train.crops.others import SURE_LEAF, SURE_NOT, sure_mask

log = logging.getLogger("label_unlabelled")

SOURCES = "lm1raw_", "mz_", "viola_"
"""Not the small scans: mostly grasses and sedges, of which the model knows little."""
CORRECTIONS = Path(__file__).with_name("unlabelled_corrections.csv")


def label_unlabelled(data: Path, model: LeafModel, out: Path) -> None:
    """Write a mask for each sheet that has none yet; what is unsure is ignored."""
    out.mkdir(parents=True, exist_ok=True)
    for path in unlabelled(data):
        target = out / f"{path.stem}.png"
        if not target.exists():
            image = np.asarray(Image.open(path).convert("RGB"))
            mask = believed(seen_twice(image, model))
            Image.fromarray(corrected(mask, path.stem)).save(target)
            log.info("labelled %s", path.stem)


def unlabelled(data: Path) -> list[Path]:
    """Sheets of the sources that are used."""
    paths = sorted((data / "unlabelled").glob("*.jpg"))
    return [path for path in paths if path.name.startswith(SOURCES)]


def seen_twice(image: NDArray[np.uint8], model: LeafModel) -> NDArray[np.uint8]:
    """Mean probability, 0..255, of a sheet and of its mirror image."""
    plain, mirrored = (
        segment(np.ascontiguousarray(picture), model)
        for picture in (image, image[:, ::-1])
    )
    return ((plain.astype(np.uint16) + mirrored[:, ::-1]) // 2).astype(np.uint8)


def believed(probability: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leaf or not where the model is sure, along outlines, and at the picture's edge.

    Doubtful patches that reach the edge of the picture were all seen to be ground.
    """
    mask = sure_mask(probability)
    patches = label(probability > SURE_NOT, connectivity=2)
    sure = np.unique(patches[probability >= SURE_LEAF])
    edge = np.concatenate([patches[[0, -1]].ravel(), patches[:, [0, -1]].ravel()])
    mask[np.isin(patches, np.setdiff1d(edge, [0, *sure]))] = 0
    return mask


def corrected(mask: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Fill the boxes seen to be wrong: photographs, a packet, red leaves, ground."""
    height, width = mask.shape
    for row in csv.DictReader(CORRECTIONS.open()):
        if row["sheet"] == name:
            left, right = (round(float(row[k]) * width) for k in ("left", "right"))
            top, bottom = (round(float(row[k]) * height) for k in ("top", "bottom"))
            mask[top:bottom, left:right] = int(row["class"])
    return mask


def main() -> None:
    """Parse the command and label."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="herbarium-leaves", help="name or folder")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    label_unlabelled(options.data, load_model(options.model), options.out)


if __name__ == "__main__":
    main()
