"""Tables of figures from sheets whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.evaluate.report import score_sheet, sheet_table, summary_table


def strip(columns, width=100):
    mask = np.zeros((40, width), np.uint8)
    mask[10:30, columns] = 1
    return mask


@pytest.fixture
def scores():
    big = score_sheet(
        strip(slice(0, 80)), strip(slice(0, 80)), sheet="a", group="broad"
    )
    small = score_sheet(
        strip(slice(0, 10)), strip(slice(0, 20)), sheet="b", group="herb"
    )
    empty = score_sheet(strip(slice(0, 1)), strip(slice(0, 0)), sheet="c", group="herb")
    return [big, small, empty]


def test_one_row_per_sheet(scores):
    table = sheet_table(scores).set_index("sheet")
    assert table["iou"].to_dict() == pytest.approx(
        {"a": 1, "b": 0.5, "c": np.nan}, nan_ok=True
    )
    assert table.loc["b", "recall"] == pytest.approx(0.5)
    assert table.loc["b", "precision"] == 1.0
    assert table.loc["c", "false_share"] == pytest.approx(20 / 4000)
    assert table["leaf_px"].tolist() == [1600, 400, 0]


def test_summary_pools_pixels_and_averages_sheets(scores):
    table = summary_table(scores[:2]).set_index(["group", "how"])
    assert table.loc[("all", "pooled"), "iou"] == pytest.approx(1800 / 2000)
    assert table.loc[("all", "mean"), "iou"] == pytest.approx(0.75)
    assert table.loc[("broad", "mean"), "iou"] == 1.0
    assert table.loc[("herb", "pooled"), "iou"] == pytest.approx(0.5)


def test_sheet_without_leaves_is_judged_by_what_it_takes_for_leaf():
    bare = score_sheet(strip(slice(0, 2)), strip(slice(0, 0)), sheet="d")
    found = score_sheet(strip(slice(0, 10)), strip(slice(0, 20)), sheet="b")
    mean = summary_table([bare, found]).set_index("how").loc["mean"]
    assert mean["sheets"] == 2
    assert mean["iou"] == pytest.approx(0.5)
    assert mean["precision"] == 1.0
    assert mean["false_share"] == pytest.approx(0.5 * 40 / 4000)


def test_sheets_without_groups_are_summed_up_once(scores):
    ungrouped = [score_sheet(strip(slice(5)), strip(slice(5)), sheet="a")]
    assert summary_table(ungrouped)["group"].tolist() == ["all", "all"]
