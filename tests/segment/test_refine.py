from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from napari_herbarium.segment.band import edge_band
from napari_herbarium.segment.levels import CoarseMap, LevelRows, working_level
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.refine import CloseLook, greedy_starts


def test_the_band_lies_along_the_outline_only():
    logits = torch.full((60, 60), -8.0)
    logits[20:40, 20:40] = 8
    look, share = edge_band(logits, 0)
    assert look[20, 30]
    assert look[18, 30]
    assert not look[14, 30]
    assert not look[30, 30]
    assert share[20, 30] == 1
    assert share[10, 10] == 0
    assert ((share.numpy() > 0) >= look).all()


def test_the_share_fades_evenly_and_ends_at_the_border_of_the_sheet():
    logits = torch.full((30, 50), -8.0)
    logits[:, 25:] = 8
    _, share = edge_band(logits, 0)
    # One px on each side, reach 2, then 4 more over which a mean of 5 px falls.
    expected = [0, 0.2, 0.4, 0.6, 0.8, 1, 1]
    assert share[0, 15:22].tolist() == pytest.approx(expected, abs=1e-3)
    assert share[15, 15:22].tolist() == pytest.approx(expected, abs=1e-3)


def test_what_is_unsure_away_from_an_outline_is_left_to_the_coarse_look():
    logits = torch.full((40, 40), -8.0)
    logits[10:20, 10:20] = -0.5
    look, share = edge_band(logits, 0)
    assert not look.any()
    assert not share.any()


def test_the_band_follows_the_threshold():
    logits = torch.linspace(-8, 8, 64)[None].expand(64, 64).contiguous()
    look, _ = edge_band(logits, 4.0)
    assert look[30, 48]
    assert not look[30, 32]


@pytest.mark.parametrize("length", [400, 512, 3000, 7016])
def test_greedy_tiles_cover_what_is_wanted(length):
    rng = np.random.default_rng(length)
    begins = np.sort(rng.integers(0, length, 6))
    wanted = np.stack([begins, np.minimum(begins + rng.integers(1, 900, 6), length)], 1)
    starts = greedy_starts(wanted, length, 512, 128)
    core = np.zeros(length, bool)
    for start in starts:
        assert start >= 0
        assert start + 512 <= max(length, 512)
        begin = 0 if start == 0 else start + 64
        end = length if start + 512 >= length else start + 448
        core[begin:end] = True
    for begin, end in wanted:
        assert core[begin:end].all()


def test_nothing_wanted_needs_no_tile():
    assert greedy_starts(np.zeros((0, 2), int), 5000, 512, 128) == []


def test_one_leaf_needs_tiles_only_around_it(darkness):
    from napari_herbarium.segment.forward import Forward

    sheet = np.full((3000, 2400, 3), 240, np.uint8)
    sheet[1300:1500, 700:800] = 20
    level = working_level(3000, 2400, 300)
    logits = torch.full((300, 240), -8.0)
    logits[130:150, 70:80] = 8
    rows = LevelRows(SheetRows(sheet), 1)
    forward = Forward(darkness(), torch.device("cpu"), 4)
    look = CloseLook(forward, CoarseMap(logits, level), rows, 512, 0.0)
    assert look.count <= 2
    emitted: list[tuple[int, int]] = []
    done = sum(look.run(lambda top, bottom, _: emitted.append((top, bottom))))
    assert done == look.count
    assert emitted[0][0] == 0
    assert emitted[-1][1] == 3000
    assert all(a[1] == b[0] for a, b in pairwise(emitted))
