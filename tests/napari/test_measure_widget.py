"""Measure leaves: the table beside the picture, and what the user does with it."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox

from napari_herbarium import measure
from napari_herbarium._napari.finetune.current import chosen_pair
from napari_herbarium._napari.measure import changes as measure_changes
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium.progress import Progress

MM = {"scale": (0.1, 0.1), "units": ("mm", "mm"), "axis_labels": ("y", "x")}
PX_PER_MM = 10


@pytest.fixture
def widget(docked, judge):
    return docked(MeasureLeaves)


@pytest.fixture
def leaves():
    """Three rectangles of 30 x 20, 20 x 40 and 50 x 10 px, of labels 1, 5 and 7."""
    labels = np.zeros((120, 160), np.uint8)
    labels[10:40, 10:30] = 1
    labels[10:30, 60:100] = 5
    labels[60:110, 20:30] = 7
    return labels


@pytest.fixture
def measured(monkeypatch):
    """Record which labels are measured; None stands for all."""
    asked = []
    real = measure_changes.iter_leaf_table

    def spy(labels, facts, image=None, *, only=None, **options):
        asked.append(None if only is None else set(only))
        return (yield from real(labels, facts, image, only=only, **options))

    monkeypatch.setattr(measure_changes, "iter_leaf_table", spy)
    return asked


@pytest.fixture
def run(widget, settle):
    def run():
        widget.button.click()
        settle()

    return run


@pytest.fixture
def layer(viewer, widget, leaves, run):
    """Leaves in mm, measured."""
    layer = viewer.add_labels(leaves, name="sheet leaves", **MM)
    run()
    return layer


def shown(widget):
    """Headings and cells as the user sees them."""
    rows = widget.table.rows
    headings = [
        rows.headerData(column, Qt.Orientation.Horizontal)
        for column in range(rows.columnCount())
    ]
    cells = [
        [rows.data(rows.index(row, column)) for column in range(rows.columnCount())]
        for row in range(rows.rowCount())
    ]
    return pd.DataFrame(cells, columns=headings)


def select(widget, *labels):
    model = widget.table.selectionModel()
    flag = QItemSelectionModel.SelectionFlag
    widget.table.clearSelection()
    for label in labels:
        row = widget.table.rows.row_of(label)
        model.select(widget.table.rows.index(row, 0), flag.Select | flag.Rows)


def test_the_features_are_the_full_table_with_index_first(layer):
    assert layer.features.columns[0] == "index"
    assert layer.features["index"].tolist() == [1, 5, 7]
    assert layer.features["area_mm2"].tolist() == pytest.approx([6, 8, 5])
    assert set(measure(layer.data).columns) - {"label"} <= set(layer.features)


def test_the_pointer_tells_of_the_leaf_under_it(layer):
    told = layer._get_properties((20, 70))
    assert "area_px: 800" in " ".join(told).replace(".0", "")


def test_the_numbers_are_those_of_the_plain_function(layer):
    plain = measure(layer.data, 0.1)
    for column in ("length_mm", "width_mm", "perimeter_px", "solidity"):
        assert np.allclose(layer.features[column], plain[column])


def test_mm_are_shown_where_there_is_a_scale(widget, layer):
    table = shown(widget)
    assert "area\nmm²" in table
    assert "area\npx²" not in table
    assert table["area\nmm²"].astype(float).tolist() == [6, 8, 5]
    widget.bar.units.setCurrentText("px")
    assert shown(widget)["area\npx²"].tolist() == ["600", "800", "500"]


def test_without_scale_there_are_only_px_and_it_says_so(viewer, widget, leaves, run):
    layer = viewer.add_labels(leaves, name="plain")
    run()
    assert not any("mm" in heading for heading in shown(widget))
    assert widget.bar.units.count() == 1
    assert "no trusted scale" in widget.scale.scale.text.text()
    assert layer.features["area_mm2"].isna().all()
    assert layer.features["area_px"].tolist() == [600, 800, 500]


def test_all_traits_on_demand(widget, layer):
    few = len(shown(widget).columns)
    widget.bar.show_all()
    assert len(shown(widget).columns) > 3 * few
    widget.bar.show_main()
    assert len(shown(widget).columns) == few


def test_a_trait_that_is_ticked_is_shown_in_either_unit(widget, layer):
    def tick(state):
        named = widget.bar.list.findItems("perimeter", Qt.MatchFlag.MatchContains)
        named[0].setCheckState(state)

    assert "perimeter\nmm" in shown(widget)
    tick(Qt.CheckState.Unchecked)
    assert "perimeter\nmm" not in shown(widget)
    widget.bar.units.setCurrentText("px")
    assert "perimeter\npx" not in shown(widget)
    tick(Qt.CheckState.Checked)
    assert "perimeter\npx" in shown(widget)


def test_nothing_is_saved_while_leaves_are_being_measured(widget, layer, settle):
    assert widget.save.content() is not None
    layer.data[100:110, 100:120] = 9
    layer.refresh()
    assert widget.save.content() is None
    assert "save when that is done" in widget.message.text()
    settle()
    assert len(widget.save.content().table) == 4


def test_headings_and_cells_say_what_they_are(widget, layer):
    model, tip = widget.table.model(), Qt.ItemDataRole.ToolTipRole
    names = list(shown(widget))
    area, whole = names.index("area\nmm²"), names.index("whole")
    across = Qt.Orientation.Horizontal
    assert "Unit: mm2" in model.headerData(area, across, tip)
    assert model.headerData(0, Qt.Orientation.Vertical, tip) is None
    assert model.data(model.index(0, area), tip).startswith("area_mm2: 6.0")
    widget.table.selectRow(0)
    widget.form.flip_asked.emit()
    assert model.data(model.index(0, whole), tip) == "You said so."


def test_a_heading_sorts(widget, layer):
    column = list(shown(widget)).index("area\nmm²")
    widget.table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    assert shown(widget)["leaf"].tolist() == ["5", "1", "7"]


def test_only_a_painted_leaf_is_measured_again(layer, widget, settle, measured):
    layer.paint((20, 20), 1)  # inside the leaf: nothing changes
    layer.brush_size = 9
    layer.paint((45, 20), 1)
    settle()
    assert measured == [{1}]
    assert layer.features["area_px"].tolist()[0] > 600
    assert layer.features["area_px"].tolist()[1:] == [800, 500]
    assert "Measured again: leaf 1" in widget.message.text()


def test_a_leaf_beside_a_painted_one_is_judged_again(
    layer, widget, judge, settle, measured
):
    judge[7] = 0.3  # as the one beside it no longer hides it
    layer.data_setitem((np.array([62]), np.array([40])), 2)
    settle()
    assert measured == [{2, 7}]
    probabilities = layer.features.set_index("index")["whole_probability"]
    assert probabilities[7] == pytest.approx(0.3)
    assert "Measured again: leaf 2" in widget.message.text()


def test_an_undo_is_noticed(layer, widget, settle, measured):
    layer.fill((20, 70), 1)
    settle()
    assert layer.features["index"].tolist() == [1, 7]
    assert layer.features["area_px"].tolist() == [1400, 500]
    layer.undo()
    settle()
    assert measured == [{1, 5}, {1, 5}]
    assert layer.features["area_px"].tolist() == [600, 800, 500]


def test_what_another_plugin_writes_is_noticed(layer, settle, measured):
    layer.data[layer.data == 7] = 0
    layer.refresh()
    settle()
    assert measured == [{7}]
    assert layer.features["index"].tolist() == [1, 5]


def test_nothing_is_measured_when_nothing_changed(layer, settle, measured, run):
    layer.refresh()
    settle()
    run()
    assert measured == []


def test_columns_of_others_stay(layer, settle):
    layer.features = layer.features.assign(species=["a", "b", "c"])
    layer.data[layer.data == 5] = 0
    layer.refresh()
    settle()
    assert layer.features["species"].tolist() == ["a", "c"]


def test_a_click_on_a_row_goes_to_the_leaf(viewer, widget, layer):
    viewer.canvas.size = (400, 400)
    widget.table.selectRow(widget.table.rows.row_of(5))
    assert layer.selected_label == 5
    assert viewer.scene.camera.center[-2:] == pytest.approx((1.95, 7.95))
    # 40 px of 0.1 mm fill 40 % of 400 px
    assert viewer.scene.camera.zoom == pytest.approx(40)


def test_the_camera_finds_a_leaf_on_a_turned_sheet(viewer, widget, layer):
    layer.rotate, layer.translate = 90, (3, 4)
    widget.table.selectRow(widget.table.rows.row_of(1))
    center = layer.world_to_data(viewer.scene.camera.center[-2:])
    assert center == pytest.approx((24.5, 19.5))


def test_several_rows_can_be_selected(widget, layer):
    select(widget, 1, 7)
    assert sorted(widget.table.labels()) == [1, 7]


def test_selecting_a_label_selects_its_row(viewer, widget, layer):
    center = viewer.scene.camera.center
    layer.selected_label = 7
    assert widget.table.labels() == [7]
    assert viewer.scene.camera.center == center


class Click:
    """A mouse event that ends without a move, or after one."""

    type, button = "mouse_press", 1

    def __init__(self, position, modifiers):
        self.position, self.pos, self.modifiers = position, (50, 50), modifiers


def click(viewer, position, *, drag_px=0, modifiers=()):
    event = Click(position, modifiers)
    steps = [callback(viewer, event) for callback in viewer.mouse_drag_callbacks]
    for step in steps:
        next(step, None)
    if drag_px:
        event.type, event.pos = "mouse_move", (50 + drag_px, 50)
        for step in steps:
            next(step, None)
    event.type = "mouse_release"
    for step in steps:
        next(step, None)


def test_a_click_on_a_leaf_selects_its_row(viewer, widget, layer):
    ours = viewer.mouse_drag_callbacks[-1:]
    viewer.mouse_drag_callbacks[:] = ours
    click(viewer, (2.0, 7.0))
    assert widget.table.labels() == [5]
    click(viewer, (8.0, 2.5), drag_px=40)
    assert widget.table.labels() == [5]
    click(viewer, (0.0, 0.0))
    assert widget.table.labels() == [5]
    layer.mode = "paint"
    click(viewer, (8.0, 2.5))
    assert widget.table.labels() == [5]


def test_shift_and_a_click_select_a_leaf_beside_others(viewer, widget, layer):
    viewer.mouse_drag_callbacks[:] = viewer.mouse_drag_callbacks[-1:]
    click(viewer, (2.0, 7.0))
    click(viewer, (8.0, 2.5), modifiers=("Shift",))
    assert sorted(widget.table.labels()) == [5, 7]
    click(viewer, (2.0, 7.0), modifiers=("Shift",))
    assert widget.table.labels() == [7]
    click(viewer, (2.0, 7.0))
    assert widget.table.labels() == [5]


def test_the_table_follows_the_active_labels(viewer, widget, layer, run):
    other = viewer.add_labels(np.eye(40, dtype=np.uint8), name="other")
    assert widget.chooser.layer is other
    assert len(shown(widget)) == 0
    run()
    assert len(shown(widget)) == 1
    viewer.layers.selection.active = layer
    assert shown(widget)["leaf"].tolist() == ["1", "5", "7"]


def test_a_new_scale_needs_no_measuring(layer, widget, settle, measured):
    layer.scale = (0.2, 0.2)
    settle()
    assert measured == []
    assert layer.features["area_mm2"].tolist() == pytest.approx([24, 32, 20])
    assert layer.features["mm_per_px"].tolist() == pytest.approx([0.2] * 3)


def test_colours_come_from_the_sheet_beneath(viewer, widget, leaves, run):
    picture = np.full((*leaves.shape, 3), 255, np.uint8)
    picture[leaves == 5] = (10, 200, 30)
    viewer.add_image(picture, rgb=True, name="sheet", **MM)
    layer = viewer.add_labels(leaves, name="sheet leaves", **MM)
    run()
    assert widget.sheet.text() == "sheet"
    row = layer.features.set_index("index").loc[5]
    assert row[["mean_red", "mean_green", "mean_blue"]].tolist() == [10, 200, 30]
    assert row["sheet"] == "sheet"


def test_without_a_sheet_colours_stay_empty_and_it_says_so(widget, layer):
    assert "colours stay empty" in widget.sheet.text()
    assert layer.features["mean_red"].isna().all()


@pytest.fixture
def of_another_sheet(viewer):
    """Add a picture, all of one colour, and give it the id that labels note."""

    def add(leaves, name, path, colour):
        picture = np.full((*leaves.shape, 3), colour, np.uint8)
        return viewer.add_image(
            picture, rgb=True, name=name, metadata={"path": path}, **MM
        )

    return add


def test_leaves_of_a_sheet_that_was_closed_take_no_colours_of_another(
    viewer, widget, leaves, run, settle, of_another_sheet
):
    sheet = of_another_sheet(leaves, "A", "/sheets/A.tif", 20)
    noted = {"napari-herbarium": {"image_id": str(sheet.unique_id)}}
    noted["path"] = "/sheets/A.tif"
    layer = viewer.add_labels(leaves, name="A leaves", metadata=noted, **MM)
    of_another_sheet(leaves, "B", "/sheets/B.tif", 200)
    viewer.layers.selection.active = layer
    viewer.layers.remove(sheet)
    run()
    assert "colours stay empty" in widget.sheet.text()
    assert layer.features["mean_red"].isna().all()
    assert chosen_pair(viewer) is None
    # Opened again it is another layer, of the same file.
    of_another_sheet(leaves, "A again", "/sheets/A.tif", 20)
    viewer.layers.selection.active = layer
    assert widget.sheet.text() == "A again"


def test_leaves_measured_while_another_layer_is_chosen_get_no_word_of_the_user(
    viewer, widget, judge, leaves, run, settle, held_again, until
):
    judge.update(dict.fromkeys((1, 5, 7), 0.7))
    other = viewer.add_labels(np.zeros((50, 60), np.uint8), name="other")
    layer = viewer.add_labels(leaves, name="sheet leaves", **MM)
    run()
    widget.form.threshold.setValue(0.9)
    settle()
    began, go_on = held_again()
    layer.data_setitem((np.array([10]), np.array([10])), 0)
    until(began.is_set)
    viewer.layers.selection.active = other
    go_on.set()
    settle()
    viewer.layers.selection.active = layer
    settle()
    assert set(layer.features["whole_by"]) == {"model"}
    assert not layer.features["whole"].any()


@pytest.fixture
def held_again(monkeypatch):
    """Hold the next measuring: gives what says that it began, and what lets it go."""
    began, go_on = threading.Event(), threading.Event()
    real = measure_changes.iter_leaf_table

    def slow(*what, **how):
        yield Progress(0, 1, "leaves measured")
        began.set()
        go_on.wait(60)
        return (yield from real(*what, **how))

    def hold():
        monkeypatch.setattr(measure_changes, "iter_leaf_table", slow)
        return began, go_on

    yield hold
    go_on.set()


def test_labels_that_lie_nowhere_are_laid_on_their_sheet(viewer, widget, leaves, run):
    picture = np.zeros((*leaves.shape, 3), np.uint8)
    viewer.add_image(picture, rgb=True, name="sheet", rotate=5, **MM)
    layer = viewer.add_labels(leaves, name="from a file")
    run()
    assert np.allclose(layer.scale, 0.1)
    assert {str(unit) for x in viewer.layers for unit in x.units} == {"millimeter"}
    assert layer.features["area_mm2"].tolist() == pytest.approx([6, 8, 5])


def test_an_empty_viewer_says_what_to_do(widget):
    assert not widget.button.isEnabled()
    assert "run Segment leaves" in widget.message.text()


def test_a_stack_is_refused_in_words(viewer, widget):
    viewer.add_labels(np.zeros((3, 20, 20), np.uint8), name="stack")
    assert not widget.button.isEnabled()
    assert "“stack” has 3 dimensions" in widget.message.text()


def test_pixels_that_are_not_square_are_refused_in_words(viewer, widget, leaves):
    viewer.add_labels(leaves, name="flat", scale=(0.1, 0.2), units=("mm", "mm"))
    assert not widget.button.isEnabled()
    assert "not square (0.1 by 0.2)" in widget.message.text()


def test_labels_without_leaves_are_no_error(viewer, widget, run):
    layer = viewer.add_labels(np.zeros((40, 40), np.uint8), name="blank")
    run()
    assert widget.message.text() == "No leaves in “blank”."
    assert layer.features.columns[0] == "index"


def test_more_than_a_million_ids_are_refused_in_words(viewer, widget, leaves, run):
    labels = leaves.astype(np.uint32)
    labels[labels == 7] = 2_000_000
    layer = viewer.add_labels(labels, name="ids")
    run()
    assert "number the leaves from 1" in widget.message.text()
    assert len(layer.features.columns) == 0


def test_large_numbers_of_labels_are_measured(viewer, widget, leaves, run):
    labels = leaves.astype(np.uint32)
    labels[labels == 7] = 70_000
    layer = viewer.add_labels(labels, name="ids")
    run()
    widget.form.colour.setCurrentIndex(1)
    assert layer.features["index"].tolist() == [1, 5, 70_000]


@pytest.fixture
def held(monkeypatch):
    """Measuring that waits for a word."""
    go_on = threading.Event()

    def slow(labels, facts, image=None, *, only=None, **options):
        for step in range(1000):
            yield Progress(step, 1000, "leaves measured")
            if go_on.wait(0.01):
                break
        return measure(labels).assign(sheet="", catalog_number="")

    monkeypatch.setattr(measure_changes, "iter_leaf_table", slow)
    yield go_on
    go_on.set()


def test_a_layer_removed_meanwhile_stops_it(viewer, widget, leaves, held, settle):
    layer = viewer.add_labels(leaves, name="gone")
    widget.run()
    viewer.layers.remove(layer)
    settle()
    assert "Cancelled" in widget.message.text() or not widget.button.isEnabled()
    assert len(layer.features.columns) == 0


def test_it_can_be_cancelled(viewer, widget, leaves, held, until, settle):
    layer = viewer.add_labels(leaves, name="slow")
    widget.run()
    until(lambda: widget.button.text() == "Cancel")
    assert widget.progress.isVisible()
    widget.button.click()
    settle()
    assert widget.message.text().startswith("Cancelled")
    layer.paint((0, 0), 9)
    settle()
    assert widget.message.text().startswith("Cancelled")
    assert len(layer.features.columns) == 0


def test_every_control_says_what_it_is(widget):
    kinds = (QComboBox, QAbstractButton, QAbstractSpinBox)
    parts = (widget, widget.scale, widget.bar, widget.form)
    named = [
        control
        for part in parts
        for control in vars(part).values()
        if isinstance(control, kinds)
    ]
    assert len(named) >= 14
    assert all(control.toolTip() for control in named)


def test_it_fits_a_narrow_dock(widget, layer):
    widget.scale.start_line()
    assert widget.minimumSizeHint().width() <= 320


def test_labels_edited_while_another_layer_was_chosen_are_measured(
    viewer, widget, layer, settle, measured
):
    viewer.add_labels(np.eye(40, dtype=np.uint8), name="other")
    layer.data[layer.data == 7] = 0
    viewer.layers.selection.active = layer
    settle()
    assert measured == [{7}]
    assert shown(widget)["leaf"].tolist() == ["1", "5"]
