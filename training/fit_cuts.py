"""Fit the odds by which touching leaves are cut. See README.md in this folder.

The sheets are those of ``whole_held_out.csv``, whose seams the leaf model was not
taught and whose leaves the classifier of whole leaves has not seen.
"""

from __future__ import annotations

import argparse
import csv
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import LeafTruth, read_leaf_truth
from napari_herbarium.measure.whole import quick_whole_probability
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.checkpoint import LeafModel
from napari_herbarium.progress import finish
from napari_herbarium.segment.cut_odds import signs_of_joins
from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.segment.mask import boxes_of
from napari_herbarium.segment.pieces import PieceTree
from napari_herbarium.segment.predict import Segmentation, iter_segmentation
from napari_herbarium.segment.split_judge import Help, Looking
from napari_herbarium.settings import LeafSettings, Touching
from napari_herbarium.sheet.read import read_sheet

log = logging.getLogger("fit_cuts")
HELD_OUT = Path(__file__).with_name("whole_held_out.csv")
OTHERS_WEIGH = 0.3
"""Joins that neither make nor destroy a single whole leaf."""
SHRINK = 0.3
DOUBT = 0.35
"""Two leaves meet where at most this share of the smaller part is of leaves that a cut
would tear, and two parts of one where at most this share is not."""


class Join(NamedTuple):
    """A join of two pieces: its signs, whether two leaves meet, how much it counts."""

    signs: tuple[float, ...]
    meets: bool
    weight: float


def main() -> None:
    """Parse the command and print the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="herbarium-leaves")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    model = load_model(options.model)
    joins = list(joins_of(options.data / "sheets" / "train", model, kept_back()))
    seamed = [
        number for number in range(6) if number != 3 or "seam" in model.config.classes
    ]
    for name, signs in (("shape", seamed[:-2]), ("shape and whole", seamed)):
        print(name, signs, np.round(fitted(joins, signs), 2).tolist())


def kept_back() -> set[str]:
    """Sheets to fit on."""
    with HELD_OUT.open() as file:
        return {row["name"] for row in csv.DictReader(file) if row["kind"] == "sheet"}


def joins_of(folder: Path, model: LeafModel, sheets: set[str]) -> Iterator[Join]:
    """Give the joins of what the model finds on some sheets of a folder."""
    for pair in find_pairs(folder):
        if pair.stem in sheets:
            image = read_sheet(pair.image).image
            seen = finish(iter_segmentation(image, model))
            truth = read_leaf_truth(folder, pair)
            found = list(joins_on(image, seen, truth, model.config.threshold))
            log.info("%s: %d joins", pair.stem, len(found))
            yield from found


def joins_on(
    image: np.ndarray, seen: Segmentation, truth: LeafTruth, threshold: float
) -> Iterator[Join]:
    """Give the joins of what a model saw on one sheet."""
    uncut = LeafSettings(touching=Touching.KEEP)
    labels = extract_leaves(seen.probability, uncut, model_threshold=threshold)
    smallest = min_area_px(labels)
    help_ = Help(image, quick_whole_probability, seen.seams)
    looking = Looking(labels, smallest, help_)
    for label, box in enumerate(boxes_of(labels), start=1):
        looked = finish(looking.iter_at(label, box, labels[box] == label))
        if looked is None:
            continue
        numbers = np.where(truth.mask == IGNORED, 0, truth.labels)[box]
        every = slice(looked.step // 2, None, looked.step)
        small = numbers[every, every]
        shares = shares_of(looked.tree, small)
        for node, signs in signs_of_joins(looked.tree, looked.whole).items():
            join = judged(looked.tree, node, signs, shares, truth)
            if join is not None:
                yield join


def min_area_px(labels: np.ndarray) -> float:
    """Smallest leaf, as `extract_leaves` has it without a scale."""
    from napari_herbarium.segment.leaves import USUAL_SHEET_MM

    return LeafSettings().min_area_mm2 / (USUAL_SHEET_MM / max(labels.shape)) ** 2


def shares_of(tree: PieceTree, numbers: np.ndarray) -> np.ndarray:
    """Pixels of each true leaf in each piece, pieces x leaves."""
    pieces = tree.pieces[1:-1, 1:-1][: numbers.shape[0], : numbers.shape[1]]
    count = len(tree.members) + 1
    shares = np.zeros((count, int(numbers.max(initial=0)) + 1))
    np.add.at(shares, (pieces.ravel(), numbers.ravel()), 1)
    return shares


def judged(
    tree: PieceTree,
    node: int,
    signs: tuple[float, ...],
    shares: np.ndarray,
    truth: LeafTruth,
) -> Join | None:
    """Tell whether leaves meet at a join; None where that cannot be told."""
    first, second = (shares[tree.members[part]].sum(0)[1:] for part in tree.parts[node])
    smaller = min(first.sum(), second.sum())
    if smaller == 0:
        return None
    torn = float(np.minimum(first, second).sum() / smaller)
    if min(torn, 1 - torn) > DOUBT:
        return None
    leaves = (int(first.argmax()) + 1, int(second.argmax()) + 1)
    counts = any(leaf in truth.whole for leaf in leaves)
    return Join(signs, torn < DOUBT, 1.0 if counts else OTHERS_WEIGH)


def fitted(joins: list[Join], signs: list[int]) -> np.ndarray:
    """Fit a logistic regression; gives the constant and a weight per sign."""
    seen = np.array([[1.0, *(join.signs[i] for i in signs)] for join in joins])
    meets = np.array([join.meets for join in joins], float)
    weight = np.array([join.weight for join in joins])

    def loss(weights: np.ndarray) -> float:
        odds = seen @ weights
        misfit = np.logaddexp(0, odds) - meets * odds
        return float(weight @ misfit + SHRINK * (weights[1:] ** 2).sum())

    best = minimize(loss, np.zeros(seen.shape[1])).x
    right = ((seen @ best > 0) == meets) @ weight / weight.sum()
    log.info("%d joins, leaves meet at %d, %.3f right", len(joins), meets.sum(), right)
    return best


if __name__ == "__main__":
    main()
