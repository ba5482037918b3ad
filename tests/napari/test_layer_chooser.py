"""The list of images follows napari's selection and survives changes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium._napari.common.layer_chooser import LayerChooser

PIXELS = np.zeros((40, 50, 3), np.uint8)


@pytest.fixture
def chooser(viewer, qtbot):
    chooser = LayerChooser(viewer)
    qtbot.addWidget(chooser)
    return chooser


def add(viewer, name):
    return viewer.add_image(PIXELS, rgb=True, name=name)


def names(chooser):
    return [chooser.itemText(i) for i in range(chooser.count())]


def test_an_empty_viewer_has_nothing_to_choose(chooser):
    assert chooser.layer is None
    assert names(chooser) == []


def test_it_follows_the_active_image(viewer, chooser):
    first, second = add(viewer, "first"), add(viewer, "second")
    assert chooser.layer is second
    viewer.layers.selection.active = first
    assert chooser.layer is first


def test_layers_that_were_there_before_are_listed_and_the_active_one_chosen(
    viewer, qtbot
):
    first = add(viewer, "first")
    add(viewer, "second")
    viewer.layers.selection.active = first
    chooser = LayerChooser(viewer)
    qtbot.addWidget(chooser)
    assert names(chooser) == ["first", "second"]
    assert chooser.layer is first


def test_the_user_may_choose_and_napari_keeps_its_selection(viewer, chooser):
    first, second = add(viewer, "first"), add(viewer, "second")
    chooser.setCurrentIndex(0)
    assert chooser.layer is first
    assert viewer.layers.selection.active is second


def test_a_selected_labels_layer_changes_nothing(viewer, chooser):
    first = add(viewer, "first")
    add(viewer, "second")
    viewer.layers.selection.active = first
    viewer.add_labels(np.zeros((40, 50), np.uint8))
    assert chooser.layer is first
    assert names(chooser) == ["first", "second"]


def test_renaming_and_reordering_keep_the_choice(viewer, chooser):
    first, second = add(viewer, "first"), add(viewer, "second")
    viewer.layers.selection.active = first
    first.name = "K000123456"
    viewer.layers.move(0, 2)
    assert viewer.layers[-1] is first
    assert names(chooser) == [second.name, "K000123456"]
    assert chooser.layer is first


def test_removing_layers_down_to_none(viewer, chooser):
    first, second = add(viewer, "first"), add(viewer, "second")
    viewer.layers.remove(second)
    assert chooser.layer is first
    viewer.layers.clear()
    assert chooser.layer is None


def test_each_choice_is_announced_once(viewer, chooser):
    heard = []
    chooser.chosen.connect(heard.append)
    first = add(viewer, "first")
    second = add(viewer, "second")
    viewer.layers.selection.active = first
    first.name = "again"
    viewer.layers.clear()
    assert heard == [first, second, first, None]


def test_a_chooser_that_is_gone_hears_nothing_more(viewer, qtbot):
    chooser = LayerChooser(viewer)
    with qtbot.waitSignal(chooser.destroyed, timeout=60_000):
        chooser.deleteLater()
    add(viewer, "first")
    viewer.layers.clear()
