from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_herbarium.errors import SettingsError
from napari_herbarium.segment.leaves import extract_leaves, iter_extract_leaves
from napari_herbarium.segment.mask import boxes_of
from napari_herbarium.settings import LeafMethod, LeafSettings


def canvas(shape=(300, 400)):
    return np.zeros(shape, np.uint8)


def add(picture, row, column, radius, value=230):
    picture[disk((row, column), radius, shape=picture.shape)] = value
    return picture


def number_at(labels, *places):
    return [int(labels[place]) for place in places]


def test_leaves_are_numbered_row_by_row():
    picture = canvas()
    # Two rows; within a row the leaves are not quite level.
    upper = [(66, 300), (60, 60), (72, 180)]
    lower = [(140, 220), (152, 100)]
    for row, column in upper + lower:
        add(picture, row, column, 30)
    labels = extract_leaves(picture)
    assert labels.dtype == np.uint8
    assert number_at(labels, (60, 60), (72, 180), (66, 300)) == [1, 2, 3]
    assert number_at(labels, (152, 100), (140, 220)) == [4, 5]


def test_a_slanting_row_does_not_swallow_the_next():
    picture = canvas((600, 600))
    for i in range(5):
        add(picture, 60 + 110 * i, 60 + 110 * i, 40)
    labels = extract_leaves(picture)
    assert number_at(labels, *[(60 + 110 * i,) * 2 for i in range(5)]) == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_many_leaves_take_the_smallest_type_that_holds_them():
    picture = canvas((400, 400))
    picture[::10, ::10] = 255
    labels = extract_leaves(picture, LeafSettings(min_area_px=0))
    assert labels.max() == 1600
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(np.unique(labels), np.arange(1601))


def test_threshold_is_inclusive_and_the_models_own_by_default():
    picture = canvas((20, 20))
    picture[5:15, 5:15] = 204  # 0.8
    assert extract_leaves(picture, LeafSettings(threshold=0.8)).any()
    assert not extract_leaves(picture, LeafSettings(threshold=0.801)).any()
    assert not extract_leaves(picture, model_threshold=0.9).any()


def test_float_probability_gives_the_same():
    picture = add(add(canvas(), 80, 80, 30), 200, 300, 40, 140)
    np.testing.assert_array_equal(
        extract_leaves(picture / 255.0), extract_leaves(picture)
    )


def test_a_probability_that_is_not_known_is_no_leaf():
    picture = add(canvas(), 80, 80, 30) / 255.0
    picture[200:250, 200:250] = np.nan
    np.testing.assert_array_equal(extract_leaves(picture) > 0, picture > 0.5)


def test_minimum_area_is_in_square_millimetres_on_a_calibrated_sheet():
    picture = canvas()
    picture[20:40, 20:40] = 255  # 400 px: 4 mm2 at 0.1 mm per px
    settings = LeafSettings(min_area_mm2=4, min_area_px=1000)
    assert extract_leaves(picture, settings, mm_per_px=0.1).any()
    assert not extract_leaves(picture, settings, mm_per_px=0.09).any()
    assert not extract_leaves(picture, settings).any()


def test_minimum_area_without_a_scale_goes_by_the_size_of_the_picture():
    picture = canvas((840, 600))  # 0.5 mm per px if the sheet is 420 mm long
    picture[20:24, 20:23] = 255  # 12 px: 3 mm2
    picture[60:64, 60:64] = 255  # 16 px: 4 mm2
    assert extract_leaves(picture).max() == 1
    assert extract_leaves(picture, LeafSettings(min_area_px=12)).max() == 2


def test_holes_are_kept_or_filled():
    picture = add(add(canvas(), 150, 200, 80), 150, 200, 20, 0)
    assert extract_leaves(picture)[150, 200] == 0
    assert extract_leaves(picture, LeafSettings(fill_holes=True))[150, 200] == 1


def test_filling_holes_leaves_bays_at_the_border_open():
    picture = canvas((60, 60))
    picture[10:50, 10:50] = 255
    picture[0:40, 28:32] = 0
    filled = extract_leaves(picture, LeafSettings(fill_holes=True, min_area_px=1))
    np.testing.assert_array_equal(filled > 0, picture > 0)


def test_pixels_that_touch_by_a_corner_are_of_one_leaf():
    picture = canvas((60, 60))
    picture[10:30, 10:30] = picture[30:50, 30:50] = 255
    settings = LeafSettings(touching="keep", min_area_px=1)
    assert extract_leaves(picture, settings).max() == 1


def test_a_hole_that_is_open_at_a_corner_alone_is_filled():
    picture = canvas((60, 60))
    picture[10:50, 10:50] = 255
    picture[20:40, 20:40] = 0
    picture[range(10, 20), range(10, 20)] = 0
    labels = extract_leaves(picture, LeafSettings(fill_holes=True, min_area_px=1))
    assert labels[30, 30] == 1


@pytest.mark.parametrize("lean", [-1, 1])
def test_the_box_of_a_long_slanting_leaf_holds_all_of_it(lean):
    y, x = np.mgrid[:2100, -1050:1050]
    leaf = (abs(x - lean * (y - 1050) // 2) < 40) & (abs(y - 1050) < 1000)
    rows, columns = np.nonzero(leaf)
    ((down, across),) = boxes_of(leaf.astype(np.uint8))
    assert (down.start, down.stop) == (rows.min(), rows.max() + 1)
    assert (across.start, across.stop) == (columns.min(), columns.max() + 1)


def test_touching_leaves_are_cut_at_the_neck():
    picture = add(add(canvas(), 150, 120, 60), 150, 236, 60)
    assert extract_leaves(picture, LeafSettings(touching="keep")).max() == 1
    labels = extract_leaves(picture, LeafSettings(touching="necks"))
    assert labels.max() == 2
    # The neck is at column 178; each side is one leaf, nothing is lost.
    assert set(np.unique(labels[:, :175])) == {0, 1}
    assert set(np.unique(labels[:, 182:])) == {0, 2}
    np.testing.assert_array_equal(labels > 0, picture > 0)


def test_large_leaves_are_cut_as_well():
    picture = add(add(canvas((1300, 2400)), 650, 620, 560), 650, 1700, 560)
    labels = extract_leaves(picture, LeafSettings(touching="necks"))
    assert labels.max() == 2
    np.testing.assert_array_equal(labels > 0, picture > 0)
    assert abs((labels == 1).sum() / (labels == 2).sum() - 1) < 0.01


@pytest.mark.parametrize("angle", [0, 30, 57, 90])
@pytest.mark.parametrize("touching", ["necks", "judge"])
def test_a_single_leaf_stays_whole(angle, touching):
    y, x = np.mgrid[-200:200, -200:200]
    turn = np.deg2rad(angle)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    leaf = (np.abs(u) < 180) & (np.abs(v) < 40 * np.cos(u / 180 * np.pi / 2))
    labels = extract_leaves(
        np.where(leaf, np.uint8(255), np.uint8(0)), LeafSettings(touching=touching)
    )
    assert labels.max() == 1


def test_no_piece_smaller_than_the_minimum_is_cut_off():
    picture = add(add(canvas(), 150, 120, 60), 150, 189, 14)
    settings = LeafSettings(touching="necks", min_area_px=5000)
    assert extract_leaves(picture, settings).max() == 1


def test_a_sheet_without_leaves_gives_no_labels():
    for settings in (
        LeafSettings(),
        LeafSettings(fill_holes=True, touching="necks"),
        LeafSettings(method=LeafMethod.PAPER),
    ):
        sheet = np.full((50, 60, 3), 250, np.uint8)
        labels = extract_leaves(canvas((50, 60)), settings, image=sheet)
        assert labels.shape == (50, 60)
        assert labels.dtype == np.uint8
        assert not labels.any()


def test_progress_reaches_its_end_and_can_be_stopped():
    picture = add(canvas(), 150, 120, 60)
    seen = []
    extract_leaves(picture, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total
    job = iter_extract_leaves(picture)
    next(job)
    job.close()


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int32)]
)
def test_what_is_no_probability_is_refused_in_words(wrong):
    with pytest.raises(SettingsError, match="H x W"):
        extract_leaves(wrong)


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_an_impossible_scale_is_refused_in_words(scale):
    with pytest.raises(SettingsError, match="positive"):
        extract_leaves(canvas(), mm_per_px=scale)
