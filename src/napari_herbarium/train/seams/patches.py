"""Patches of leaf of labelled sheets, and single leaves to paste beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.truth import LeafTruth
from napari_herbarium.segment.mask import components, numbered_boxes
from napari_herbarium.segment.touching.patch_view import zoom_of
from napari_herbarium.segment.working_size import as_bytes
from napari_herbarium.train.crops.composite import Cutout

_KEEP = 2.0  # px kept for each px of the view, so that it may be looked at larger
_AROUND = 40  # px of the view kept around a patch
_SMALLEST_PX = 30


@dataclass(frozen=True)
class LabelledPatch:
    """A connected patch of leaf.

    Attributes
    ----------
    image : PIL RGB image
        The patch and what lies around it.
    inside : PIL image
        255 on the patch.
    leaves : PIL 32-bit integer image
        Numbers of the true leaves; 0 is unknown or no leaf.
    zoom : float
        Px of the usual view per px of these pictures.
    count : int
        True leaves in it.
    """

    image: Image.Image
    inside: Image.Image
    leaves: Image.Image
    zoom: float
    count: int


def labelled_patches(
    image: NDArray[np.uint8], leaf: NDArray[np.bool_], truth: LeafTruth
) -> Iterator[LabelledPatch]:
    """Cut the patches out of a sheet.

    Parameters
    ----------
    image : H x W x 3 uint8
    leaf : H x W bool
        What is taken for leaf.
    truth : LeafTruth
        Leaves, each with its number.
    """
    known = np.where(truth.mask == IGNORED, 0, truth.labels).astype(np.int32)
    labels = components(leaf)
    for label, box in numbered_boxes(labels):
        inside = labels[box] == label
        if inside.sum() < _SMALLEST_PX:
            continue
        zoom = zoom_of(inside)
        outer = tuple(
            slice(max(0, s.start - int(_AROUND / zoom)), s.stop + int(_AROUND / zoom))
            for s in box
        )
        leaves = np.where(labels[outer] == label, known[outer], 0)
        sizes = np.bincount(leaves.ravel())[1:]
        count = int((sizes > 0.02 * sizes.sum()).sum()) if sizes.size else 0
        if count:
            patch = (image[outer], labels[outer] == label, leaves)
            yield _kept(patch, zoom, count)


def _kept(
    patch: tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int32]],
    zoom: float,
    count: int,
) -> LabelledPatch:
    image, inside, leaves = patch
    shrink = min(1.0, _KEEP * zoom)
    size = [max(1, round(side * shrink)) for side in image.shape[1::-1]]
    cover = Image.fromarray(as_bytes(inside))
    return LabelledPatch(
        Image.fromarray(image).resize(size, Image.Resampling.BOX),
        cover.resize(size, Image.Resampling.BOX),
        Image.fromarray(leaves).resize(size, Image.Resampling.NEAREST),
        zoom / shrink,
        count,
    )


def whole_cutouts(
    image: NDArray[np.uint8],
    truth: LeafTruth,
    smallest_px: int = 400,
    longest: int = 300,
) -> list[Cutout]:
    """Cut out the single whole leaves of a sheet.

    Parameters
    ----------
    image : H x W x 3 uint8
    truth : LeafTruth
    smallest_px : int
        Leaves of a smaller area are left out.
    longest : int
        Longer ones are shrunk to so many px.
    """
    found = []
    for number, box in numbered_boxes(truth.labels):
        if number not in truth.whole:
            continue
        inside = (truth.labels[box] == number).astype(np.uint8)
        if inside.sum() >= smallest_px:
            scale = min(1.0, longest / max(inside.shape))
            size = [max(1, round(side * scale)) for side in inside.shape[::-1]]
            picture = Image.fromarray(np.ascontiguousarray(image[box]))
            shape = Image.fromarray(inside).resize(size, Image.Resampling.NEAREST)
            picture = picture.resize(size, Image.Resampling.BOX)
            found.append(Cutout(np.asarray(picture), np.asarray(shape)))
    return found
