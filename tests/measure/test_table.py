"""The one full table: traits, the sheet's facts, and who said what is whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_herbarium import measure
from napari_herbarium.measure.dictionary import column_names, data_dictionary
from napari_herbarium.measure.table import (
    SheetFacts,
    iter_leaf_table,
    leaf_table,
    partial_labels,
    whole_columns,
)
from napari_herbarium.measure.whole import judge as whole
from napari_herbarium.progress import Progress

PROBABILITY = {2: 0.9, 5: 0.2, 7: 0.6}


@pytest.fixture(autouse=True)
def classifier(monkeypatch):
    """Stand in for the whole-leaf classifier; gives the labels it was asked about."""
    asked = []

    def judge(labels, image=None, *, only=None, model=None):
        asked.append(sorted(only))
        yield Progress(1, 1, "leaves judged")
        return {label: PROBABILITY[label] for label in only}

    monkeypatch.setattr(whole, "iter_whole_leaf_probability", judge)
    monkeypatch.setattr(whole, "default_whole_threshold", lambda: 0.6)
    return asked


def three_leaves():
    labels = np.zeros((120, 200), np.uint16)
    labels[10:50, 10:30] = 2
    labels[60:110, 40:90] = 5
    labels[20:90, 120:160] = 7
    return labels


FACTS = SheetFacts("K1", "K000123456", 0.1, "ruler", "trusted")


def test_traits_are_those_of_measure():
    labels = three_leaves()
    image = np.full((*labels.shape, 3), 90, np.uint8)
    table = leaf_table(labels, FACTS, image, harmonics=2)
    traits = measure(
        labels,
        0.1,
        image,
        scale_source="ruler",
        scale_trust="trusted",
        whole_probability=PROBABILITY,
        harmonics=2,
    )
    pd.testing.assert_frame_equal(table[list(traits.columns)], traits)


def test_every_column_is_explained_in_its_order():
    assert list(leaf_table(three_leaves(), FACTS).columns) == column_names()
    assert set(column_names()) <= set(data_dictionary()["column"])


def test_facts_of_the_sheet_are_in_every_row():
    table = leaf_table(three_leaves(), FACTS)
    assert table["sheet"].tolist() == ["K1"] * 3
    assert table["catalog_number"].tolist() == ["K000123456"] * 3
    assert table["scale_source"].tolist() == ["ruler"] * 3
    assert table["area_mm2"].tolist() == pytest.approx([8, 25, 28])


def test_whole_from_the_threshold_of_the_classifier_on():
    table = leaf_table(three_leaves(), FACTS)
    assert table["whole"].tolist() == [True, False, True]
    assert table["whole_by"].tolist() == ["model"] * 3


def test_word_of_the_user_counts_more_and_is_marked():
    table = leaf_table(three_leaves(), FACTS, flipped={5: True, 7: False, 99: True})
    assert table["whole"].tolist() == [True, True, False]
    assert table["whole_by"].tolist() == ["model", "user", "user"]
    assert table["whole_probability"].tolist() == [0.9, 0.2, 0.6]


def test_partial_leaves_are_those_that_are_not_whole():
    table = leaf_table(three_leaves(), FACTS, flipped={7: False})
    assert partial_labels(table) == {5, 7}


def test_only_some_labels_have_the_rows_they_have_in_the_table_of_all(classifier):
    labels = three_leaves()
    some = leaf_table(labels, FACTS, only={5, 7}, flipped={5: True})
    everything = leaf_table(labels, FACTS, flipped={5: True})
    expected = everything[everything["label"].isin([5, 7])].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected)
    assert classifier[0] == [5, 7]


def test_where_nobody_judged_whole_is_not_known():
    table = pd.DataFrame({"label": [1, 2], "whole_probability": [np.nan, np.nan]})
    found = whole_columns(table, 0.5, {2: False})
    assert found["whole"].isna().tolist() == [True, False]
    assert found["whole_by"].tolist() == ["", "user"]


def test_catalogue_number_that_is_not_known_is_an_empty_cell():
    assert leaf_table(three_leaves())["catalog_number"].tolist() == [""] * 3


def test_sheet_without_leaves_has_a_table_with_all_columns():
    table = leaf_table(np.zeros((40, 40), np.uint8), FACTS)
    assert list(table.columns) == column_names()
    assert len(table) == 0


def test_tells_how_far_it_has_come_and_can_be_stopped():
    job = iter_leaf_table(three_leaves(), FACTS)
    assert [next(job) for _ in range(4)] == [
        Progress(1, 3, "leaves measured"),
        Progress(2, 3, "leaves measured"),
        Progress(3, 3, "leaves measured"),
        Progress(1, 1, "leaves judged"),
    ]
    job.close()
