"""Whole or partial: the model's word, the user's word, and what keeps it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from napari.layers._source import layer_source

from napari_herbarium._napari.common.labels_output import is_edited, mark_written
from napari_herbarium._napari.measure.widget import MeasureLeaves

PROBABILITY = {1: 0.9, 2: 0.6, 3: 0.2}


@pytest.fixture
def widget(viewer, qtbot, judge):
    judge.update(PROBABILITY)
    widget = MeasureLeaves(viewer)
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def leaves():
    labels = np.zeros((60, 90), np.uint8)
    for label in PROBABILITY:
        labels[10:40, 25 * label - 15 : 25 * label + 5] = label
    return labels


@pytest.fixture
def layer(viewer, widget, leaves, settle):
    layer = viewer.add_labels(leaves, name="leaves")
    widget.run()
    settle()
    return layer


def whole(layer):
    return dict(zip(layer.features["index"], layer.features["whole"], strict=True))


def by(layer):
    return layer.features["whole_by"].tolist()


def test_the_threshold_decides_and_nothing_is_thrown_away(widget, layer, settle):
    assert whole(layer) == {1: True, 2: True, 3: False}
    assert by(layer) == ["model"] * 3
    widget.form.threshold.setValue(0.7)
    settle()
    assert whole(layer) == {1: True, 2: False, 3: False}
    assert widget.form.counts.text() == "1 whole, 2 partial"


def test_a_flip_counts_more_than_the_threshold(widget, layer, settle):
    widget.table.select_leaf(3)
    widget.form.flip.click()
    assert whole(layer) == {1: True, 2: True, 3: True}
    widget.form.threshold.setValue(0.99)
    settle()
    assert whole(layer) == {1: False, 2: False, 3: True}
    assert by(layer) == ["model", "model", "user"]
    assert "1 by your word" in widget.form.counts.text()


def test_a_flip_without_rows_says_what_to_do(widget, layer):
    widget.table.clearSelection()
    widget.form.flip.click()
    assert "Select leaves first" in widget.message.text()


def test_the_menu_of_a_row_takes_words_and_takes_them_back(widget, layer):
    widget.table.select_leaf(1)
    actions = {action.text(): action for action in widget.table.menu().actions()}
    actions["Partial leaf"].trigger()
    assert whole(layer)[1] is False
    actions["As the model says"].trigger()
    assert whole(layer)[1] is True
    assert by(layer)[0] == "model"


def test_a_flip_survives_measuring_again(widget, layer, settle):
    widget.live.say([1], False)
    layer.data[35:40, 10:30] = 0
    layer.refresh()
    settle()
    assert layer.features["area_px"].tolist()[0] == 500
    assert whole(layer)[1] is False
    assert by(layer)[0] == "user"


def test_a_flip_is_there_when_the_widget_is_opened_again(
    viewer, widget, layer, qtbot, until
):
    widget.live.say([1], False)
    widget.close()
    again = MeasureLeaves(viewer)
    qtbot.addWidget(again)
    again.run()
    until(lambda: again.live.settled)
    assert whole(layer)[1] is False
    assert by(layer)[0] == "user"


def test_a_flip_is_there_when_saved_labels_are_opened_again(
    viewer, widget, layer, tmp_path, until
):
    from napari_herbarium._napari.measure.save import FORMATS

    widget.live.say([1, 3], False)
    widget.save.ask_path = lambda kind, proposed: tmp_path / proposed.name
    kind = next(kind for kind in FORMATS if kind.suffix == ".leaves.tif")
    widget.save.save(kind)
    until(lambda: "Saved" in widget.message.text())
    viewer.layers.clear()
    path = tmp_path / "leaves.leaves.tif"
    with layer_source(path=str(path)):
        again = viewer.add_labels(tifffile.imread(path))
    assert widget.chooser.layer is again
    widget.run()
    until(lambda: widget.live.settled)
    assert whole(again) == {1: False, 2: True, 3: False}
    assert by(again) == ["user", "model", "user"]
    told = json.loads((tmp_path / "leaves.leaves.json").read_text())
    assert told["whole_by_user"] == {"1": False, "3": False}


def test_measuring_is_no_edit_but_a_word_of_the_user_is(widget, layer, settle):
    layer.metadata["napari-herbarium"] = {}
    mark_written(layer)
    widget.form.threshold.setValue(0.7)
    settle()
    assert not is_edited(layer)
    widget.live.say([2], True)
    assert is_edited(layer)


def test_colours_tell_whole_from_partial_and_can_be_restored(widget, layer):
    original = layer.colormap
    widget.form.colour.setCurrentIndex(1)
    colours = [tuple(layer.get_color(label)) for label in (1, 2, 3)]
    assert colours[0] == colours[1] != colours[2]
    assert "2&nbsp;whole" in widget.form.legend.swatches.text().replace(" ", "&nbsp;")
    widget.live.say([2], False)
    assert tuple(layer.get_color(2)) == colours[2]
    widget.form.colour.setCurrentIndex(0)
    assert layer.colormap is original


def test_colours_tell_a_trait_with_its_range(widget, layer, settle):
    layer.data[10:40, 60:65] = 0
    layer.refresh()
    settle()
    widget.form.trait.setCurrentIndex(widget.form.trait.findData("area_px"))
    widget.form.colour.setCurrentIndex(2)
    low, high = (tuple(layer.get_color(label)) for label in (3, 1))
    assert low != high
    assert widget.form.legend.low.text() == "450"
    assert widget.form.legend.high.text() == "600"


def test_colouring_measures_nothing(widget, layer, monkeypatch):
    monkeypatch.setattr(widget.live.runner, "run", pytest.fail)
    widget.form.colour.setCurrentIndex(2)
    assert widget.live.settled


def test_the_histogram_keeps_whole_and_partial_apart(widget, layer):
    widget.form.unfold.expand(animate=False)
    axes = widget.form.histogram._figure.axes[0]
    assert axes.get_xlabel() == "length (px)"
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["whole (2)", "partial (1)"]


def test_a_tick_in_naparis_own_table_is_the_users_word(widget, layer, settle):
    layer.features.loc[layer.features["index"] == 1, "whole"] = False
    layer.data[35:40, 35:55] = 0
    layer.refresh()
    settle()
    assert whole(layer) == {1: False, 2: True, 3: False}
    assert by(layer) == ["user", "model", "model"]
