from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_herbarium.errors import SettingsError
from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.settings import LeafMethod, LeafSettings

PAPER = LeafSettings(method=LeafMethod.PAPER)


@pytest.fixture
def two_leaves():
    """Two leaves 6 px apart on paper, and a mask that runs them together."""
    sheet = np.full((200, 300, 3), 235, np.uint8)
    sheet[50:150, 40:140] = (60, 80, 50)
    sheet[50:150, 146:246] = (60, 80, 50)
    mask = np.zeros((200, 300), np.uint8)
    mask[52:148, 42:244] = 220
    return sheet, mask


def test_the_second_otsu_pulls_close_leaves_apart(two_leaves):
    sheet, mask = two_leaves
    assert extract_leaves(mask).max() == 1
    labels = extract_leaves(mask, PAPER, image=sheet)
    assert labels.max() == 2
    # Dilated by 5 px the mask reaches past the outlines, which come from the sheet.
    np.testing.assert_array_equal(labels > 0, sheet[..., 0] == 60)


def test_the_mask_is_moved_out_by_five_pixels():
    sheet = np.full((200, 200, 3), 240, np.uint8)
    sheet[20:180, 20:180] = 40
    mask = np.zeros((200, 200), np.uint8)
    mask[50:150, 50:150] = 255
    labels = extract_leaves(mask, PAPER, image=sheet)
    rows, columns = np.nonzero(labels)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 154, 45, 154)


@pytest.mark.parametrize(("side", "kept"), [(31, False), (32, True)])
def test_components_over_1000_px_are_kept(side, kept):
    sheet = np.full((100, 100, 3), 240, np.uint8)
    mask = np.zeros((100, 100), np.uint8)
    sheet[30 : 30 + side, 30 : 30 + side] = 40
    mask[30 : 30 + side, 30 : 30 + side] = 255
    assert bool(extract_leaves(mask, PAPER, image=sheet).any()) is kept


def test_pale_spots_inside_a_leaf_are_filled(two_leaves):
    sheet, mask = two_leaves
    sheet[90:110, 80:100] = 250
    labels = extract_leaves(mask, PAPER, image=sheet)
    assert labels[100, 90] == labels[60, 60] == 1


def test_a_lazy_sheet_gives_the_same(two_leaves):
    sheet, mask = two_leaves
    lazy = da.from_array(sheet, chunks=(64, 100, 3))
    np.testing.assert_array_equal(
        extract_leaves(mask, PAPER, image=lazy),
        extract_leaves(mask, PAPER, image=sheet),
    )


def test_without_its_sheet_it_says_what_is_missing(two_leaves):
    sheet, mask = two_leaves
    with pytest.raises(SettingsError, match="give its image"):
        extract_leaves(mask, PAPER)
    with pytest.raises(SettingsError, match="image it was made from"):
        extract_leaves(mask, PAPER, image=sheet[:-1])
