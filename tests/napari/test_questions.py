"""What the user is asked, and where a click leads."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_herbarium._napari.batch.form import BatchForm
from napari_herbarium._napari.common.model_box import ModelBox
from napari_herbarium._napari.common.path_line import FolderRow, PathLine
from napari_herbarium._napari.finetune.folder import TrainingFolder
from napari_herbarium._napari.finetune.unfinished import ask_unfinished
from napari_herbarium._napari.measure.save import FORMATS
from napari_herbarium._napari.measure.save_menu import ask_path, ask_replace
from napari_herbarium._napari.preferences import Preferences
from napari_herbarium._napari.review.ask import Unsaved, ask_unsaved

BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def made(qtbot):
    def made(widget):
        qtbot.addWidget(widget)
        return widget

    return made


@pytest.fixture
def choose(monkeypatch):
    """Choose this in the next dialog of files or folders."""

    def choose(path):
        several = ([str(path)] if path else [], "")
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))
        monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: several)
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), "")
        )

    return choose


@pytest.fixture
def press(monkeypatch):
    """Press this button in the next question, and note what is asked."""
    asked = []

    def press(button):
        def question(parent, title, text, *_):
            asked.append(text)
            return button

        monkeypatch.setattr(QMessageBox, "question", question)
        return asked

    return press


def test_a_folder_or_files_are_chosen_for_a_run(made, choose, tmp_path):
    form = made(BatchForm(Preferences()))
    choose(tmp_path / "scans")
    form.folder.click()
    assert form.sheets.paths() == [str(tmp_path / "scans")]
    assert form.results.folder() == tmp_path / "scans leaves"
    choose(tmp_path / "more" / "K1.jpg")
    form.files.click()
    assert form.sheets.paths() == [str(tmp_path / "more" / "K1.jpg")]
    assert form.results.folder() == tmp_path / "more leaves"
    choose("")
    form.folder.click()
    form.files.click()
    assert form.sheets.paths() == [str(tmp_path / "more" / "K1.jpg")]


def test_a_folder_is_chosen_for_a_line(made, choose, tmp_path):
    row = made(FolderRow("Where it goes.", "Choose it.", "none"))
    choose(tmp_path)
    row.browse.click()
    assert row.folder() == tmp_path
    choose("")
    row.browse.click()
    assert row.folder() == tmp_path


def test_two_folders_cannot_be_dropped_on_the_line_of_one(made, drop, tmp_path):
    two = [tmp_path / "a", tmp_path / "b"]
    row = made(FolderRow("Where it goes.", "Choose it.", "none"))
    assert drop(row.line, tmp_path)
    assert not drop(row.line, *two)
    assert row.folder() == tmp_path
    sheets = made(PathLine("Which sheets.", "none"))
    assert drop(sheets, *two)
    assert sheets.paths() == [str(path) for path in two]


def test_a_training_folder_is_chosen(made, choose, tmp_path):
    folder = made(TrainingFolder())
    choose("")
    assert folder.ask() is None
    choose(tmp_path)
    folder.row.browse.click()
    assert folder.folder() == tmp_path


def test_a_model_folder_is_chosen(made, choose, tmp_path):
    box = made(ModelBox(Preferences()))
    before = box.loads()
    choose("")
    box.browse.click()
    assert box.loads() == before
    choose(tmp_path / "oaks")
    box.browse.click()
    assert box.loads() == str(tmp_path / "oaks")


def test_a_file_to_save_in_is_chosen(made, choose, tmp_path):
    parent = made(QWidget())
    choose(tmp_path / "t.csv")
    assert ask_path(parent, FORMATS[0], Path("t.csv")) == tmp_path / "t.csv"
    choose("")
    assert ask_path(parent, FORMATS[0], Path("t.csv")) is None


def test_files_are_replaced_after_a_yes(made, press, tmp_path):
    parent = made(QWidget())
    asked = press(BUTTONS.Yes)
    assert ask_replace(parent, [tmp_path / "a.csv", tmp_path / "a.json"])
    assert str(tmp_path / "a.json") in asked[0]
    press(BUTTONS.No)
    assert not ask_replace(parent, [tmp_path / "a.csv"])


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        (BUTTONS.Save, Unsaved.SAVE),
        (BUTTONS.Discard, Unsaved.DROP),
        (BUTTONS.Cancel, Unsaved.STAY),
        (BUTTONS.NoButton, Unsaved.STAY),
    ],
)
def test_repairs_that_are_not_saved_stay_unless_the_user_says_so(
    made, press, button, answer
):
    asked = press(button)
    assert ask_unsaved(made(QWidget()), "K1") is answer
    assert "K1" in asked[0]


@pytest.mark.parametrize(
    ("text", "answer"), [("Go on", True), ("Start anew", False), ("Cancel", None)]
)
def test_an_unfinished_training_goes_on_or_is_dropped(made, monkeypatch, text, answer):
    def press(box):
        assert "oaks" in box.text()
        next(b for b in box.buttons() if b.text().replace("&", "") == text).click()

    monkeypatch.setattr(QMessageBox, "exec", press)
    assert ask_unfinished("oaks", made(QWidget())) is answer
