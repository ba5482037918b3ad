"""Merging leaves and cutting them in Measure leaves, and taking it back."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
import pytest
from skimage.draw import ellipse

from napari_herbarium._napari.common.labels_output import is_edited, mark_written
from napari_herbarium._napari.measure import repair as measure_repair
from napari_herbarium._napari.measure.widget import MeasureLeaves


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
    return set(np.unique(np.asarray(layer.data)).tolist()) - {0}


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


def test_what_was_said_comes_back_when_it_is_undone(widget, layer, click, settle):
    widget.live.say([3, 5], False)
    widget.live.say([8], True)
    click(widget.form.merge, 8, 3)
    click(widget.form.cut, 5)
    assert dict(widget.live.flips) == {}
    layer.undo()
    settle()
    assert dict(widget.live.flips) == {5: False}
    widget.live.say([3], True)  # of the merged leaf, which goes
    layer.undo()
    settle()
    assert dict(widget.live.flips) == {3: False, 5: False, 8: True}
    table = widget.live.measured.table.set_index("label")
    assert table["whole_by"].to_dict() == dict.fromkeys([3, 5, 8], "user")


def test_what_was_said_comes_back_when_it_is_undone_at_once(
    widget, layer, until, settle
):
    widget.live.say([3], False)
    for label in (3, 8):
        widget.table.toggle_leaf(label)
    widget.form.merge.click()
    until(lambda: widget.repair.runner.state == "idle")
    layer.undo()
    settle()
    assert dict(widget.live.flips) == {3: False}


def test_words_of_both_leaves_outlive_undo_and_redo(widget, layer, click, settle):
    def said_after(change):
        change()
        settle()
        return dict(widget.live.flips)

    widget.live.say([8], True)
    click(widget.form.merge, 8, 3)
    widget.live.say([3], False)  # of the merged leaf; nothing of the one before
    click(widget.form.merge, 3, 5)
    assert dict(widget.live.flips) == {}
    assert said_after(layer.undo) == {3: False}
    assert said_after(layer.undo) == {8: True}
    widget.live.say([3], True)
    assert said_after(layer.redo)[3] is False
    assert said_after(layer.undo) == {3: True, 8: True}


def test_what_was_said_comes_back_after_a_look_at_other_leaves(
    viewer, widget, layer, click, settle
):
    widget.live.say([3], False)
    click(widget.form.merge, 8, 3)
    viewer.add_labels(np.ones((120, 260), np.uint8), name="others")
    settle()
    viewer.layers.selection = {layer}
    settle()
    assert widget.live.layer is layer
    layer.undo()
    settle()
    assert dict(widget.live.flips) == {3: False}


@pytest.mark.parametrize("labels", [(), (3, 5)])
def test_one_leaf_is_cut_at_a_time(widget, layer, click, labels):
    before = layer.data.copy()
    click(widget.form.cut, *labels)
    assert "Select the one leaf" in widget.message.text()
    assert np.array_equal(layer.data, before)


def test_one_leaf_alone_cannot_be_merged(widget, layer, click):
    click(widget.form.merge, 3)
    assert "at least two" in widget.message.text()


@pytest.fixture
def held(widget, layer, until, monkeypatch):
    """Click a button, and do something else before what it found is written."""

    def held(button, labels, meanwhile):
        found, go_on = threading.Event(), threading.Event()

        def waits(real):
            def wrapped(*args):
                result = yield from real(*args)
                found.set()
                go_on.wait(60)
                return result

            return wrapped

        for name in ("_iter_merged", "_iter_cut"):
            real = getattr(measure_repair, name)
            monkeypatch.setattr(measure_repair, name, waits(real))
        for label in labels:
            widget.table.toggle_leaf(label)
        button.click()
        until(found.is_set)
        meanwhile()
        go_on.set()
        until(lambda: widget.repair.runner.state == "idle")

    return held


@pytest.mark.parametrize(
    ("button", "labels", "painted"), [("merge", (3, 8), 0), ("cut", (5,), 9)]
)
def test_what_is_painted_meanwhile_counts_more(
    widget, layer, held, button, labels, painted
):
    place = (np.array([20]), np.array([90]))
    after = layer.data.copy()
    after[place] = painted
    held(
        getattr(widget.form, button),
        labels,
        lambda: layer.data_setitem(place, painted),
    )
    assert "changed meanwhile" in widget.message.text()
    assert np.array_equal(layer.data, after)


def test_a_layer_that_is_left_meanwhile_keeps_leaves_and_words(
    viewer, widget, layer, leaves, held
):
    before = leaves.copy()
    widget.live.say([8], True)
    other = viewer.add_labels(leaves.copy(), name="other leaves")
    widget.chooser.choose(layer)

    held(widget.form.merge, (3, 8), lambda: widget.chooser.choose(other))
    widget.chooser.choose(layer)
    assert np.array_equal(layer.data, before)
    assert dict(widget.live.flips) == {8: True}


def _lock(layer):
    layer.editable = False


def _make_read_only(layer):
    layer.data.flags.writeable = False


def _make_lazy(layer):
    layer.data = da.from_array(layer.data)


@pytest.mark.parametrize("make_fixed", [_lock, _make_read_only, _make_lazy])
def test_labels_that_cannot_be_edited_are_refused(widget, layer, click, make_fixed):
    make_fixed(layer)
    click(widget.form.merge, 3, 8)
    assert "cannot be edited" in widget.message.text()
    assert numbers(layer) == {3, 5, 8}
