"""Which joins of a tree of pieces are places where two leaves meet.

Logistic regression on the joins of labelled sheets: is it two leaves that a join
joins, or two parts of one? Joins that make or destroy a single whole leaf counted in
full, others for three tenths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from napari_herbarium.segment.pieces import Border, PieceTree


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
    together : float
        Probability that the two together are one whole leaf.
    apart : float
        The same of the pieces, see `_hope`.
    """

    always: float
    neck: float
    border: float
    edge: float
    together: float = 0.0
    apart: float = 0.0


SHAPE = Weights(-0.79, -1.92, -1.51, 1.17)
"""Without anyone who can tell whole leaves."""
SHAPE_AND_WHOLE = Weights(-0.84, -1.34, -1.11, 0.94, -3.04, 2.16)
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
    hope = None if whole is None else _hope(tree, whole)
    for node in sorted(tree.parts):
        odds = _log_odds(tree, node, whole, hope)
        gain[node] = odds + sum(max(0.0, gain.get(p, 0.0)) for p in tree.parts[node])
    leaves, rest = [], [tree.root]
    while rest:
        node = rest.pop()
        if gain.get(node, 0.0) > 0:
            rest.extend(tree.parts[node])
        else:
            leaves.append(node)
    return leaves


def border_signs(border: Border, area: float, depth: float) -> tuple[float, ...]:
    """Give neck, border and edge as `Weights` has them.

    Parameters
    ----------
    border : Border
        Between two pieces.
    area : float
        Of the smaller one, px.
    depth : float
        Half the greatest width of the less wide one, px.
    """
    length = math.log((border.length / _PAIRS_PER_PX + 1) / math.sqrt(area))
    edge = 0.0
    if border.inside:
        edge = math.log(max(border.edge / border.inside, _FAINTEST))
    return border.neck / depth, length, edge


def _log_odds(
    tree: PieceTree,
    node: int,
    whole: Mapping[int, float] | None,
    hope: Mapping[int, float] | None,
) -> float:
    parts = tree.parts[node]
    signs = border_signs(
        tree.borders[node],
        min(tree.area[part] for part in parts),
        min(tree.depth[part] for part in parts),
    )
    if whole is None or hope is None:
        return _weighted(SHAPE, signs)
    apart = _mean(tree, node, hope)
    return _weighted(SHAPE_AND_WHOLE, (*signs, whole.get(node, 0.0), apart))


def _weighted(weights: Weights, signs: tuple[float, ...]) -> float:
    return weights.always + sum(w * s for w, s in zip(weights[1:], signs, strict=False))


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
