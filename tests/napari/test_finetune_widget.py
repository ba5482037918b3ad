"""Fine-tune model: pairs, start, stop, fail, and never lose or overwrite anything."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QProgressBar,
)

from napari_herbarium import SheetError
from napari_herbarium._napari import graphics
from napari_herbarium._napari.finetune import rows as finetune_rows
from napari_herbarium._napari.finetune import unfinished as finetune_unfinished
from napari_herbarium._napari.finetune import widget as finetune_widget
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium._napari.segment.widget import SegmentLeaves
from napari_herbarium._napari.worker import State
from napari_herbarium.model.checkpoint import ModelConfig
from napari_herbarium.progress import Progress
from napari_herbarium.settings import DEFAULT_MODEL, Device
from napari_herbarium.train import train
from napari_herbarium.train.files.workplace import Workplace
from napari_herbarium.train.pairs.folder import save_pair
from napari_herbarium.train.pairs.preflight import iter_refuse_bad_pairs
from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe
from napari_herbarium.train.report import (
    Preview,
    Score,
    TrainedModel,
    TrainProgress,
)

MM = {"scale": (0.1, 0.1), "units": ("mm", "mm"), "axis_labels": ("y", "x")}
BEFORE, AFTER = 0.7, 0.8
STEPS = 4

pytestmark = pytest.mark.usefixtures("models")


def score(iou):
    return Score(val_loss=0.5, iou=iou, precision=0.9, recall=0.9, boundary_f=0.8)


class FakeTraining:
    """Stands in for `iter_train`: checks, counts four steps, writes a model folder."""

    def __init__(self):
        self.go_on = threading.Event()
        self.go_on.set()
        self.error = None
        self.calls = []
        self.closed = threading.Event()

    def iter_train(self, recipe, pairs, out, **options):
        list(iter_refuse_bad_pairs(pairs))
        self.calls.append((recipe, pairs, out, options))
        yield TrainProgress(1, 1, "sheets")
        blank = np.zeros((16, 16), np.uint8)
        shown = Preview(np.zeros((16, 16, 3), np.uint8), blank > 0, blank > 0, blank)
        yield self.scored(0, BEFORE, shown)
        try:
            for step in range(1, STEPS + 1):
                self.go_on.wait(60)
                if self.error is not None:
                    raise self.error
                yield TrainProgress(
                    step, STEPS, "steps", epoch=1, loss=1 / step, seconds_left=90.0
                )
        except GeneratorExit:
            self.write(out)
            raise
        finally:
            self.closed.set()
        yield self.scored(STEPS, AFTER, shown)
        self.write(out)
        return TrainedModel(
            out, out.name, score(BEFORE), score(AFTER), None, 1, STEPS, "all epochs"
        )

    def scored(self, step, iou, shown):
        numbers = score(iou).as_dict()
        return TrainProgress(
            step, STEPS, "steps", scored=True, loss=0.5, preview=shown, **numbers
        )

    def write(self, out):
        figures = {"before": score(BEFORE).as_dict(), "after": score(AFTER).as_dict()}
        out.mkdir(parents=True)
        config = ModelConfig(name=out.name, figures=figures)
        (out / "config.json").write_text(config.model_dump_json())


@pytest.fixture
def training(monkeypatch):
    fake = FakeTraining()
    monkeypatch.setattr(graphics, "load_torch", lambda: None)
    monkeypatch.setattr(train, "iter_train", fake.iter_train)
    yield fake
    fake.go_on.set()


@pytest.fixture
def widget(docked, training):
    return docked(FineTuneModel)


@pytest.fixture
def add_pair(viewer, picture):
    """Add a sheet with two leaves to the viewer; give its layers."""

    def add(name="sheet", leaves=2, shape=None, **options):
        image = viewer.add_image(picture, rgb=True, name=name, **(MM | options))
        labels = np.zeros(shape or picture.shape[:2], np.uint8)
        for leaf in range(leaves):
            labels[10:40, 10 + 40 * leaf : 40 + 40 * leaf] = leaf + 1
        return image, viewer.add_labels(labels, name=f"{name} leaves", **MM)

    return add


@pytest.fixture
def idle(widget, until):
    """Wait until nothing runs."""
    return lambda: until(lambda: widget.runner.state is State.IDLE)


@pytest.fixture
def looked(widget, until):
    """Wait until all pairs have been looked at."""
    return lambda: until(lambda: not widget.pairs.is_looking())


@pytest.fixture
def start(widget, training, until):
    """Click, and wait until the first scoring; the training then waits."""

    def start():
        training.go_on.clear()
        widget.button.click()
        until(lambda: bool(widget.live.points().iou))

    return start


def look_into(line, folder):
    """Give a folder as a user does, who ends with Enter."""
    line.row.set_folder(folder)
    line.row.line.editingFinished.emit()


def row_texts(widget):
    return [row.text.text() for row in widget.pairs.rows]


def test_a_row_says_what_the_pair_is(widget, add_pair, looked):
    add_pair()
    widget.current.add.click()
    looked()
    (text,) = row_texts(widget)
    assert "sheet" in text
    assert "160 x 120 px" in text
    assert "2 leaves" in text
    assert "⚠" not in text
    assert widget.button.isEnabled()


def test_a_row_follows_edits_of_its_labels(widget, add_pair, looked, until):
    _, labels = add_pair()
    widget.current.add.click()
    looked()
    edited = labels.data.copy()
    edited[100:110, 100:110] = 9
    labels.data = edited
    until(lambda: "3 leaves" in row_texts(widget)[0])


def test_a_row_follows_edits_made_while_a_look_at_it_failed(
    widget, add_pair, until, monkeypatch
):
    usual, go_on = finetune_rows.iter_look, threading.Event()

    def failing(pairs):
        yield Progress(0, len(pairs), "pairs")
        go_on.wait(60)
        raise MemoryError

    _, labels = add_pair()
    monkeypatch.setattr(finetune_rows, "iter_look", failing)
    widget.current.add.click()
    until(lambda: widget.pairs.runner.state is State.RUNNING)
    monkeypatch.setattr(finetune_rows, "iter_look", usual)
    edited = labels.data.copy()
    edited[60:90, 10:40] = 3
    labels.data = edited
    until(lambda: not widget.pairs._settle.isActive())
    go_on.set()
    until(lambda: "3 leaves" in row_texts(widget)[0])


def test_bad_pairs_are_all_listed_and_nothing_runs(widget, add_pair, looked, idle):
    add_pair("empty", leaves=0)
    widget.current.add.click()
    image, _ = add_pair("cropped")
    _, small = add_pair("other", shape=(100, 100))
    widget.current.sheet.choose(image)
    widget.current.labels.choose(small)
    widget.current.add.click()
    looked()
    first, second = row_texts(widget)
    assert "mask of empty is empty" in first
    assert "100 x 100 px" in second
    assert "160 x 120 px" in second
    widget.button.click()
    idle()
    assert "empty is empty" in widget.message.text()
    assert "160 x 120 px" in widget.message.text()
    assert len(widget.pairs.rows) == 2


def test_the_training_gets_what_is_set(widget, add_pair, training, idle, models):
    add_pair()
    widget.current.add.click()
    widget.form.length.setValue(3)
    widget.form.device.setCurrentIndex(widget.form.device.findData("cpu"))
    widget.form.name.setText("my oaks")
    widget.button.click()
    idle()
    ((recipe, (pair,), out, options),) = training.calls
    assert recipe == FewSheetsRecipe(minutes=3)
    assert pair.name == "sheet"
    assert pair.image.shape == (120, 160, 3)
    assert sorted(np.unique(pair.mask)) == [0, 1, 2]
    assert out == models / "my oaks"
    assert options == {
        "base": DEFAULT_MODEL,
        "device": Device.CPU,
        "resume": False,
        "others": (),
    }


def test_sheets_of_other_plants_are_optional(
    widget, add_pair, training, idle, tmp_path
):
    add_pair()
    widget.current.add.click()
    look_into(widget.form.others, tmp_path)
    widget.button.click()
    idle()
    assert training.calls == []
    assert "no sheets of other plants" in widget.message.text()
    (tmp_path / "rosa.png").write_bytes(b"")
    widget.button.click()
    idle()
    assert training.calls[0][3]["others"] == [tmp_path / "rosa.png"]
    paper = widget.form.recipe_name.findData("paper")
    widget.form.recipe_name.setCurrentIndex(paper)
    assert not widget.form.others.isEnabled()
    assert widget.form.other_sheets() is None


def test_epochs_and_the_published_recipe(widget):
    form = widget.form
    form.unit.setCurrentIndex(form.unit.findData("epochs"))
    form.length.setValue(7)
    assert form.recipe() == FewSheetsRecipe(epochs=7, minutes=None)
    form.recipe_name.setCurrentIndex(form.recipe_name.findData("paper"))
    assert form.recipe() == PaperRecipe()
    assert not form.base.isEnabled()


def test_the_new_model_is_in_segment_leaves_at_once(
    widget, add_pair, viewer, qtbot, idle
):
    segment = SegmentLeaves(viewer)
    qtbot.addWidget(segment)
    add_pair()
    widget.current.add.click()
    widget.button.click()
    idle()
    box = segment.form.model
    assert [box.itemText(row) for row in range(box.count())][-1] == "my leaves"
    assert box.currentText() == DEFAULT_MODEL
    assert "0.700 before, 0.800 now" in widget.message.text()
    assert "Segment leaves" in widget.message.text()
    assert widget.form.name.text() == "my leaves 2"


def test_stop_keeps_the_best_so_far(widget, add_pair, training, start, idle, models):
    add_pair()
    widget.current.add.click()
    start()
    assert widget.button.text() == "Stop"
    widget.button.click()
    assert widget.button.text() == "Stopping…"
    assert not widget.button.isEnabled()
    training.go_on.set()
    idle()
    assert (models / "my leaves" / "config.json").is_file()
    assert "best so far" in widget.message.text()
    assert "0.700 before, 0.800 now" in widget.message.text()
    assert widget.button.text() == "Fine-tune"


def test_when_its_dock_is_closed_the_best_is_kept_and_told(
    widget, add_pair, training, start, models, monkeypatch, until
):
    told, ends = [], []
    monkeypatch.setattr(finetune_widget, "show_info", told.append)
    dock = QDockWidget()
    dock.setWidget(widget)
    add_pair()
    widget.current.add.click()
    start()
    monkeypatch.setattr(widget, "deleteLater", lambda: ends.append(True))
    widget.setParent(None)  # what the x of the dock does
    until(lambda: widget.button.text() == "Stopping…")
    assert not ends
    training.go_on.set()
    until(lambda: bool(ends))
    assert (models / "my leaves" / "config.json").is_file()
    assert "best so far" in told[0]


def test_stopped_by_napari_the_best_is_kept_too(
    widget, add_pair, training, start, models, qtbot, until
):
    add_pair()
    widget.current.add.click()
    start()
    widget.runner.close()  # what the end of the window does
    training.go_on.set()
    until(training.closed.is_set)
    until(lambda: (models / "my leaves" / "config.json").is_file())


def test_progress_tells_steps_and_time_left(widget, add_pair, training, start, until):
    seen = []
    widget.runner.progressed.connect(lambda _: seen.append(widget.progress.text()))
    add_pair()
    widget.current.add.click()
    start()
    training.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert f"2 of {STEPS} steps, about 2 min left" in seen


def test_curves_and_crop_are_drawn(widget, add_pair, idle, until):
    add_pair()
    widget.current.add.click()
    widget.button.click()
    idle()
    assert widget.live.points().iou == ((0, BEFORE), (STEPS, AFTER))
    until(lambda: not widget.live.now.pixmap().isNull())
    assert not widget.live.curves.pixmap().isNull()
    until(lambda: widget.live.runner.state is State.IDLE)


def test_an_error_comes_in_words_and_loses_nothing(
    widget, add_pair, training, start, idle, viewer
):
    add_pair()
    widget.current.add.click()
    start()
    training.error = SheetError("The disk is full; free some space.")
    training.go_on.set()
    idle()
    assert widget.message.text() == "The disk is full; free some space."
    assert len(widget.pairs.rows) == 1
    assert len(viewer.layers) == 2
    training.error = None
    assert widget.button.isEnabled()
    widget.button.click()
    idle()
    assert "0.800" in widget.message.text()


@pytest.mark.parametrize("name", [DEFAULT_MODEL, DEFAULT_MODEL.upper(), "a/b", ""])
def test_such_a_name_is_refused_in_words(widget, add_pair, name):
    add_pair()
    widget.current.add.click()
    assert widget.button.isEnabled()
    widget.form.name.setText(name)
    assert not widget.button.isEnabled()
    assert "name" in widget.form.refusal.text()


def test_the_name_of_a_model_that_exists_is_refused(widget, add_pair, models):
    add_pair()
    widget.current.add.click()
    (models / "oaks").mkdir(parents=True)
    widget.form.name.setText("oaks")
    assert not widget.button.isEnabled()
    assert "another name" in widget.form.refusal.text()


def test_without_pairs_it_says_what_to_do(widget):
    assert not widget.button.isEnabled()
    assert "Add a pair" in widget.message.text()


def test_the_same_sheet_again_takes_its_new_labels(widget, add_pair, viewer, looked):
    image, labels = add_pair()
    widget.current.add.click()
    other = viewer.add_labels(labels.data // 2, name="second thoughts", **MM)
    widget.current.labels.choose(other)
    widget.current.add.click()
    looked()
    (text,) = row_texts(widget)
    assert "second thoughts" in text
    assert widget.pairs.rows[0].image is image


def test_two_sheets_of_one_name_are_told_apart(widget, add_pair):
    for folder in ("a", "b"):
        add_pair(folder, metadata={"path": f"/{folder}/sheet.tif"})
        widget.current.add.click()
    assert [row.name for row in widget.pairs.rows] == ["sheet", "sheet 2"]


def test_removed_pairs_are_not_trained_on(widget, add_pair, training, idle):
    for name in ("one", "two"):
        add_pair(name)
        widget.current.add.click()
    widget.pairs.rows[0].remove.click()
    widget.button.click()
    idle()
    assert [pair.name for pair in training.calls[0][1]] == ["two"]


def test_a_pair_counts_though_its_layers_were_closed(
    widget, add_pair, viewer, training, idle
):
    add_pair()
    widget.current.add.click()
    viewer.layers.clear()
    widget.button.click()
    idle()
    assert [pair.name for pair in training.calls[0][1]] == ["sheet"]


def test_of_a_pyramid_the_full_resolution_is_trained_on(
    widget, viewer, picture, training, idle
):
    viewer.add_image([picture, picture[::2, ::2]], rgb=True, multiscale=True, name="p")
    viewer.add_labels((picture[..., 0] < 60).astype(np.uint8), name="p leaves")
    widget.current.add.click()
    widget.button.click()
    idle()
    assert training.calls[0][1][0].image.shape == picture.shape


def test_selecting_a_layer_chooses_the_pair(widget, add_pair, viewer):
    first = add_pair("one")
    second = add_pair("two", shape=(120, 160))
    # sheets of one size: only what Segment leaves noted tells them apart
    for image, labels in (first, second):
        labels.metadata["napari-herbarium"] = {"image_id": str(image.unique_id)}
    viewer.layers.selection.active = first[1]
    assert widget.current.layers() == first
    viewer.layers.selection.active = second[0]
    assert widget.current.layers() == second


def test_a_folder_adds_its_pairs_but_open_sheets_count(
    widget, add_pair, training, tmp_path, picture, idle, until
):
    labels = (picture[..., 0] < 60).astype(np.uint8)
    for stem in ("sheet", "other"):
        save_pair(tmp_path / "pairs", stem, picture, labels)
    look_into(widget.folder, tmp_path / "pairs")
    until(lambda: "2 pairs" in widget.folder.text.text())
    assert widget.button.isEnabled()
    add_pair()
    widget.current.add.click()
    widget.button.click()
    idle()
    pairs = training.calls[0][1]
    assert [pair.name for pair in pairs] == ["sheet", "other"]
    assert isinstance(pairs[0].mask, np.ndarray)


def test_a_folder_that_is_being_typed_can_be_trained_on(widget, tmp_path):
    assert not widget.button.isEnabled()
    widget.folder.row.line.setText(str(tmp_path))
    assert widget.button.isEnabled()
    widget.folder.row.line.clear()
    assert not widget.button.isEnabled()


def test_what_is_wrong_in_a_folder_is_said(widget, tmp_path, picture, until):
    labels = (picture[..., 0] < 60).astype(np.uint8)
    for stem in ("one", "two"):
        mask = save_pair(tmp_path, stem, picture, labels)
        mask.unlink()
    look_into(widget.folder, tmp_path)
    until(lambda: "2 pairs" in widget.folder.text.text())
    assert "one has no mask" in widget.folder.text.text()
    assert "two has no mask" in widget.folder.text.text()


def test_a_folder_of_other_plants_is_looked_into(widget, tmp_path, until):
    others = widget.form.others
    look_into(others, tmp_path)
    until(lambda: "holds no sheets of other plants" in others.text.text())
    for number in range(17):
        (tmp_path / f"{number}.png").write_bytes(b"")
    others.look(again=True)
    until(lambda: "17 sheets in the folder, of which 16" in others.text.text())
    others.row.line.clear()
    assert others.text.text() == ""


def test_folders_can_be_dropped(widget, tmp_path, until, drop):
    assert drop(widget.folder.row.line, tmp_path)
    until(lambda: "No pairs in the folder" in widget.folder.text.text())
    assert drop(widget.form.others.row.line, tmp_path)
    until(lambda: "no sheets of other plants" in widget.form.others.text.text())


@pytest.mark.parametrize("answer", [True, False, None])
def test_an_unfinished_training_is_asked_about(
    widget, add_pair, training, models, monkeypatch, idle, answer
):
    add_pair()
    widget.current.add.click()
    state = models / ".oaks.training"
    state.mkdir(parents=True)
    (state / "checkpoint.safetensors").write_bytes(b"")
    monkeypatch.setattr(finetune_unfinished, "ask_unfinished", lambda *_: answer)
    widget.form.name.setText("oaks")
    widget.button.click()
    idle()
    resumed = [options["resume"] for *_, options in training.calls]
    assert resumed == ([] if answer is None else [answer])
    assert state.exists() is (answer is not False)


def test_a_training_that_is_still_at_work_is_not_asked_about(
    widget, add_pair, training, models, monkeypatch, idle
):
    add_pair()
    widget.current.add.click()
    monkeypatch.setattr(finetune_unfinished, "ask_unfinished", lambda *_: False)
    widget.form.name.setText("oaks")
    place = Workplace(models / "oaks")
    with place.claim(resume=False):
        place.checkpoint.write_bytes(b"")
        widget.button.click()
        idle()
        assert place.checkpoint.exists()
    assert "oaks is being trained by another run" in widget.message.text()
    assert training.calls == []


def test_every_control_has_a_tooltip(widget, add_pair):
    add_pair()
    widget.current.add.click()
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QProgressBar)
    ours = [
        child
        for kind in kinds
        for child in widget.findChildren(kind)
        if child.objectName() != "qt_spinbox_lineedit"
        and not isinstance(child.parent(), QLineEdit | QComboBox)
    ]
    assert len(ours) > 10
    assert [type(x).__name__ for x in ours if not x.toolTip()] == []
    assert all(label.wordWrap() for label in (widget.message, *rows_labels(widget)))


def rows_labels(widget):
    return [row.text for row in widget.pairs.rows if isinstance(row.text, QLabel)]
