"""Sheets are dealt out by seed, and alike in how much leaf they have."""

from __future__ import annotations

import numpy as np

from napari_herbarium.train.pairs.split import split_by_sheet, split_by_window

SHARES = {f"s{i:03d}": i * 37 % 500 / 500 for i in range(500)}


def test_the_paper_split_is_80_10_10_and_no_sheet_is_twice():
    split = split_by_sheet(SHARES, (0.8, 0.1, 0.1), seed=1)
    assert [len(part) for part in (split.train, split.val, split.test)] == [400, 50, 50]
    assert set(split.train) | set(split.val) | set(split.test) == set(SHARES)


def test_every_part_has_sparse_and_dense_sheets():
    split = split_by_sheet(SHARES, (0.8, 0.1, 0.1), seed=1)
    for part in (split.val, split.test):
        shares = np.sort([SHARES[name] for name in part])
        assert shares[5] < 0.25
        assert shares[-6] > 0.75
        assert abs(shares.mean() - 0.5) < 0.08


def test_the_seed_decides():
    first = split_by_sheet(SHARES, (0.8, 0.1, 0.1), seed=1)
    assert first == split_by_sheet(SHARES, (0.8, 0.1, 0.1), seed=1)
    assert first.val != split_by_sheet(SHARES, (0.8, 0.1, 0.1), seed=2).val


def test_few_sheets_still_train_and_choose():
    for count in range(1, 8):
        some = dict(list(SHARES.items())[:count])
        split = split_by_sheet(some, (0.8, 0.1, 0.1), seed=0)
        assert split.train
        assert split.val
        assert bool(split.test) is (count >= 5)


def test_windows_have_their_share_of_sheet_and_leaf():
    mask = np.zeros((400, 300), np.uint8)
    mask[::2, ::3] = 1
    split = split_by_window({"a": mask, "b": mask}, 0.2, seed=0)
    assert split.train == split.val == ("a", "b")
    top, left, bottom, right = split.windows["a"]
    assert 0 <= top < bottom <= 400
    assert 0 <= left < right <= 300
    assert abs((bottom - top) * (right - left) / mask.size - 0.2) < 0.02
    inside = np.count_nonzero(mask[top:bottom, left:right])
    assert abs(inside / np.count_nonzero(mask) - 0.2) < 0.03


def test_a_small_leaf_in_a_corner_is_both_trained_on_and_held_out():
    mask = np.zeros((600, 420), np.uint8)
    mask[540:585, 370:405] = 1
    for seed in range(30):
        split = split_by_window({"a": mask}, 0.2, seed)
        top, left, bottom, right = split.windows["a"]
        inside = np.count_nonzero(mask[top:bottom, left:right])
        assert 0.05 <= inside / np.count_nonzero(mask) < 1, seed
