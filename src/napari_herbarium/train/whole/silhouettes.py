"""Outlines of single whole leaves, from which all training squares are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt, label

from napari_herbarium.segment.working_size import as_bytes
from napari_herbarium.train.whole.canvas import largest

LONG_SIDE = 160
_OPENING = 0.014
_LONGEST_CUT = 0.4


@dataclass(frozen=True)
class Silhouette:
    """One whole leaf.

    Attributes
    ----------
    name, species : str
        ``species`` starts with the name of its collection.
    leaf : H x W uint8
        0 or 255, with its petiole where it has one; the longer side 160 px.
    lamina : H x W uint8
        The same without thin parts such as a petiole.
    """

    name: str
    species: str
    leaf: NDArray[np.uint8]
    lamina: NDArray[np.uint8]


def read_silhouettes(folder: Path) -> list[Silhouette]:
    """Read the outlines in `silhouettes` and `leaves` of the training data.

    Pictures that show no complete single outline (a long straight cut along the
    picture's edge, pieces, a line) are left out.
    """
    paths = sorted((folder / "silhouettes").glob("*/*.png"))
    paths += sorted((folder / "leaves" / "masks").glob("*.png"))
    found = (_read(path) for path in paths)
    return [silhouette for silhouette in found if silhouette is not None]


def species_of(path: Path) -> str:
    """Species of an outline by its file name, such as ``passiflora-Pact``."""
    stem = path.stem
    kind = path.parent.name
    if kind == "kew":
        return f"kew-{stem.split('__')[0]}"
    if kind == "masks":
        return stem.rsplit("_", 1)[0]
    code = re.match(r"[A-Za-z]+", stem.split("__")[1])
    return f"{kind}-{code.group() if code else 'unknown'}"


def make_silhouette(name: str, species: str, mask: NDArray) -> Silhouette | None:
    """Clean a mask; None where it is no complete outline of one leaf."""
    only = _largest(mask)
    if only is None or _cut(only):
        return None
    picture = Image.fromarray(as_bytes(only))
    scale = LONG_SIDE / max(picture.size)
    size = [max(1, round(side * scale)) for side in picture.size]
    leaf = np.asarray(picture.resize(size, Image.Resampling.BILINEAR)) >= 128
    return Silhouette(name, species, as_bytes(leaf), as_bytes(_lamina(leaf)))


def _read(path: Path) -> Silhouette | None:
    mask = np.asarray(Image.open(path).convert("L")) >= 128
    return make_silhouette(path.stem, species_of(path), mask)


def _largest(mask: NDArray) -> NDArray[np.bool_] | None:
    """Crop the largest piece; None where it is not nearly everything."""
    pieces, _ = label(mask)
    sizes = np.bincount(pieces.ravel())[1:]
    if len(sizes) == 0 or sizes.max() < 0.95 * sizes.sum():
        return None
    only = pieces == sizes.argmax() + 1
    rows, columns = (np.flatnonzero(only.any(axis)) for axis in (1, 0))
    return only[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _cut(mask: NDArray[np.bool_]) -> bool:
    """Whether the outline runs along the picture's edge, or the shape is a line."""
    edges = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    long = max(mask.shape)
    return min(mask.shape) < long / 20 or max(e.sum() for e in edges) > (
        _LONGEST_CUT * long
    )


def _lamina(leaf: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take away the largest thin part, which is the petiole where there is one."""
    reach = _OPENING * LONG_SIDE
    padded = np.pad(leaf, 1)
    core = distance_transform_edt(padded) > reach
    opened = (distance_transform_edt(~core) <= reach)[1:-1, 1:-1]
    thin = leaf & ~opened
    left = largest(leaf & ~largest(thin))
    return left if left.sum() > 0.9 * leaf.sum() else leaf
