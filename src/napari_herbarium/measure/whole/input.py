"""What the whole-leaf classifier looks at: the silhouette of a label in a square."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.measure.whole.outline import outline_sequence

MARGIN = 0.08
_LARGEST = 768
_AT_EDGE = 0.03  # of the longer side

Box = tuple[slice, slice]


def label_square(
    labels: NDArray[Any], box: Box, label: int, size: int
) -> NDArray[np.uint8]:
    """Draw a label, and what may hide a part of it, into a square.

    The label's longer side fills the square but for a margin of 8 % on either side.

    Parameters
    ----------
    labels : H x W integer
        0 is paper.
    box : pair of slices
        Bounding box of the label, as `scipy.ndimage.find_objects` gives it.
    label : int
        Which label.
    size : int
        Side of the square in px.

    Returns
    -------
    2 x size x size uint8
        Share of each pixel, 0..255, that is this label; and that is another label or,
        where this one reaches the picture's edge, lies beyond it.
    """
    own, others = _square_masks(labels, box, label)
    return np.stack([_resized(own, size), _resized(others, size)])


def square_around(box: Box) -> tuple[tuple[int, int], int]:
    """Give the first row and column, and the side in px, of what is looked at.

    It may reach beyond the picture.
    """
    tall, wide = (part.stop - part.start for part in box)
    side = int(np.ceil(max(tall, wide) * (1 + 2 * MARGIN)))
    top, left = box[0].start - (side - tall) // 2, box[1].start - (side - wide) // 2
    return (top, left), side


def network_input(square: NDArray[np.uint8], architecture: str) -> NDArray[np.float32]:
    """Turn a square into what a network eats.

    Parameters
    ----------
    square : 2 x S x S uint8
        From `label_square`.
    architecture : str
        See `napari_herbarium.model.whole_network.WholeConfig`.

    Returns
    -------
    float32
        25 x 1 x 256 along the outline, 2 x S x S on 0..1, or, for a pair, both one
        after the other as 1 x 1 x N.
    """
    if architecture == "outline":
        return outline_sequence(square)[:, None]
    seen = (square / 255).astype(np.float32)
    if architecture == "pair":
        ring = outline_sequence(square)
        return np.concatenate([ring.ravel(), seen.ravel()])[None, None]
    return seen


def _square_masks(
    labels: NDArray[Any], box: Box, label: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut the square around a box, thinned to some 1000 px where it is larger."""
    corner, side = square_around(box)
    step = max(1, side // _LARGEST)
    spans = [
        _span(first, side, whole, step)
        for first, whole in zip(corner, labels.shape, strict=True)
    ]
    seen = labels[tuple(source for source, _ in spans)]
    count = -(-side // step)
    own = np.zeros((count, count), bool)
    others = np.full((count, count), _reaches_edge(box, labels.shape))
    at = tuple(target for _, target in spans)
    own[at] = seen == label
    others[at] = (seen != label) & (seen != 0)
    return own, others


def _reaches_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a label ends where the picture does, so that more may lie beyond."""
    near = max(1, _AT_EDGE * max(part.stop - part.start for part in box))
    return any(
        part.start <= near or part.stop >= side - near
        for part, side in zip(box, shape, strict=True)
    )


def _span(first: int, side: int, whole: int, step: int) -> tuple[slice, slice]:
    """Where, along one axis, the square and the picture meet: in the picture, in it."""
    before = -(min(first, 0) // step)
    source = slice(first + before * step, min(first + side, whole), step)
    return source, slice(before, before + len(range(*source.indices(whole))))


def _resized(mask: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    """Resize a square mask; averages over the pixels when it gets smaller."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
