"""A labelled picture in memory, ready to be cropped at any scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.pairs import read_mask

_MOST_POINTS = 4000


@dataclass(frozen=True)
class Picture:
    """A picture with its mask and a stack of half-size copies.

    Attributes
    ----------
    name : str
        The stem of its file.
    images, masks : tuple of PIL images
        RGB and 8-bit masks (0 background, 1 leaf, 255 ignore), each half the size
        of the one before.
    outline : (N, 2) int32
        Some (x, y) positions on leaf edges, to aim crops at.
    """

    name: str
    images: tuple[Image.Image, ...]
    masks: tuple[Image.Image, ...]
    outline: NDArray[np.int32] = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        width, height = self.images[0].size
        return width, height


def make_picture(
    name: str, image: NDArray[np.uint8], mask: NDArray[np.uint8], levels: int = 3
) -> Picture:
    """Prepare a picture for cropping.

    Parameters
    ----------
    name : str
        Shown in messages.
    image : H x W x 3 uint8
        sRGB.
    mask : H x W uint8
        0 background, 1 leaf, 255 ignore.
    levels : int
        How many sizes to keep.
    """
    images = [Image.fromarray(np.ascontiguousarray(image))]
    masks = [Image.fromarray(np.ascontiguousarray(mask))]
    for _ in range(levels - 1):
        images.append(images[-1].reduce(2))
        masks.append(masks[-1].resize(images[-1].size, Image.Resampling.NEAREST))
    return Picture(name, tuple(images), tuple(masks), _outline_points(mask))


def read_picture(image_path: Path, mask_path: Path) -> Picture:
    """Read a picture and its mask from files of one size."""
    with Image.open(image_path) as file:
        image = np.asarray(file.convert("RGB"))
    return make_picture(image_path.stem, image, read_mask(mask_path))


def _outline_points(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    leaf = mask == LEAF
    edge = np.zeros_like(leaf)
    edge[:, 1:] |= leaf[:, 1:] != leaf[:, :-1]
    edge[1:] |= leaf[1:] != leaf[:-1]
    y, x = np.nonzero(edge)
    step = max(1, len(x) // _MOST_POINTS)
    return np.stack([x[::step], y[::step]], axis=1).astype(np.int32)
