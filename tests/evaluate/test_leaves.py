"""Whole leaves: found, accepted and measured, with known answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_herbarium.errors import HerbariumError, SheetError
from napari_herbarium.evaluate.leaves import (
    SheetLeaves,
    iter_score_leaves,
    match_leaves,
    overlaps,
)
from napari_herbarium.evaluate.leaves_report import (
    counts_table,
    relative_errors,
    trait_errors,
)
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import LeafTruth, read_leaf_truth, without
from napari_herbarium.progress import finish

BOXES = {
    1: np.s_[10:110, 10:60],
    2: np.s_[10:110, 80:130],
    3: np.s_[130:180, 10:110],
    4: np.s_[130:180, 130:180],
}


def drawn(boxes, shape=(200, 200)):
    labels = np.zeros(shape, np.uint16)
    for number, box in boxes.items():
        labels[box] = number
    return labels


def truth(whole=(1, 2, 3), ignored=None):
    mask = (drawn(BOXES) > 0).astype(np.uint8)
    if ignored is not None:
        mask[ignored] = 255
    return LeafTruth(drawn(BOXES), mask, frozenset(whole))


def score(predicted, accepted, against=None):
    against = truth() if against is None else against
    return finish(iter_score_leaves(predicted, against, accepted, sheet="a"))


def test_perfect_prediction():
    same = score(drawn(BOXES), {1, 2, 3})
    assert (same.expected, len(same.found), same.hits, same.accepted) == (3, 3, 3, 3)
    figures = counts_table([same]).iloc[-1]
    assert figures[["precision", "recall", "f1"]].tolist() == [1, 1, 1]
    assert relative_errors([same])["mean"].tolist() == [0] * 4
    assert trait_errors([same])["MAE"].tolist() == [0] * 20


def test_every_way_to_fail_counts_as_the_definition_says():
    predicted = drawn(
        {
            11: BOXES[1],  # found and accepted
            12: BOXES[2],  # found but rejected
            13: np.s_[130:180, 10:60],  # half of leaf 3: not found, yet accepted
            14: BOXES[4],  # not whole in the truth, yet accepted
            15: np.s_[185:195, 185:195],  # paper, rejected
        }
    )
    got = score(predicted, {11, 13, 14})
    assert (got.expected, len(got.found), got.hits, got.accepted) == (3, 2, 1, 3)
    assert got.found["true_label"].tolist() == [1, 2]
    assert got.found["label"].tolist() == [11, 12]
    row = counts_table([got]).iloc[0]
    assert row["false"] == 2
    assert row["precision"] == pytest.approx(1 / 3)
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["f1"] == pytest.approx(2 / 6)


@pytest.mark.parametrize(("rows", "found"), [(80, True), (79, False)])
def test_found_from_an_iou_of_80_percent_on(rows, found):
    predicted = drawn({5: np.s_[10 : 10 + rows, 10:60]})
    assert overlaps(predicted, truth())[1, 5] == pytest.approx(rows / 100)
    assert match_leaves(predicted, truth()) == ({1: 5} if found else {})


def test_two_leaves_in_one_label_are_found_by_neither():
    merged = drawn({7: np.s_[10:110, 10:130]})
    assert match_leaves(merged, truth()) == {}


def test_ignored_pixels_count_for_nothing():
    unsaid = truth(ignored=np.s_[60:110, 10:60])
    predicted = drawn({1: np.s_[10:60, 10:60], 2: np.s_[66:106, 12:58]})
    got = score(predicted, {1, 2}, unsaid)
    assert got.found["iou"].tolist() == [1.0]
    assert got.accepted == 1


def test_errors_of_length_width_and_area():
    # 100 x 50 px in the truth, 110 x 50 in the prediction.
    predicted = drawn({1: np.s_[5:115, 10:60]})
    got = score(predicted, {1}, truth(whole=(1,)))
    errors = relative_errors([got]).set_index("trait")["mean"]
    assert errors["length_px"] == pytest.approx(0.1, abs=0.002)
    assert errors["width_px"] == pytest.approx(0, abs=0.002)
    assert errors["area_px"] == pytest.approx(0.1)
    table = trait_errors([got]).set_index("trait")
    assert table.loc["area", "MAE"] == 500
    assert table.loc["area", "MSE"] == 500**2
    assert table.loc["bbox_area", "RMSE"] == 500
    assert table.loc["extent", "MAE"] == 0


def test_errors_of_long_leaves_and_of_those_with_the_same_axis_are_told_apart():
    names = ["length_px", "width_px", "area_px", "perimeter_px"]
    size = {name: [20.0, 200.0, 100.0] for name in names}
    true = {f"{name}_true": [10.0, 100.0, 100.0] for name in names}
    axis = {"axis_angle_deg": [0.0, 90.0, 178.0], "axis_angle_deg_true": [0.0] * 3}
    found = pd.DataFrame({"accepted": True, **size, **true, **axis})
    row = relative_errors([SheetLeaves("a", 3, 3, found)]).iloc[0]
    assert row[["leaves", "leaves_long", "leaves_axis"]].tolist() == [3, 2, 1]
    assert row[["mean", "mean_long", "mean_axis"]].tolist() == [2 / 3, 0.5, 0]
    assert row[["median", "median_long", "median_axis"]].tolist() == [1, 0.5, 0]


def test_mean_and_root_mean_square_over_sheets():
    found = {"accepted": True, "area": [3.0], "area_true": [0.0]}
    other = {"accepted": True, "area": [0.0], "area_true": [4.0]}
    scores = [SheetLeaves("a", 1, 1, pd.DataFrame(table)) for table in (found, other)]
    row = trait_errors(scores).set_index("trait").loc["area"]
    assert row.tolist() == [2, 3.5, 12.5, pytest.approx(12.5**0.5)]


def test_counts_over_all_sheets_are_added_up():
    found = pd.DataFrame({"accepted": [True, True, False]})
    none = pd.DataFrame({"accepted": []})
    table = counts_table([SheetLeaves("a", 4, 3, found), SheetLeaves("b", 0, 1, none)])
    assert table["sheet"].tolist() == ["a", "b", "all"]
    assert table["expected"].tolist() == [4, 0, 4]
    assert table["hits"].tolist() == [2, 0, 2]
    assert table["false"].tolist() == [1, 1, 2]
    assert table["precision"].tolist()[0] == pytest.approx(2 / 3)
    assert np.isnan(table["recall"].tolist()[1])
    assert table["f1"].tolist()[-1] == pytest.approx(4 / 8)


def test_nothing_found_gives_no_errors():
    got = score(np.zeros((200, 200), np.uint8), set())
    assert len(got.found) == got.hits == got.accepted == 0
    assert relative_errors([got])["leaves"].tolist() == [0] * 4
    assert trait_errors([got])["MAE"].isna().all()


def test_other_size_and_loose_iou_are_refused():
    with pytest.raises(ValueError, match="prediction is"):
        overlaps(np.zeros((9, 9), np.uint8), truth())
    with pytest.raises(ValueError, match=r"over 0\.5"):
        match_leaves(drawn(BOXES), truth(), 0.5)


@pytest.fixture
def folder(tmp_path):
    for name in ("images", "masks", "instances"):
        (tmp_path / name).mkdir()
    for stem in ("bu_1", "lm_2"):
        sheet = np.full((200, 200, 3), 230, np.uint8)
        Image.fromarray(sheet).save(tmp_path / "images" / f"{stem}.jpg")
        mask = (drawn(BOXES) > 0).astype(np.uint8)
        Image.fromarray(mask).save(tmp_path / "masks" / f"{stem}.png")
        path = tmp_path / "instances" / f"{stem}.png"
        Image.fromarray(drawn(BOXES)).save(path)
        path.with_suffix(".json").write_text(json.dumps({"whole": [1, 3]}))
    return tmp_path


def test_truth_is_read_from_the_folders(folder):
    pair = find_pairs(folder)[0]
    read = read_leaf_truth(folder, pair)
    np.testing.assert_array_equal(read.labels, drawn(BOXES))
    assert read.whole == {1, 3}
    assert set(np.unique(read.mask)) == {0, 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"whole": [9]}', "no leaf 9"),
        ("{}", "does not say"),
        ("[", "does not say"),
        ("[" * 99_999, "nested too deeply"),
    ],
)
def test_truth_that_makes_no_sense_is_said(folder, content, said):
    (folder / "instances" / "bu_1.json").write_text(content)
    with pytest.raises(SheetError, match=said):
        read_leaf_truth(folder, find_pairs(folder)[0])


def test_truth_of_another_size_is_said(folder):
    Image.fromarray(drawn(BOXES)[:90]).save(folder / "instances" / "bu_1.png")
    with pytest.raises(SheetError, match="its mask is"):
        read_leaf_truth(folder, find_pairs(folder)[0])


def test_sheets_can_be_left_out(folder):
    pairs = find_pairs(folder)
    assert [pair.stem for pair in without(pairs, ["bu_*"])] == ["lm_2"]
    with pytest.raises(HerbariumError, match="No sheet is left"):
        without(pairs, ["bu_*", "lm_*"])
