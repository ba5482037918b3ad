"""What lies beside the sheet is no leaf, however like one it looks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.settings import LeafSettings, Touching

PAPER, CLOTH = 230, 45
KEEP = LeafSettings(touching=Touching.KEEP)
ON_PAPER = (slice(150, 200), slice(120, 150))
AT_EDGE = (slice(100, 140), slice(0, 12))


def photograph(*leaves, paper=slice(30, 270), around=CLOTH, times=1):
    """Draw a sheet on cloth; give it and the probability of leaf.

    The paper reaches the right edge of the picture, not the others.
    """
    sheet = np.full((300, 220, 3), around, np.uint8)
    sheet[paper, 40:] = PAPER
    probability = np.zeros(sheet.shape[:2], np.uint8)
    for place in leaves:
        sheet[place] = (60, 80, 40)
        probability[place] = 250
    return tuple(
        picture.repeat(times, axis=0).repeat(times, axis=1)
        for picture in (sheet, probability)
    )


@pytest.mark.parametrize("touching", list(Touching))
def test_cloth_at_the_edge_of_the_picture_is_no_leaf(touching):
    sheet, probability = photograph(AT_EDGE, ON_PAPER)
    settings = LeafSettings(touching=touching)
    assert extract_leaves(probability, settings).max() == 2
    labels = extract_leaves(probability, settings, image=sheet)
    assert labels.max() == 1
    assert (labels[ON_PAPER] == 1).all()
    assert not labels[AT_EDGE].any()


def test_ground_is_known_farther_from_the_edge_and_a_dark_stem_is_none():
    beside, on_paper = (slice(100, 140), slice(10, 20)), (slice(36, 60), slice(90, 110))
    sheet, probability = photograph(beside, on_paper, ON_PAPER)
    sheet[60:150, 98:102] = sheet[10:36, 98:102] = 50
    labels = extract_leaves(probability, KEEP, image=sheet)
    assert labels.max() == 2
    assert not labels[beside].any()
    assert labels[on_paper].all()


def test_cloth_is_known_on_a_sheet_without_leaves_too():
    sheet, probability = photograph(AT_EDGE)
    assert not extract_leaves(probability, KEEP, image=sheet).any()


@pytest.mark.parametrize(
    ("place", "around"),
    [
        pytest.param((slice(100, 140), slice(200, 220)), CLOTH, id="edge cuts a leaf"),
        pytest.param((slice(100, 140), slice(0, 90)), CLOTH, id="over the paper"),
        pytest.param((slice(100, 110), slice(10, 60)), CLOTH, id="small one half over"),
        pytest.param((slice(100, 120), slice(20, 32)), CLOTH, id="farther in"),
        pytest.param(AT_EDGE, 170, id="shade of the paper"),
        pytest.param((slice(60, 100), slice(50, 58)), CLOTH, id="edge of the paper"),
    ],
)
def test_what_may_be_a_leaf_is_kept(place, around):
    sheet, probability = photograph(place, ON_PAPER, around=around)
    labels = extract_leaves(probability, KEEP, image=sheet)
    assert labels.max() == 2
    assert labels[place].all()


def test_nothing_is_left_out_of_a_sheet_that_is_dark_itself():
    sheet, probability = photograph(AT_EDGE, ON_PAPER, paper=slice(0, 0))
    assert extract_leaves(probability, KEEP, image=sheet).max() == 2


def test_large_sheets_that_are_read_piece_by_piece_say_the_same():
    sheet, probability = photograph(AT_EDGE, ON_PAPER, times=9)
    lazy = da.from_array(sheet, chunks=(700, 700, 3))
    labels = extract_leaves(probability, KEEP, image=lazy)
    assert labels.max() == 1
    assert labels[200 * 9 - 1, 150 * 9 - 1] == 1


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_large_leaf_with_an_unsure_rim_stays_whatever_the_threshold(threshold):
    """Its dark rim below the threshold is not what it lies on."""
    rows, columns = np.ogrid[:700, :500]
    sheet = np.full((700, 500, 3), 220, np.uint8)
    out = np.hypot((rows - 350) / 100, (columns - 20) / 150)
    sheet[out < 1] = 80
    sheet[:, :20] = 60
    probability = (255 * np.clip(1 - (out - 0.8) / 0.4, 0, 1)).astype(np.uint8)
    probability[sheet[..., 0] > 200] = 0
    settings = LeafSettings(touching=Touching.KEEP, threshold=threshold)
    assert extract_leaves(probability, settings, image=sheet).max() == 1
