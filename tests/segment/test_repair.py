"""Making one leaf of several, and two of one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from skimage.draw import ellipse, polygon
from skimage.measure import label

from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import finish
from napari_herbarium.segment.touching.repair import iter_cut_in_two, iter_merged
from napari_herbarium.segment.touching.split_judge import Help


def leaf(*place, shape=(200, 300)):
    mask = np.zeros(shape, bool)
    mask[ellipse(*place, shape=shape)] = True
    return mask


def repaired(labels, repair):
    after = labels.copy()
    after[repair.rows, repair.columns] = repair.number
    return after


def merged(labels, *numbers):
    return repaired(labels, finish(iter_merged(labels, numbers)))


def cut(labels, number, image=None):
    return repaired(labels, finish(iter_cut_in_two(labels, number, Help(image))))


@pytest.fixture
def strapped():
    """A leaf with a slanting strap across, 12 px wide: the leaf, and its parts."""
    whole = leaf(100, 150, 40, 120)
    strap = np.zeros_like(whole)
    strap[polygon([0, 0, 199, 199], [95, 107, 133, 121], whole.shape)] = True
    return whole, np.array([0, 3, 7], np.uint8)[label(whole & ~strap)]


def test_the_gap_that_a_strap_left_is_filled_and_nothing_else(strapped):
    whole, labels = strapped
    after = merged(labels, 3, 7)
    larger = np.bincount(labels.ravel())[1:].argmax() + 1
    assert set(np.unique(after)) == {0, larger}
    made = after > 0
    assert (made & ~whole).sum() < 0.01 * whole.sum()
    assert (whole & ~made).sum() < 0.01 * whole.sum()


def test_what_else_lies_in_the_gap_stays(strapped):
    _, labels = strapped
    labels[95:105, 112:116] = 9
    other = labels == 9
    after = merged(labels, 3, 7)
    assert np.array_equal(after == 9, other)


def test_bays_of_the_outline_stay_open():
    labels = np.zeros((200, 300), np.uint8)
    labels[20:180, 20:140] = 1
    labels[20:180, 146:280] = 2
    bay = np.s_[20:60, 60:64]
    labels[bay] = 0
    after = merged(labels, 1, 2)
    assert not after[bay].any()
    assert after[100, 143]


def test_leaves_far_apart_become_one_without_a_bridge():
    labels = (leaf(50, 50, 20, 20) + 2 * leaf(50, 250, 20, 25)).astype(np.uint8)
    after = merged(labels, 1, 2)
    assert np.array_equal(after > 0, labels > 0)
    assert set(np.unique(after)) == {0, 2}


def test_three_parts_become_one(strapped):
    whole, labels = strapped
    labels[labels == 7] = np.where(np.nonzero(labels == 7)[1] < 200, 7, 8)
    after = merged(labels, 3, 7, 8)
    assert len(np.unique(after)) == 2
    assert ((after > 0) ^ whole).sum() < 0.02 * whole.sum()


def test_a_gap_takes_memory_by_its_own_size_not_by_that_of_the_leaves():
    labels = np.zeros((900, 2400), np.uint8)
    labels[100:800, 50:1190], labels[100:800, 1210:2350] = 1, 2
    tracemalloc.start()
    after = merged(labels, 1, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (after[110:790, 1190:1210] == after[400, 100]).all()
    assert peak < 30 * labels.size


@pytest.mark.parametrize("numbers", [(), (3,), (3, 3), (3, 55)])
def test_one_leaf_alone_cannot_be_merged(strapped, numbers):
    with pytest.raises(SettingsError, match="at least two"):
        merged(strapped[1], *numbers)


def test_two_leaves_that_touch_are_cut_where_they_do():
    one, other = leaf(100, 80, 40, 60), leaf(100, 190, 40, 60)
    labels = np.where(one | other, 4, 0).astype(np.uint8)
    after = cut(labels, 4)
    assert set(np.unique(after)) == {0, 4, 5}
    left, right = after[100, 60], after[100, 210]
    assert left != right
    assert ((after == left) ^ one).sum() < 0.03 * one.sum()
    assert np.array_equal(after > 0, labels > 0)


def test_the_sheet_shows_where_leaves_overlap():
    one, other = leaf(100, 110, 45, 90), leaf(100, 190, 45, 90)
    image = np.full((*one.shape, 3), 240, np.uint8)
    image[one], image[other] = (90, 110, 60), (150, 130, 60)
    labels = np.where(one | other, 1, 0).astype(np.uint8)
    after = cut(labels, 1, image)
    upper = other
    best = max(
        ((after == n) & upper).sum() / ((after == n) | upper).sum() for n in (1, 2)
    )
    assert best > 0.9


def test_a_leaf_in_two_places_is_parted_there():
    labels = (leaf(50, 50, 20, 20) | leaf(50, 250, 20, 25)).astype(np.uint8) * 9
    after = cut(labels, 9)
    assert after[50, 250] == 9
    assert after[50, 50] == 10


def test_crumbs_beside_the_leaves_stay_with_them():
    labels = (leaf(100, 80, 40, 60) | leaf(100, 190, 40, 60)).astype(np.uint8)
    labels[10, 40] = labels[190, 250] = 1
    after = cut(labels, 1)
    assert after[100, 60] != after[100, 210]
    assert after[10, 40] == after[190, 250] == 1


def test_crumbs_are_parted_from_a_leaf_that_is_one():
    labels = leaf(100, 150, 50, 50).astype(np.uint8)
    labels[10, 40] = 1
    after = cut(labels, 1)
    assert np.array_equal(np.argwhere(after == 2), [(10, 40)])


def test_a_plain_disc_has_no_place_to_cut_and_it_says_what_to_do():
    labels = leaf(100, 150, 50, 50).astype(np.uint8)
    with pytest.raises(SettingsError, match="erase a line across it"):
        cut(labels, 1)


def test_a_leaf_that_is_gone_is_told():
    with pytest.raises(SettingsError, match="no leaf 7"):
        cut(leaf(100, 150, 50, 50).astype(np.uint8), 7)


def test_where_the_type_ends_a_number_between_is_taken():
    labels = (leaf(50, 50, 20, 20) | leaf(50, 250, 20, 25)).astype(np.uint8) * 255
    after = cut(labels, 255)
    assert set(np.unique(after)) == {0, 1, 255}


def test_where_all_numbers_are_taken_it_says_so():
    labels = (leaf(50, 50, 20, 20) | leaf(50, 250, 20, 25)).astype(np.uint8) * 255
    labels[-1, :254] = np.arange(1, 255)
    with pytest.raises(SettingsError, match="Convert data type"):
        cut(labels, 255)
