"""Fit the odds by which touching leaves are cut. See SEAMS.md in this folder.

On all sheets of ``sheets/train``: the 17 of ``whole_held_out.csv``, of which neither
the seam network nor the classifier of whole leaves has seen anything, are too few to
fit six numbers on.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import LeafTruth, read_leaf_truth
from napari_herbarium.measure.whole.judge import quick_whole_probability
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.checkpoint import LeafModel
from napari_herbarium.progress import finish
from napari_herbarium.segment.leaves import extract_leaves, min_area_px
from napari_herbarium.segment.mask import boxes_of
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.predict import segment
from napari_herbarium.segment.touching.cut_odds import Signs, signs_of_joins
from napari_herbarium.segment.touching.pieces import PieceTree
from napari_herbarium.segment.touching.split_judge import Looking
from napari_herbarium.settings import LeafSettings, Touching
from napari_herbarium.sheet.read import read_sheet

log = logging.getLogger("fit_cuts")
OTHERS_WEIGH = 0.3
"""Joins that neither make nor destroy a single whole leaf."""
SHRINK = 0.3
DOUBT = 0.35
"""Two leaves meet where at most this share of the smaller part is of leaves that a cut
would tear, and two parts of one where at most this share is not."""


class Join(NamedTuple):
    """A join of two pieces: its signs, whether two leaves meet, how much it counts."""

    signs: Signs
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
    joins = list(joins_of(options.data / "sheets" / "train", model))
    for name, signs in (
        ("by sight", Signs._fields[:4]),
        ("by sight and whole", Signs._fields),
    ):
        weights = fitted(joins, signs).round(2).tolist()
        print(name, dict(zip(signs, weights, strict=True)))


def joins_of(folder: Path, model: LeafModel) -> Iterator[Join]:
    """Give the joins of what the model finds on the sheets of a folder."""
    uncut = LeafSettings(touching=Touching.KEEP)
    for pair in find_pairs(folder):
        sheet = read_sheet(pair.image)
        labels = extract_leaves(
            segment(sheet, model),
            uncut,
            mm_per_px=sheet.mm_per_px,
            model_threshold=model.config.threshold,
        )
        smallest = min_area_px(LeafSettings(), sheet.mm_per_px, labels.shape)
        truth = read_leaf_truth(folder, pair)
        found = list(joins_on(SheetRows(sheet.image), labels, smallest, truth))
        log.info("%s: %d joins", pair.stem, len(found))
        yield from found


def joins_on(
    rows: SheetRows, labels: np.ndarray, smallest: float, truth: LeafTruth
) -> Iterator[Join]:
    """Give the joins of the patches of one sheet."""
    looking = Looking(labels, smallest, rows, quick_whole_probability)
    numbers = np.where(truth.mask == IGNORED, 0, truth.labels)
    for label, box in enumerate(boxes_of(labels), start=1):
        mask = labels[box] == label
        looked = finish(looking.iter_at(label, box, mask))
        if looked is None:
            continue
        view, tree, whole = looked
        pieces = np.where(mask, view.brought_back(tree.pieces), 0)
        shares = shares_of(tree, pieces, numbers[box])
        for node, signs in signs_of_joins(tree, whole).items():
            join = judged(tree, node, signs, shares, truth)
            if join is not None:
                yield join


def shares_of(tree: PieceTree, pieces: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Pixels of each true leaf in each piece, pieces x leaves."""
    shares = np.zeros((len(tree.members) + 1, int(numbers.max(initial=0)) + 1))
    np.add.at(shares, (pieces.ravel(), numbers.ravel()), 1)
    return shares


def judged(
    tree: PieceTree, node: int, signs: Signs, shares: np.ndarray, truth: LeafTruth
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


def fitted(joins: list[Join], signs: tuple[str, ...]) -> np.ndarray:
    """Fit a logistic regression; gives a weight per sign, the first the constant."""
    seen = np.array([[getattr(join.signs, sign) for sign in signs] for join in joins])
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
