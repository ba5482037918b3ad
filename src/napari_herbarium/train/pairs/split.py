"""Which sheets train, which choose, which test: by sheet, seeded, written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_herbarium.evaluate.masks import LEAF

SPLIT_FILE = "split.json"
Window = tuple[int, int, int, int]
ENOUGH_SHEETS = 6
"""With fewer, holding out a whole sheet costs more than it tells."""
_TRIES = 24


class Split(BaseModel):
    """Which sheets do what; written to ``split.json`` in the model folder.

    Attributes
    ----------
    seed : int
    by : {"sheet", "window"}
        Whole sheets are held out, or a window of every sheet.
    train, val, test : tuple of str
        Names of pairs.
    windows : dict
        Where ``by`` is ``"window"``: top, left, bottom, right in px of the held-out
        window of each sheet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    by: Literal["sheet", "window"] = "sheet"
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...] = ()
    windows: dict[str, Window] = {}


def split_by_sheet(
    leaf_shares: Mapping[str, float], shares: tuple[float, float, float], seed: int
) -> Split:
    """Deal sheets out to training, validation and test.

    Stratified by how much of each sheet is leaf: the sheets are put in that order and
    cut into as many runs as sheets are to be held out, and one of each run is.

    Parameters
    ----------
    leaf_shares : mapping of str to float
        Share of leaf, by name of the sheet.
    shares : (float, float, float)
        For training, validation and test. From two sheets on there is one for
        validation, from five on one for test (where its share is not 0).
    seed : int
    """
    names = sorted(leaf_shares, key=lambda name: (leaf_shares[name], name))
    count = len(names)
    if count == 1:
        return Split(seed=seed, train=tuple(names), val=tuple(names))
    whole = sum(shares)
    val = max(1, round(count * shares[1] / whole))
    test = round(count * shares[2] / whole)
    if shares[2] and count >= 5:
        test = max(1, test)
    test = min(test, max(0, count - val - 1))
    rng = np.random.default_rng(seed)
    runs = np.array_split(np.arange(count), val + test)
    held = [names[int(rng.choice(run))] for run in runs]
    held = [held[i] for i in rng.permutation(len(held))]
    return Split(
        seed=seed,
        train=tuple(sorted(set(names) - set(held))),
        val=tuple(sorted(held[:val])),
        test=tuple(sorted(held[val:])),
    )


def split_by_window(
    masks: Mapping[str, NDArray[np.uint8]], share: float, seed: int
) -> Split:
    """Hold out a window of every sheet that has about its share of the leaf.

    Parameters
    ----------
    masks : mapping of str to H x W uint8
        0, 1 leaf, 255 ignored; any size in the sheet's proportions will do, windows
        are in its px.
    share : float
        Of each sheet's area.
    seed : int
    """
    rng = np.random.default_rng(seed)
    names = tuple(sorted(masks))
    windows = {name: _window(masks[name], share, rng) for name in names}
    return Split(seed=seed, by="window", train=names, val=names, windows=windows)


def _window(mask: NDArray[np.uint8], share: float, rng: np.random.Generator) -> Window:
    size = np.ceil(np.array(mask.shape) * np.sqrt(share)).astype(np.int64)
    room = np.array(mask.shape) - size
    # A corner that any window may have, for each of the tries.
    corners = rng.integers(0, room + 1, (_TRIES, 2))
    leaf = mask == LEAF
    total = np.count_nonzero(leaf)

    def inside(corner: NDArray[np.int64]) -> int:
        top, left = corner
        return int(np.count_nonzero(leaf[top : top + size[0], left : left + size[1]]))

    def rank(corner: NDArray[np.int64]) -> tuple[bool, float]:
        # A window without leaf can choose no epoch, one with all leaves none to learn.
        held = inside(corner)
        return not 0 < held < total, abs(held - share * total)

    best = min(corners, key=rank)
    if not share * total / 4 <= inside(best) < total:
        best = min([best, *_corners_at_leaves(leaf, size)], key=rank)
    top, left = best
    return int(top), int(left), int(top + size[0]), int(left + size[1])


def _corners_at_leaves(
    leaf: NDArray[np.bool_], size: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Give the windows that have some px of leaf in a corner, so they cut leaves.

    They are the same for every seed: what is drawn for other sheets must not change.
    """
    pixels = np.argwhere(leaf)
    some = pixels[:: max(1, len(pixels) // _TRIES)]
    room = np.array(leaf.shape) - size
    shifts = np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) * (size - 1)
    return [np.clip(pixel - shift, 0, room) for pixel in some for shift in shifts]
