"""The table of leaves, on labels counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.measure.rows import COLUMNS, leaf_rows
from napari_herbarium.measure.table import SheetFacts


@pytest.fixture
def labels():
    labels = np.zeros((30, 40), np.uint16)
    labels[2:5, 10:20] = 1
    labels[10:14, 3:8] = 3
    labels[11, 4] = 0
    return labels


def test_one_row_per_leaf_with_area_and_box(labels):
    table = leaf_rows(labels, SheetFacts("K1", "K000001"))
    assert tuple(table.columns) == COLUMNS
    assert table["label"].tolist() == [1, 3]
    assert table["area_px"].tolist() == [30, 19]
    box = ["bbox_top", "bbox_left", "bbox_bottom", "bbox_right"]
    assert table[box].to_numpy().tolist() == [[2, 10, 5, 20], [10, 3, 14, 8]]
    assert set(table["catalog_number"]) == {"K000001"}


def test_area_in_mm2_needs_a_scale(labels):
    assert leaf_rows(labels, SheetFacts())["area_mm2"].isna().all()
    table = leaf_rows(labels, SheetFacts("K1", None, 0.5, "resolution tag", "trusted"))
    assert table["area_mm2"].tolist() == pytest.approx([7.5, 4.75])
    assert table["scale_source"].tolist() == ["resolution tag"] * 2
    assert table["scale_trust"].tolist() == ["trusted"] * 2


def test_sheet_without_leaves_has_no_rows():
    table = leaf_rows(np.zeros((8, 8), np.uint8), SheetFacts(mm_per_px=0.1))
    assert len(table) == 0
    assert tuple(table.columns) == COLUMNS
