"""Merging leaves and cutting them in Measure leaves, and taking it back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from skimage.draw import ellipse

from napari_herbarium._napari import measure_repair
from napari_herbarium._napari.labels_output import is_edited, mark_written
from napari_herbarium._napari.measure_widget import MeasureLeaves


@pytest.fixture
def widget(docked, judge):
    return docked(MeasureLeaves)


@pytest.fixture
def leaves():
    """A leaf in two parts (3, the larger, and 8), and two that touch (5)."""
    labels = np.zeros((120, 260), np.uint8)
    labels[10:50, 10:80] = 3
    labels[10:50, 86:120] = 8
    for column in (70, 150):
        labels[ellipse(85, column, 25, 42)] = 5
    return labels


@pytest.fixture
def layer(viewer, widget, leaves, settle):
    layer = viewer.add_labels(leaves, name="sheet leaves")
    mark_written(layer)
    widget.run()
    settle()
    return layer


@pytest.fixture
def click(widget, settle, until):
    def click(button, *labels):
        widget.table.clearSelection()
        for label in labels:
            widget.table.toggle_leaf(label)
        button.click()
        until(lambda: widget.repair.runner.state == "idle")
        settle()

    return click


def numbers(layer):
    return set(np.unique(layer.data).tolist()) - {0}


def test_selected_leaves_become_one_with_the_gap_between(widget, layer, click):
    click(widget.form.merge, 8, 3)
    assert (layer.data[12:48, 10:120] == 3).all()  # its mouths are a little hollow
    assert numbers(layer) == {3, 5}
    assert set(layer.features["index"]) == {3, 5}
    assert widget.table.labels() == [3]
    assert widget.message.text().startswith("Merged into leaf 3.")


def test_undo_brings_both_back(widget, layer, leaves, click):
    before = leaves.copy()
    click(widget.form.merge, 8, 3)
    layer.undo()
    assert np.array_equal(layer.data, before)


def test_a_leaf_is_cut_in_two(widget, layer, leaves, click):
    before = leaves.copy()
    click(widget.form.cut, 5)
    assert numbers(layer) == {3, 5, 8, 9}
    assert layer.data[85, 70] != layer.data[85, 150]
    assert set(layer.features["index"]) == {3, 5, 8, 9}
    assert widget.message.text().startswith("Cut into leaves 5 and 9.")
    layer.undo()
    assert np.array_equal(layer.data, before)


def test_settings_of_segment_leaves_do_not_undo_it(widget, layer, click):
    click(widget.form.merge, 8, 3)
    assert is_edited(layer)


def test_what_was_said_of_the_leaves_of_before_is_forgotten(widget, layer, click):
    widget.live.say([3, 5], False)
    click(widget.form.merge, 8, 3)
    assert dict(widget.live.flips) == {5: False}


@pytest.mark.parametrize("labels", [(), (3, 5)])
def test_one_leaf_is_cut_at_a_time(widget, layer, click, labels):
    before = layer.data.copy()
    click(widget.form.cut, *labels)
    assert "Select the one leaf" in widget.message.text()
    assert np.array_equal(layer.data, before)


def test_one_leaf_alone_cannot_be_merged(widget, layer, click):
    click(widget.form.merge, 3)
    assert "at least two" in widget.message.text()


def test_a_leaf_painted_over_meanwhile_is_left_alone(
    widget, layer, click, until, monkeypatch
):
    found, painted = threading.Event(), threading.Event()
    real = measure_repair._iter_merged

    def held(*args):
        result = yield from real(*args)
        found.set()
        painted.wait(60)
        return result

    monkeypatch.setattr(measure_repair, "_iter_merged", held)
    widget.table.toggle_leaf(3)
    widget.table.toggle_leaf(8)
    widget.form.merge.click()
    until(found.is_set)
    layer.data_setitem((np.array([20]), np.array([90])), 0)
    before = layer.data.copy()
    painted.set()
    until(lambda: "changed meanwhile" in widget.message.text())
    assert np.array_equal(layer.data, before)


def test_labels_that_cannot_be_edited_are_refused(widget, layer, click):
    layer.editable = False
    click(widget.form.merge, 3, 8)
    assert "cannot be edited" in widget.message.text()
    assert numbers(layer) == {3, 5, 8}
