"""Batch review: step, repair, judge, and lose nothing."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_herbarium._napari.review import widget as review_widget
from napari_herbarium._napari.review.ask import Unsaved
from napari_herbarium._napari.review.job import Word
from napari_herbarium._napari.review.widget import BatchReview
from napari_herbarium._napari.worker import State
from napari_herbarium.batch import one_sheet, plan, worker
from napari_herbarium.batch.prepare import prepare
from napari_herbarium.batch.records.ledger import Ledger
from napari_herbarium.batch.settings import BatchSettings
from napari_herbarium.progress import Progress
from napari_herbarium.settings import ScaleSettings

SHA = "cd" * 32
MM_PER_PX = 0.25
DOUBTS = {"K1": 250, "K2": 130, "K3": 190}
"""Leaf probability that the stub gives the leaves of each sheet: 250 is sure."""


def _iter_segment(image, model=None, settings=None):
    """Leaf is what is green; the blue of the paper says how sure the network is."""
    image = np.asarray(image).astype(int)
    yield Progress(1, 1, "tiles")
    green = image[..., 1] > image[..., 0] + 30
    return np.where(green, image[0, 0, 2], 5).astype(np.uint8)


def _draw(path, sure):
    sheet = np.full((120, 90, 3), (235, 228, sure), np.uint8)
    sheet[10:40, 10:40] = (60, 140, 50)
    sheet[60:100, 20:80] = (60, 140, 50)
    Image.fromarray(sheet).save(path)


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A run over K1 (sure), K2 (torn), K3 (in between) and a damaged K4."""
    config = SimpleNamespace(name="sees-green", version="1", threshold=0.5)
    model = SimpleNamespace(config=config, sha256=SHA)
    monkeypatch.setattr(worker, "load_model", lambda name: model)
    monkeypatch.setattr(plan, "find_model", lambda name: tmp_path)
    monkeypatch.setattr(plan, "read_config", lambda folder: config)
    monkeypatch.setattr(plan, "_sha256", lambda path: SHA)
    monkeypatch.setattr(one_sheet, "iter_segment", _iter_segment)
    scans = tmp_path / "scans"
    scans.mkdir()
    for name, sure in DOUBTS.items():
        _draw(scans / f"{name}.png", sure)
    (scans / "K4.tif").write_bytes(b"II*\0 nothing more")
    scale = ScaleSettings(mm_per_px=MM_PER_PX, ruler=False)
    ready = prepare([scans], tmp_path / "out", BatchSettings(scale=scale))
    plan.write_plan(ready.plan)
    with Ledger(ready.plan.layout.ledger) as ledger:
        for row, name in ready.todo:
            ledger.add(worker.do_sheet(row, name, ready.plan, "test").entry)
    return tmp_path / "out"


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    """Training folders that would be kept in the user's preferences."""
    folders = []
    monkeypatch.setattr(review_widget, "read_training_folder", lambda: None)
    monkeypatch.setattr(review_widget, "remember_training_folder", folders.append)
    return folders


@pytest.fixture
def widget(docked):
    widget = docked(BatchReview)
    widget.ask_unsaved = lambda name: pytest.fail("asked without need")
    widget.ask_replace = lambda name, folder: pytest.fail("asked without need")
    return widget


@pytest.fixture
def settle(widget, until):
    """Wait until nothing is read or written any more."""

    def settle():
        session = widget.session
        until(
            lambda: (
                session.opener.state is State.IDLE
                and session.saver.state is State.IDLE
                and not widget._typed.isActive()
                and not widget._painted.isActive()
            )
        )

    return settle


@pytest.fixture
def review(widget, out, settle):
    """The widget with the run open, and its first sheet."""
    widget.open_run(out)
    settle()
    return widget


def names(viewer):
    return [layer.name for layer in viewer.layers]


def listed(widget):
    model = widget.table.rows
    return [
        tuple(model.data(model.index(row, column)) for column in range(4))
        for row in range(model.rowCount())
    ]


def paint(viewer, settle):
    """Add a leaf of 20 x 10 px with the label that is selected."""
    labels = viewer.layers[-1]
    pixels = tuple(np.mgrid[100:120, 0:10].reshape(2, -1))
    labels.data_setitem(pixels, labels.selected_label)
    settle()
    return labels.selected_label


def labels_in(out, name, kind="leaves"):
    return tifffile.imread(out / "labels" / f"{name}.{kind}.tif")


def verdicts(out, name):
    return set(pq.read_table(out / "traits" / f"{name}.parquet")["verdict"].to_pylist())


def test_sheets_are_listed_least_certain_first_and_failed_ones_last(review):
    rows = listed(review)
    assert [row[0] for row in rows] == ["K2", "K3", "K1", "K4"]
    assert [row[2] for row in rows] == ["2", "2", "2", ""]
    assert [row[3] for row in rows] == ["to look at"] * 3 + ["failed"]
    assert review.summary.text() == "4 sheets: 3 to look at, 1 failed."


def test_a_sheet_and_its_leaves_lie_on_each_other_in_mm(review, viewer):
    assert names(viewer) == ["K2", "K2 leaves"]
    image, leaves = viewer.layers
    for layer in (image, leaves):
        assert np.allclose(layer.scale, MM_PER_PX)
        assert {str(unit) for unit in layer.units} == {"millimeter"}
        assert layer.axis_labels == ("y", "x")
    assert leaves.editable
    assert image.metadata["scale_source"] == "user"
    assert leaves.features.columns[0] == "index"
    areas = leaves.features["area_mm2"].to_numpy()
    assert np.allclose(areas, np.array([30 * 30, 40 * 60]) * MM_PER_PX**2)
    # the first number that is free is ready for a leaf that was missed
    assert leaves.selected_label == 3


def test_stepping_replaces_our_layers_and_no_others(review, viewer, settle):
    mine = viewer.add_image(np.zeros((4, 4)), name="mine")
    review.panel.next.click()
    settle()
    assert names(viewer) == ["mine", "K3", "K3 leaves"]
    assert mine in viewer.layers
    review.panel.previous.click()
    settle()
    assert names(viewer)[1:] == ["K2", "K2 leaves"]
    review.panel.previous.click()
    settle()
    assert names(viewer)[1:] == ["K2", "K2 leaves"]


def test_a_failed_sheet_is_shown_with_its_reason(review, viewer, settle):
    review.table.selectRow(3)
    settle()
    assert "K4 failed: " in review.panel.facts.text()
    assert "K4.tif" in review.panel.facts.text()
    assert names(viewer) == []
    assert not review.panel.accept.isEnabled()


def test_verdicts_are_written_and_the_next_sheet_comes(review, viewer, settle, out):
    before = labels_in(out, "K2")
    review.panel.accept.click()
    settle()
    assert names(viewer)[0] == "K3"
    review.panel.reject.click()
    settle()
    assert names(viewer)[0] == "K1"
    assert verdicts(out, "K2") == {"accepted"}
    assert verdicts(out, "K3") == {"rejected"}
    assert (labels_in(out, "K2") == before).all()
    assert [row[3] for row in listed(review)][:3] == [
        "accepted",
        "rejected",
        "to look at",
    ]
    review.panel.accept.click()
    settle()
    assert review.message.text() == "All sheets have been looked at."


def test_a_repair_is_saved_and_what_the_model_found_is_kept(
    review, viewer, settle, out
):
    model = labels_in(out, "K2")
    added = paint(viewer, settle)
    assert review.panel.accept.text() == "Save and accept"
    assert "not saved" in review.panel.facts.text()
    review.panel.accept.click()
    settle()
    saved = labels_in(out, "K2")
    assert (saved[100:120, 0:10] == added).all()
    assert (saved[:100] == model[:100]).all()
    assert (labels_in(out, "K2", "leaves.original") == model).all()
    assert verdicts(out, "K2") == {"repaired"}
    rows = pq.read_table(out / "traits" / "K2.parquet").to_pandas()
    area = rows.set_index("label")["area_mm2"]
    assert math.isclose(area[added], 20 * 10 * MM_PER_PX**2)
    assert listed(review)[0][3] == "repaired"
    assert names(viewer)[0] == "K3"


@pytest.mark.parametrize("answer", list(Unsaved))
def test_stepping_asks_before_repairs_are_lost(review, viewer, settle, out, answer):
    model = labels_in(out, "K2")
    asked = []
    review.ask_unsaved = lambda name: asked.append(name) or answer
    added = paint(viewer, settle)
    review.panel.next.click()
    settle()
    assert asked == ["K2"]
    stayed = answer is Unsaved.STAY
    assert names(viewer)[0] == ("K2" if stayed else "K3")
    assert review.table.currentIndex().row() == (0 if stayed else 1)
    saved = (labels_in(out, "K2") == added).any()
    assert saved == (answer is Unsaved.SAVE)
    if stayed:
        assert (viewer.layers[-1].data == added).sum() == 200
    if answer is Unsaved.DROP:
        assert (labels_in(out, "K2") == model).all()


def test_undone_repairs_are_no_repairs(review, viewer, settle):
    paint(viewer, settle)
    viewer.layers[-1].undo()
    settle()
    assert review.panel.accept.text() == "Accept"
    review.panel.next.click()  # would ask
    settle()
    assert names(viewer)[0] == "K3"


def test_the_leaves_of_the_model_come_back(review, viewer, settle, out):
    model = labels_in(out, "K2")
    review.panel.go_on.setChecked(False)
    paint(viewer, settle)
    review.panel.accept.click()
    settle()
    assert names(viewer)[0] == "K2"
    assert review.panel.accept.text() == "Accept"
    review.panel.restore.click()
    settle()
    assert (viewer.layers[-1].data == model).all()
    assert review.panel.accept.text() == "Save and accept"
    review.panel.accept.click()
    settle()
    assert (labels_in(out, "K2") == model).all()


@pytest.mark.parametrize("answer", list(Unsaved))
def test_the_leaves_of_the_model_replace_no_repairs_unasked(
    review, viewer, settle, out, answer
):
    added = paint(viewer, settle)
    asked = []
    review.ask_unsaved = lambda name: asked.append(name) or answer
    review.panel.restore.click()
    settle()
    assert asked == ["K2"]
    assert (viewer.layers[-1].data == added).any() == (answer is Unsaved.STAY)
    assert (labels_in(out, "K2") == added).any() == (answer is Unsaved.SAVE)


def test_a_sheet_becomes_a_training_pair_with_its_repairs(
    review, viewer, settle, tmp_path, remembered
):
    from napari_herbarium.train.pairs.preflight import find_training_pairs

    folder = review.panel.training.folder()
    assert folder == tmp_path / "out" / "training"
    added = paint(viewer, settle)
    review.panel.train.click()
    settle()
    (pair,) = find_training_pairs(folder)
    assert (pair.name, (tifffile.imread(pair.mask) == added).sum()) == ("K2", 200)
    assert listed(review)[0][3] == "repaired, training"
    assert remembered == [folder]


def test_a_foreign_training_pair_is_replaced_only_when_the_user_says_so(
    review, settle, tmp_path
):
    there = tmp_path / "pairs" / "images" / "K2.png"
    there.parent.mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(there)
    review.panel.training.set_folder(tmp_path / "pairs")
    review.ask_replace = lambda name, folder: False
    review.panel.train.click()
    settle()
    assert not (tmp_path / "pairs" / "masks").exists()
    assert listed(review)[0][3] == "to look at"


def test_a_review_goes_on_where_it_was_left(review, viewer, settle, out, qtbot):
    paint(viewer, settle)
    review.panel.accept.click()
    settle()
    again = BatchReview(viewer)
    qtbot.addWidget(again)
    again.show()
    again.open_run(out)
    qtbot.waitUntil(lambda: again.session.is_open, timeout=60_000)
    assert [row[3] for row in listed(again)][:2] == ["repaired", "to look at"]
    assert again.session.index == 1


def test_the_list_can_show_one_kind_only(review, settle):
    review.panel.reject.click()
    settle()
    counts = {}
    for row in range(review.show_box.count()):
        review.show_box.setCurrentIndex(row)
        name = review.show_box.itemText(row)
        counts[name] = [sheet[0] for sheet in listed(review)]
    assert counts["To look at"] == ["K3", "K1"]
    assert counts["Failed"] == ["K4"]
    assert counts["Rejected"] == ["K2"]
    assert counts["For training"] == []


def test_a_folder_without_a_run_is_refused_in_words(widget, settle, tmp_path):
    widget.folder.set_folder(tmp_path)
    settle()
    assert "holds no batch run" in widget.message.text()
    assert not widget.panel.accept.isEnabled()


def test_a_sheet_that_was_moved_away_is_said_in_words(review, settle, tmp_path, viewer):
    (tmp_path / "scans" / "K3.png").unlink()
    review.panel.next.click()
    settle()
    assert "K3.png" in review.message.text()
    assert names(viewer) == []
    assert not review.panel.accept.isEnabled()


def test_layers_that_the_user_removed_are_no_trouble(review, viewer, settle):
    viewer.layers.clear()
    review.decide(Word.ACCEPT)  # nothing is there to be accepted
    settle()
    review.panel.next.click()
    settle()
    assert names(viewer) == ["K3", "K3 leaves"]


def test_leaves_that_the_user_removed_come_back_with_a_click(
    review, viewer, settle, qtbot
):
    leaves = viewer.layers["K2 leaves"]
    leaves.data_setitem(np.nonzero(np.ones((3, 3))), 7)
    viewer.layers.remove(leaves)
    assert not review.panel.accept.isEnabled()
    assert "click the sheet" in review.message.text()
    review.show()
    row = review.table.rows.index(review.table.rows.row_of(review.session.index), 0)
    place = review.table.visualRect(row).center()
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(review.table.viewport(), left, pos=place)
    settle()
    assert names(viewer) == ["K2", "K2 leaves"]
    assert (viewer.layers["K2 leaves"].data[:3, :3] == 7).all()  # repairs, too
    assert review.session.edited
    assert review.panel.accept.isEnabled()


@pytest.mark.window
@pytest.mark.slow
def test_a_sheet_is_repaired_and_accepted_in_a_window(
    make_napari_viewer, out, qtbot, until
):
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("napari-herbarium", "Batch review")
    widget.folder.set_folder(out)
    until(lambda: widget.session.is_open)
    labels = viewer.layers["K2 leaves"]
    labels.mode = "paint"
    labels.brush_size = 6
    labels.paint((110, 5), labels.selected_label)
    until(lambda: widget.panel.accept.text() == "Save and accept")
    qtbot.mouseClick(widget.panel.accept, Qt.MouseButton.LeftButton)
    until(lambda: "K3 leaves" in viewer.layers)
    assert labels_in(out, "K2")[110, 5] == 3
    assert verdicts(out, "K2") == {"repaired"}
    assert len(viewer.layers) == 2


def test_a_repaired_sheet_shows_its_new_leaves(review, viewer, settle):
    review.panel.go_on.setChecked(False)
    added = paint(viewer, settle)
    review.panel.accept.click()
    settle()
    assert listed(review)[0][2] == "3"
    assert "3 leaves (the model found 2)" in review.panel.facts.text()
    areas = viewer.layers[-1].features.set_index("index")["area_mm2"]
    assert math.isclose(areas[added], 20 * 10 * MM_PER_PX**2)
    assert review.panel.accept.text() == "Accept"


@pytest.fixture
def window(review, qtbot):
    """A main window with the widget docked in it, as napari's is."""
    window = QMainWindow()
    dock = QDockWidget("Batch review", window)
    dock.setWidget(review)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.show()
    qtbot.waitExposed(window)
    yield window
    review.ask_unsaved = lambda name: Unsaved.DROP
    window.close()


@pytest.mark.parametrize("answer", list(Unsaved))
@pytest.mark.parametrize("floating", [False, True])
def test_closing_the_window_asks_before_repairs_are_lost(
    review, viewer, settle, until, out, window, answer, floating
):
    window.findChild(QDockWidget).setFloating(floating)
    added = paint(viewer, settle)
    asked = []
    review.ask_unsaved = lambda name: asked.append(name) or answer
    assert window.close() == (answer is Unsaved.DROP)
    if answer is not Unsaved.STAY:
        until(lambda: not window.isVisible())
    assert asked == ["K2"]
    assert window.isVisible() == (answer is Unsaved.STAY)
    assert (labels_in(out, "K2") == added).any() == (answer is Unsaved.SAVE)


def test_closing_without_repairs_does_not_ask(window):
    assert window.close()
    assert not window.isVisible()


@pytest.mark.window
@pytest.mark.parametrize("answer", list(Unsaved))
def test_the_x_of_the_dock_asks_before_repairs_are_lost(
    make_napari_viewer, out, until, qtbot, answer
):
    viewer = make_napari_viewer(show=True)
    plugin = ("napari-herbarium", "Batch review")
    dock, review = viewer.window.add_plugin_dock_widget(*plugin)
    ends, asked = [], []
    review.destroyed.connect(lambda: ends.append(True))
    review.ask_unsaved = lambda name: asked.append(name) or answer
    review.open_run(out)
    until(lambda: review.session.is_open)
    added = paint(viewer, lambda: None)
    dock.titleBarWidget().close_button.click()
    until(lambda: bool(ends) or (bool(asked) and review.isVisible()))
    assert asked == ["K2"]
    assert bool(ends) == (answer is not Unsaved.STAY)
    assert (labels_in(out, "K2") == added).any() == (answer is Unsaved.SAVE)
    if answer is Unsaved.STAY:
        assert viewer.window.add_plugin_dock_widget(*plugin)[1] is review
        review.ask_unsaved = lambda name: Unsaved.DROP


@pytest.mark.window
def test_a_dock_that_comes_back_has_the_name_it_had(make_napari_viewer, out, until):
    viewer = make_napari_viewer(show=True)
    name = "Batch review (Herbarium leaves)"  # as napari's menu has it
    review = BatchReview(viewer)
    dock = viewer.window.add_dock_widget(review, name=name)
    asked = []
    review.ask_unsaved = lambda name: asked.append(name) or Unsaved.STAY
    review.open_run(out)
    until(lambda: review.session.is_open)
    paint(viewer, lambda: None)
    dock.titleBarWidget().close_button.click()
    until(lambda: bool(asked) and review.isVisible())
    assert viewer.window.dock_widgets[name] is review
    review.ask_unsaved = lambda name: Unsaved.DROP


def click_in_menu(menu, title):
    """Click what begins with a title, in a menu or one within it."""
    for action in menu.actions():
        if action.menu() is not None:
            action.menu().aboutToShow.emit()
            click_in_menu(action.menu(), title)
        elif action.text().startswith(title):
            action.trigger()


@pytest.mark.window
@pytest.mark.parametrize("first", ["menu", "button"])
def test_menu_and_button_open_one_review(make_napari_viewer, out, until, first):
    viewer = make_napari_viewer(show=True)
    _, batch = viewer.window.add_plugin_dock_widget(
        "napari-herbarium", "Segment a folder"
    )

    def reviews():
        opened = viewer.window.dock_widgets.values()
        return [widget for widget in opened if isinstance(widget, BatchReview)]

    if first == "menu":
        click_in_menu(viewer.window.plugins_menu, "Batch review")
    batch.open_review(out)
    (review,) = reviews()
    until(lambda: review.session.is_open)
    click_in_menu(viewer.window.plugins_menu, "Batch review")
    assert reviews() == [review]


def test_a_run_of_which_all_sheets_failed_can_be_opened(widget, out, settle):
    ledger = out / "ledger.jsonl"
    lines = [x for x in ledger.read_text().splitlines() if '"failed"' in x]
    ledger.write_text("\n".join(lines) + "\n")
    widget.open_run(out)
    settle()
    assert [row[3] for row in listed(widget)] == ["failed"]
    assert "All sheets of this run failed" in widget.message.text()
    widget.table.selectRow(0)
    settle()
    assert "K4 failed: " in widget.panel.facts.text()
