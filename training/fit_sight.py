"""Fit what the picture adds to the judgement of leaves. See WHOLE_LEAVES.md.

The labels are those that the bundled models find on the sheets of ``sheets/train``, and
the true ones; one is right where it is a single whole leaf of the truth, found with
enough IoU. What is seen of it is weighed first, on all sheets; how that and its
silhouette count against each other is fitted on the labels found, where each sheet is
judged by weights of the others.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import logit

from napari_herbarium.evaluate.leaves import LEAST_IOU, overlaps
from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.pairs import Pair, find_pairs
from napari_herbarium.evaluate.truth import LeafTruth, read_leaf_truth
from napari_herbarium.measure.whole.judge import (
    default_whole_threshold,
    quick_whole_probability,
    whole_leaf_probability,
)
from napari_herbarium.measure.whole.sight import sight_of_label
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.checkpoint import LeafModel, save_model
from napari_herbarium.model.whole_sight import SightConfig, build_sight_network
from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.segment.mask import boxes_of
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.predict import segment
from napari_herbarium.sheet.read import read_sheet

log = logging.getLogger("fit_sight")
SHRINK = 60.0
"""So many times the sum of squares of the weights of what is seen is added."""
FOLDS = 6
LEAST_SPREAD = 0.02


class Judged(NamedTuple):
    """Labels of all sheets.

    Attributes
    ----------
    sights : N x SIGHTS
    logits : N
        Of their silhouettes; not a number for true labels.
    right : N bool
        Whether they are a single whole leaf.
    sheet : N
        Which sheet they lie on.
    expected : int
        Whole leaves of the truth.
    """

    sights: np.ndarray
    logits: np.ndarray
    right: np.ndarray
    sheet: np.ndarray
    expected: int

    @property
    def found(self) -> np.ndarray:
        """N bool, which labels the models found."""
        return np.isfinite(self.logits)


def main() -> None:
    """Parse the command, fit and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="herbarium-leaves")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    model = load_model(options.model)
    judged = look_at_sheets(options.data / "sheets" / "train", model)
    weights, constant = fitted(judged)
    network = build_sight_network()
    with torch.no_grad():
        network.weight.copy_(torch.from_numpy(weights)[None])
        network.bias.fill_(constant)
    save_model(options.out, network, SightConfig(name="whole-sight"), "WHOLE_LEAVES.md")


def look_at_sheets(folder: Path, model: LeafModel) -> Judged:
    """Find, look at and judge the leaves of all sheets that list whole ones."""
    rows, expected = [], 0
    for number, pair in enumerate(find_pairs(folder)):
        truth = read_leaf_truth(folder, pair)
        if truth.whole:
            found = list(labels_of(pair, truth, model))
            rows += [(*row, number) for row in found]
            expected += len(truth.whole)
            log.info("%s: %d labels", pair.stem, len(found))
    sights, logits, right, sheet = map(np.array, zip(*rows, strict=True))
    return Judged(sights, logits, right, sheet, expected)


def labels_of(
    pair: Pair, truth: LeafTruth, model: LeafModel
) -> Iterator[tuple[np.ndarray, float, bool]]:
    """Give what is seen of each label, its silhouette's logit, and if it is right."""
    sheet = read_sheet(pair.image)
    labels = extract_leaves(
        segment(sheet, model),
        mm_per_px=sheet.mm_per_px,
        image=sheet.image,
        model_threshold=model.config.threshold,
        judge=quick_whole_probability,
    )
    said = whole_leaf_probability(labels)
    rows = SheetRows(sheet.image)
    for label, seen, right in seen_labels(rows, labels, truth):
        yield seen, logit(np.clip(said[label], 1e-4, 1 - 1e-4)), right
    for _, seen, right in seen_labels(rows, truth.labels, truth):
        yield seen, np.nan, right


def seen_labels(
    rows: SheetRows, labels: np.ndarray, truth: LeafTruth
) -> Iterator[tuple[int, np.ndarray, bool]]:
    """Give each label, what is seen of it, and whether it is right."""
    right = {
        label
        for (true, label), iou in overlaps(labels, truth).items()
        if iou >= LEAST_IOU and true in truth.whole
    }
    for label, box in enumerate(boxes_of(labels), start=1):
        if box is None:
            continue
        mask = labels[box] == label
        if np.mean(truth.mask[box][mask] != IGNORED) > 0.5:
            yield label, sight_of_label(rows, box, mask), label in right


def fitted(judged: Judged) -> tuple[np.ndarray, float]:
    """Give weights of sights and of the silhouette's logit, and the constant."""
    mean = judged.sights.mean(0)
    spread = np.maximum(judged.sights.std(0), LEAST_SPREAD)
    seen = (judged.sights - mean) / spread
    apart = judged_by_others(seen, judged)
    both = np.column_stack([apart, judged.logits])[judged.found]
    right = judged.right[judged.found]
    share, constant = logistic(both, right, 1.0)
    log.info("sight counts %.2f and silhouette %.2f", *share)
    cut = best_cut(both @ share + constant, right, judged.expected)
    weights, inner = logistic(seen, judged.right, SHRINK)
    weights = share[0] * weights / spread
    constant += share[0] * inner - weights @ mean
    # One threshold for both, with a picture and without.
    constant += logit(default_whole_threshold()) - cut
    return np.append(weights, share[1]).astype(np.float32), float(constant)


def judged_by_others(seen: np.ndarray, judged: Judged) -> np.ndarray:
    """Judge each sheet by weights that were fitted on other sheets."""
    odds = np.zeros(len(seen))
    order = np.random.default_rng(0).permutation(judged.sheet.max() + 1)
    fold = order[judged.sheet] % FOLDS
    for one in range(FOLDS):
        others = fold != one
        weights, constant = logistic(seen[others], judged.right[others], SHRINK)
        odds[~others] = seen[~others] @ weights + constant
    return odds


def logistic(
    seen: np.ndarray, right: np.ndarray, shrink: float
) -> tuple[np.ndarray, float]:
    """Fit a logistic regression; gives weights and constant."""

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        weights, constant = given[:-1], given[-1]
        odds = seen @ weights + constant
        misfit = np.logaddexp(0, odds).sum() - odds @ right
        off = 1 / (1 + np.exp(-odds)) - right
        slope = np.append(seen.T @ off + 2 * shrink * weights, off.sum())
        return misfit + shrink * (weights @ weights), slope

    start = np.zeros(seen.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found[:-1], float(found[-1])


def best_cut(odds: np.ndarray, right: np.ndarray, expected: int) -> float:
    """Find from which log odds on accepting gives the best F1 of whole leaves."""
    order = np.argsort(-odds)
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(odds) + 1) + expected)
    best = int(f1.argmax())
    log.info("F1 %.3f at log odds %.2f", f1[best], odds[order[best]])
    return float(odds[order[best]])


if __name__ == "__main__":
    main()
