"""Time of `measure` against `regionprops_table` on a large sheet, in one run.

Run: ``python benchmarks/measure_labels.py``. Draws 300 leaves on a sheet of
9921 x 7016 px (A3 at 600 ppi, uint16), times both in turn and prints the best of
each and their ratio; exits with 1 where `measure` takes more than 1.3 times as long
as `regionprops_table` for the eleven properties of the paper that both return.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from skimage.draw import polygon
from skimage.measure import regionprops_table

from napari_herbarium import measure

HEIGHT, WIDTH = 9921, 7016
ROWS, COLUMNS = 20, 15
ROUNDS = 3
LIMIT = 1.3
BASE = (
    "label",
    "bbox",
    "eccentricity",
    "area",
    "area_bbox",
    "area_convex",
    "equivalent_diameter_area",
    "extent",
    "area_filled",
    "axis_major_length",
    "axis_minor_length",
    "perimeter",
    "solidity",
)
CHEAP = tuple(name for name in BASE if name not in {"area_convex", "solidity"})


def drawn_labels(seed: int = 0) -> np.ndarray:
    """Draw toothed leaves with petioles, turned at random, one per cell of a grid."""
    random = np.random.default_rng(seed)
    labels = np.zeros((HEIGHT, WIDTH), np.uint16)
    cell = np.array([HEIGHT / ROWS, WIDTH / COLUMNS])
    for label in range(1, ROWS * COLUMNS + 1):
        centre = (np.array(divmod(label - 1, COLUMNS)) + 0.5) * cell
        outline = centre + _leaf(random) * random.uniform(0.3, 0.47) * cell.min()
        y, x = polygon(*outline.T, labels.shape)
        labels[y, x] = label
    return labels


def _leaf(random: np.random.Generator) -> np.ndarray:
    t = np.linspace(-np.pi, np.pi, 800, endpoint=False)
    edge = 0.7 * (1 + 0.03 * np.cos(31 * t))
    along, across = edge * np.cos(t) + 0.3, edge * np.sin(t) * random.uniform(0.4, 0.9)
    stalk = abs(t) > np.pi - 0.05
    along[stalk] = -1
    across[stalk] = np.sign(t[stalk]) * 0.03
    turn = random.uniform(0, 2 * np.pi)
    return np.stack(
        [
            along * np.sin(turn) + across * np.cos(turn),
            along * np.cos(turn) - across * np.sin(turn),
        ],
        axis=1,
    )


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> int:
    labels = drawn_labels()
    work = {
        "regionprops_table": lambda: regionprops_table(labels, properties=BASE),
        "without convex area": lambda: regionprops_table(labels, properties=CHEAP),
        "measure": lambda: measure(labels, 25.4 / 600),
    }
    times = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, run in work.items():
            times[name].append(seconds(run))
    best = {name: min(taken) for name, taken in times.items()}
    for name, taken in best.items():
        print(
            f"{name:20s} {taken:6.2f} s   measure takes {best['measure'] / taken:.2f}x"
        )
    return int(best["measure"] > LIMIT * best["regionprops_table"])


if __name__ == "__main__":
    sys.exit(main())
