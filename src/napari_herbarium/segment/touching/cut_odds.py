"""Which joins of a tree of pieces are places where two leaves meet.

Logistic regression on the joins of labelled sheets: is it two leaves that a join
joins, or two parts of one? Joins that make or destroy a single whole leaf counted in
full, others for three tenths. `training/fit_cuts.py` fits those by sight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from napari_herbarium.segment.touching.pieces import Border, PieceTree


class Signs(NamedTuple):
    """What speaks for and against it that leaves meet at a join.

    Attributes
    ----------
    always : float
        1.
    neck : float
        Width at the border over that of the less wide piece.
    border : float
        Logarithm of the length of the border over the square root of the smaller
        piece's area.
    seen : float
        What the seam network says of the usual pair of points: log odds.
    together : float
        Probability that the two together are one whole leaf.
    apart : float
        The same of the pieces, see `_hope`.
    """

    always: float
    neck: float
    border: float
    seen: float = 0.0
    together: float = 0.0
    apart: float = 0.0


BY_SHAPE = Signs(0.5, -1.92, -1.51)
"""Log odds that leaves meet, per unit of each sign; without sheet and judge."""
BY_SHAPE_AND_WHOLE = Signs(0.19, -1.34, -1.11, 0.0, -3.04, 2.16)
BY_SIGHT = Signs(0.16, -0.25, -0.77, 1.06)
BY_SIGHT_AND_WHOLE = Signs(-0.52, -0.24, -0.69, 0.93, -0.8, 1.77)
_PAIRS_PER_PX = 3.0


def best_cut(
    tree: PieceTree, whole: Mapping[int, float] | None, *, seen: bool
) -> list[int]:
    """Choose the nodes that are leaves.

    A join is undone only together with all joins above it, and so that the sum of the
    log odds of all that are undone is as high as can be.

    Parameters
    ----------
    tree : PieceTree
        The pieces of a patch.
    whole : mapping of int to float, optional
        By node, the probability that it is one single, whole leaf.
    seen : bool
        Whether the tree comes from what the seam network saw.

    Returns
    -------
    list of int
        Nodes that together are the patch.
    """
    odds = odds_of_joins(tree, whole, seen=seen)
    gain: dict[int, float] = {}
    for node in sorted(tree.parts):
        below = (max(0.0, gain.get(part, 0.0)) for part in tree.parts[node])
        gain[node] = odds[node] + sum(below)
    leaves, rest = [], [tree.root]
    while rest:
        node = rest.pop()
        if gain.get(node, 0.0) > 0:
            rest.extend(tree.parts[node])
        else:
            leaves.append(node)
    return leaves


def odds_of_joins(
    tree: PieceTree, whole: Mapping[int, float] | None, *, seen: bool
) -> dict[int, float]:
    """Give the log odds that leaves meet at each join; see `best_cut`."""
    weights = _weights(seen=seen, judged=whole is not None)
    return {
        node: sum(w * s for w, s in zip(weights, signs, strict=True))
        for node, signs in signs_of_joins(tree, whole).items()
    }


def _weights(*, seen: bool, judged: bool) -> Signs:
    if seen:
        return BY_SIGHT_AND_WHOLE if judged else BY_SIGHT
    return BY_SHAPE_AND_WHOLE if judged else BY_SHAPE


def signs_of_joins(
    tree: PieceTree, whole: Mapping[int, float] | None
) -> dict[int, Signs]:
    """Give the signs of each join whose parts are large enough to be leaves."""
    shape = {
        node: border_signs(
            tree.borders[node],
            min(tree.area[part] for part in parts),
            min(tree.depth[part] for part in parts),
        )
        for node, parts in tree.parts.items()
    }
    if whole is None:
        return shape
    hope = _hope(tree, whole)
    return {
        node: signs._replace(
            together=whole.get(node, 0.0), apart=_mean(tree, node, hope)
        )
        for node, signs in shape.items()
    }


def border_signs(border: Border, area: float, depth: float) -> Signs:
    """Give what is known of a border.

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
    return Signs(1.0, border.neck / depth, length, border.mean_apart())


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
