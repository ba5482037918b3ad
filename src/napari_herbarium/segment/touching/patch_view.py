"""One connected patch of leaf, at a size at which its leaves are about equally wide.

A leaf of 5 px and one of 2000 px then look alike, and whether a line is a vein or the
edge of another leaf can be told from how it lies in the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from napari_herbarium.segment.levels import reduced
from napari_herbarium.segment.mask import numbered_boxes
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.touching.split import Box
from napari_herbarium.segment.working_size import HALF, as_bytes, shrunk, step_to

HALF_WIDTH = 20.0
"""Half the width of a patch's widest place in its view, px."""
LARGEST_ZOOM = 4.0
LONGEST_SIDE = 768
MARGIN = 8
"""What is seen of the sheet around a patch, px of the view."""
_LOOK = 512
_SMOOTH = 1.0
_NEAR = 4  # at four times its size a px is still seen as one or more


@dataclass(frozen=True)
class PatchView:
    """A patch in its view.

    Attributes
    ----------
    image : h x w x 3 uint8 or None
        None where there is no picture of the sheet.
    mask : h x w bool
        The patch.
    zoom : float
        Px of the view per px of the sheet.
    shape : (int, int)
        Of the patch's box in the sheet, px.
    """

    image: NDArray[np.uint8] | None
    mask: NDArray[np.bool_]
    zoom: float
    shape: tuple[int, int]

    def brought_back(self, pieces: NDArray[np.integer]) -> NDArray[np.integer]:
        """Bring pieces to the size of the sheet, their borders smooth.

        Parameters
        ----------
        pieces : h x w
            1 to n in the view, 0 outside; nothing lies in the margin.

        Returns
        -------
        H x W, the smallest unsigned integers
            In the patch's box; 0 where no piece is near.
        """
        kind = np.min_scalar_type(int(pieces.max(initial=0)))
        back = np.zeros(self.shape, kind)
        most = np.zeros(self.shape, np.uint8)
        for piece, box in numbered_boxes(pieces):
            near = tuple(slice(part.start - _NEAR, part.stop + _NEAR) for part in box)
            share = as_bytes(pieces[near] == piece)
            # Enlarged alone, the steps of the view would be seen.
            share = ndimage.gaussian_filter(share, _SMOOTH)
            place, seen = self._interpolated(share, near)
            more = seen > most[place]
            most[place][more] = seen[more]
            back[place][more] = piece
        return back

    def _interpolated(
        self, share: NDArray[np.uint8], near: tuple[slice, ...]
    ) -> tuple[tuple[slice, ...], NDArray[np.uint8]]:
        """Place in the patch's box, and values there, of a part of the view."""
        place, edges = [], []
        for part, count, side in zip(near, self.mask.shape, self.shape, strict=True):
            scale = (count - 2 * MARGIN) / side
            first = max(0, math.ceil((part.start - MARGIN) / scale))
            last = min(side, math.floor((part.stop - MARGIN) / scale))
            place.append(slice(first, last))
            offset = MARGIN - part.start
            # Rounding may put an edge a hair outside, which Pillow refuses.
            low, high = offset + first * scale, offset + last * scale
            edges.append((max(0.0, low), min(float(part.stop - part.start), high)))
        (top, bottom), (left, right) = edges
        size = (place[1].stop - place[1].start, place[0].stop - place[0].start)
        picture = Image.fromarray(share).resize(
            size, Image.Resampling.BILINEAR, box=(left, top, right, bottom)
        )
        return tuple(place), np.asarray(picture)


def zoom_of(mask: NDArray[np.bool_], closer: float = 1.0) -> float:
    """View px per sheet px for a patch, h x w in its bounding box.

    Parameters
    ----------
    mask : h x w bool
    closer : float
        So many times as large as usual.
    """
    step = step_to(mask.shape, _LOOK)
    small = np.pad(shrunk(mask, step), 1)
    half_width = float(ndimage.distance_transform_edt(small).max()) * step
    zoom = min(LARGEST_ZOOM, closer * HALF_WIDTH / max(half_width, 0.5))
    return min(zoom, closer * LONGEST_SIDE / max(mask.shape))


def patch_view(
    sheet: SheetRows | None, box: Box, mask: NDArray[np.bool_], closer: float = 1.0
) -> PatchView:
    """Look at a patch.

    Parameters
    ----------
    sheet : SheetRows or None
    box : (slice, slice)
        Bounding box of the patch in the sheet.
    mask : h x w bool
        The patch in its box.
    closer : float
        So many times as large as usual.
    """
    zoom = zoom_of(mask, closer)
    height, width = (max(1, round(side * zoom)) for side in mask.shape)
    image = None
    if sheet is not None:
        seen = _with_margin(sheet, box, round(MARGIN / zoom))
        image = _resized(seen, height + 2 * MARGIN, width + 2 * MARGIN)
    inner = _resized(as_bytes(mask), height, width) >= HALF
    return PatchView(image, np.pad(inner, MARGIN), zoom, mask.shape)


def _with_margin(sheet: SheetRows, box: Box, margin: int) -> NDArray[np.uint8]:
    """Read a box and what lies around it; beyond the sheet its edge goes on."""
    inside, missing = [], []
    for part, side in zip(box, (sheet.height, sheet.width), strict=True):
        low, high = part.start - margin, part.stop + margin
        inside.append(slice(max(0, low), min(side, high)))
        missing.append((max(0, -low), max(0, high - side)))
    seen = sheet.read(inside[0].start, inside[0].stop, inside[1])
    # Of a whole sheet a copy is the largest thing in memory.
    if not any(map(any, missing)):
        return seen
    return np.pad(seen, (*missing, (0, 0)), mode="edge")


def _resized(values: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize h x w (x 3): down by averaging, up by interpolating."""
    step = max(1, min(values.shape[0] // (2 * height), values.shape[1] // (2 * width)))
    if step > 1:  # far down in whole steps first, which is fast
        values = reduced(values, step)
    picture = Image.fromarray(values)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
