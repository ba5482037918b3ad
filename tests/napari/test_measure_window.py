"""Measure leaves in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_herbarium.sheet.drawn.drawing import drawn_sheet

pytestmark = [pytest.mark.window, pytest.mark.slow]


def test_measure_look_paint_and_measure_again(make_napari_viewer, judge, qtbot, until):
    viewer = make_napari_viewer(show=True)
    drawn = drawn_sheet(dpi=50)
    placed = {"scale": (drawn.mm_per_px,) * 2, "units": ("mm", "mm")}
    viewer.add_image(np.asarray(drawn.sheet.image), rgb=True, name="sheet", **placed)
    layer = viewer.add_labels(drawn.labels.copy(), name="leaves", **placed)
    _, widget = viewer.window.add_plugin_dock_widget(
        "napari-herbarium", "Measure leaves"
    )
    qtbot.mouseClick(widget.button, Qt.MouseButton.LeftButton)
    until(lambda: widget.live.measured is not None and widget.live.settled)
    count = len(np.unique(drawn.labels)) - 1
    assert widget.table.rows.rowCount() == count
    assert layer.features.columns[0] == "index"

    cell = widget.table.visualRect(widget.table.rows.index(2, 0)).center()
    zoom = viewer.scene.camera.zoom
    qtbot.mouseClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    label = widget.table.labels()[0]
    assert layer.selected_label == label
    assert viewer.scene.camera.zoom > zoom
    center = layer.world_to_data(viewer.scene.camera.center[-2:])
    row = layer.features.set_index("index").loc[label]
    assert row["bbox_top"] < center[0] < row["bbox_bottom"]
    assert row["bbox_left"] < center[1] < row["bbox_right"]

    widget.form.colour.setCurrentIndex(2)
    widget.form.unfold.expand(animate=False)
    area = row["area_px"]
    layer.data[drawn.labels == label] = 0
    layer.undo()  # nothing to undo, but napari draws anew
    layer.refresh()
    until(lambda: widget.live.settled and label not in set(layer.features["index"]))
    assert area > 0
    assert widget.table.rows.rowCount() == count - 1


def test_closed_and_opened_again_a_leaf_is_measured_once(
    make_napari_viewer, judge, qtbot, until
):
    viewer = make_napari_viewer(show=True)
    drawn = drawn_sheet(dpi=50)
    layer = viewer.add_labels(drawn.labels.copy(), name="leaves")
    plugin = ("napari-herbarium", "Measure leaves")
    dock, widget = viewer.window.add_plugin_dock_widget(*plugin)
    widget.run()
    until(lambda: widget.live.measured is not None and widget.live.settled)
    with qtbot.waitSignal(widget.destroyed, timeout=60_000):
        dock.titleBarWidget().close_button.click()

    _, again = viewer.window.add_plugin_dock_widget(*plugin)
    again.form.threshold.setValue(0.95)
    again.run()
    until(lambda: again.live.measured is not None and again.live.settled)
    layer.data_setitem(np.nonzero(drawn.labels == 1), 0)
    until(lambda: again.live.settled and 1 not in set(layer.features["index"]))
    qtbot.wait(1000)  # the widget that is gone would have measured by now
    assert set(layer.features["whole_by"]) == {"model"}
    assert not layer.features["whole"].any()


def test_leaves_are_merged_by_clicks_and_ctrl_z_in_the_picture_undoes_it(
    make_napari_viewer, judge, qtbot, until
):
    viewer = make_napari_viewer(show=True)
    labels = np.zeros((60, 130), np.uint8)
    labels[10:50, 10:60] = 1
    labels[10:50, 65:120] = 2
    layer = viewer.add_labels(labels.copy(), name="leaves")
    plugin = ("napari-herbarium", "Measure leaves")
    _, widget = viewer.window.add_plugin_dock_widget(*plugin)
    qtbot.mouseClick(widget.button, Qt.MouseButton.LeftButton)
    until(lambda: widget.live.measured is not None and widget.live.settled)
    widget.table.selectAll()
    qtbot.mouseClick(widget.form.merge, Qt.MouseButton.LeftButton)
    until(lambda: widget.table.rows.rowCount() == 1)
    assert layer.data[30, 62] == layer.data[30, 20] == layer.data[30, 90]

    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(lambda: widget.table.rows.rowCount() == 2)
    assert np.array_equal(layer.data, labels)
