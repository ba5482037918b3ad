"""Which joins of a tree of pieces are places where two leaves meet.

Logistic regression on the joins of labelled sheets: is it two leaves that a join
joins, or two parts of one? See `training/fit_cuts.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from napari_herbarium.segment.pieces import PieceTree


class Weights(NamedTuple):
    """Log odds that leaves meet, per unit of each sign.

    Attributes
    ----------
    always : float
    neck : float
        Width at the border over that of the less wide piece.
    border : float
        Logarithm of the length of the border over the square root of the smaller
        piece's area.
    edge : float
        Logarithm of the strength of the sheet's edges along the border.
    seam : float
        Mean probability of a seam along the border.
    together : float
        Probability that the two together are one whole leaf.
    apart : float
        The same of the pieces, see `_hope`.
    """

    always: float
    neck: float
    border: float
    edge: float
    seam: float = 0.0
    together: float = 0.0
    apart: float = 0.0


WEIGHTS = {
    (False, False): Weights(-0.79, -1.92, -1.51, 1.17),
    (False, True): Weights(-0.84, -1.34, -1.11, 0.94, 0.0, -3.04, 2.16),
    (True, False): Weights(-0.79, -1.92, -1.51, 1.17, 3.0),
    (True, True): Weights(-0.84, -1.34, -1.11, 0.94, 3.0, -3.04, 2.16),
}
"""By whether the model tells seams, and whether someone can tell whole leaves."""
_FAINTEST = 0.1
_PAIRS_PER_PX = 3.0


def best_cut(tree: PieceTree, whole: Mapping[int, float] | None) -> list[int]:
    """Choose the nodes that are leaves.

    A join is undone only together with all joins above it, and so that the sum of the
    log odds of all that are undone is as high as can be.

    Parameters
    ----------
    tree : PieceTree
        The pieces of a shape.
    whole : mapping of int to float, optional
        By node, the probability that it is one single, whole leaf.

    Returns
    -------
    list of int
        Nodes that together are the shape.
    """
    gain: dict[int, float] = {}
    weights = WEIGHTS[tree.seamed, whole is not None]
    for node, signs in signs_of_joins(tree, whole).items():
        told = zip(weights[1:], signs, strict=False)
        odds = weights.always + sum(weight * sign for weight, sign in told)
        gain[node] = odds + sum(max(0.0, gain.get(p, 0.0)) for p in tree.parts[node])
    leaves, rest = [], [tree.root]
    while rest:
        node = rest.pop()
        if gain.get(node, 0.0) > 0:
            rest.extend(tree.parts[node])
        else:
            leaves.append(node)
    return leaves


def signs_of_joins(
    tree: PieceTree, whole: Mapping[int, float] | None
) -> dict[int, tuple[float, ...]]:
    """Give the signs of each join, as `Weights` has them, lower joins first.

    Parameters
    ----------
    tree, whole
        See `best_cut`. Without `whole` the last two signs are left out.
    """
    signs = {node: _border_signs(tree, node) for node in sorted(tree.parts)}
    if whole is None:
        return signs
    hope = _hope(tree, whole)
    return {
        node: (*its, whole.get(node, 0.0), _mean(tree, node, hope))
        for node, its in signs.items()
    }


def _border_signs(tree: PieceTree, node: int) -> tuple[float, ...]:
    border, parts = tree.borders[node], tree.parts[node]
    area = min(tree.area[part] for part in parts)
    depth = min(tree.depth[part] for part in parts)
    length = math.log((border.length / _PAIRS_PER_PX + 1) / math.sqrt(area))
    edge = 0.0
    if border.inside:
        edge = math.log(max(border.edge / border.inside, _FAINTEST))
    seam = border.seam / max(border.length, 1.0)
    return border.neck / depth, length, edge, seam


def _hope(tree: PieceTree, whole: Mapping[int, float]) -> dict[int, float]:
    """How whole what is in a node looks, cut or not, whichever looks more so."""
    hope = {part: whole.get(part, 0.0) for pair in tree.parts.values() for part in pair}
    for node in sorted(tree.parts):
        hope[node] = max(whole.get(node, 0.0), _mean(tree, node, hope))
    return hope


def _mean(tree: PieceTree, node: int, hope: Mapping[int, float]) -> float:
    """Of its parts, by area."""
    total = sum(tree.area[part] * hope[part] for part in tree.parts[node])
    return total / tree.area[node]
