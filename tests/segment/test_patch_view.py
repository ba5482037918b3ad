"""A patch of leaf at a size at which its leaves are about equally wide."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.touching.patch_view import (
    HALF_WIDTH,
    LONGEST_SIDE,
    MARGIN,
    patch_view,
    zoom_of,
)


def disc(radius):
    down, across = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(down, across) <= radius


def looked_at(mask, at=(30, 40), room=60):
    height, width = mask.shape
    image = np.full((height + at[0] + room, width + at[1] + room, 3), 240, np.uint8)
    box = (slice(at[0], at[0] + height), slice(at[1], at[1] + width))
    image[box][mask] = (90, 100, 50)
    return patch_view(SheetRows(image), box, mask)


@pytest.mark.parametrize("radius", [6, 20, 150, 700])
def test_leaves_of_all_sizes_are_seen_equally_wide(radius):
    view = looked_at(disc(radius))
    assert distance_transform_edt(view.mask).max() == pytest.approx(HALF_WIDTH, rel=0.1)


@pytest.mark.parametrize("radius", [6, 20, 333])
def test_picture_and_mask_lie_upon_each_other(radius):
    view = looked_at(disc(radius))
    dark = view.image[..., 0] < 165
    assert view.image.shape[:2] == view.mask.shape
    assert (dark == view.mask).mean() > 0.96


@pytest.mark.parametrize("radius", [6, 20, 333])
def test_what_is_seen_is_brought_back_to_its_place(radius):
    mask = disc(radius)
    view = looked_at(mask)
    back = view.brought_back(view.mask.astype(int)) > 0
    assert (back[mask]).mean() > 0.99


@pytest.mark.parametrize("radius", [6, 333])
def test_the_border_of_two_pieces_is_brought_back_without_steps(radius):
    mask = disc(radius)
    view = looked_at(mask)
    rows, columns = np.indices(view.mask.shape)
    upper = rows < 0.4 * columns + 0.3 * len(rows)
    back = view.brought_back(np.where(view.mask, 1 + upper, 0))
    rows, columns = np.indices(mask.shape)
    line = (rows + 0.5) * view.zoom + MARGIN - 0.5
    line = line - 0.4 * ((columns + 0.5) * view.zoom + MARGIN - 0.5)
    truly = 1 + (line < 0.3 * len(view.mask))
    assert (back == truly)[mask].mean() > 0.99 - 0.2 / radius


def test_a_speck_is_enlarged_four_times_at_most():
    assert zoom_of(np.ones((2, 3), bool)) == 4


def test_a_heap_over_all_of_a_sheet_is_seen_whole():
    heap = np.ones((300, 6000), bool)
    heap[140:] = False
    heap[:, ::50] = True
    assert max(looked_at(heap).mask.shape) <= LONGEST_SIDE + 2 * MARGIN


def test_a_leaf_at_the_edge_of_the_sheet_has_a_margin_too():
    view = looked_at(np.ones((40, 40), bool), at=(0, 0), room=0)
    assert np.all(view.image == (90, 100, 50))
    assert not view.mask[: MARGIN - 1].any()


def test_pieces_of_any_place_and_size_are_brought_back():
    rng = np.random.default_rng(1)
    for _ in range(150):
        height, width = (int(side) for side in rng.integers(1, 400, 2))
        mask = np.ones((height, width), bool)
        mask[rng.random(mask.shape) < 0.1] = False
        mask[0] = mask[:, 0] = True
        view = patch_view(None, (slice(3, 3 + height), slice(7, 7 + width)), mask)
        rows, columns = np.nonzero(view.mask)
        pieces = np.zeros(view.mask.shape, int)
        pieces[rows, columns] = 1 + (columns + rows) // 9
        single = int(rng.integers(len(rows)))
        pieces[rows[single], columns[single]] = pieces.max() + 1
        back = view.brought_back(pieces)
        assert back.shape == mask.shape
        assert (back > 0).mean() > 0.9
