"""Save as training pair: everything of the sheet is kept, and nothing is replaced."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_herbarium import read_sheet
from napari_herbarium._napari.finetune import save as finetune_save
from napari_herbarium._napari.finetune.save import (
    PairSaver,
    file_stem,
    save_training_pair,
)
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium.progress import Progress
from napari_herbarium.train.pairs.pair import open_mask
from napari_herbarium.train.pairs.preflight import check_pairs, find_training_pairs


@pytest.fixture
def pair(viewer, picture):
    """A calibrated pyramid, opened from a file, and its labels."""
    image = viewer.add_image(
        [picture, picture[::2, ::2]],
        rgb=True,
        multiscale=True,
        name="K000001234",
        scale=(0.05, 0.05),
        units=("mm", "mm"),
        metadata={
            "path": "/sheets/K000001234.tif",
            "catalog_number": "K000001234",
            "scale_source": "ruler",
        },
    )
    labels = np.zeros(picture.shape[:2], np.uint8)
    labels[10:50, 10:60], labels[60:100, 90:140] = 1, 255
    layer = viewer.add_labels(
        labels, name="leaves", scale=(0.05, 0.05), units=("mm", "mm")
    )
    return image, layer


@pytest.fixture
def saver():
    saver = PairSaver()
    yield saver
    saver.runner.close()


@pytest.fixture
def save(saver, pair, tmp_path, until):
    """Save the pair and wait; give what was said."""

    def save():
        said = []
        saver.saved.connect(said.append)
        saver.failed.connect(said.append)
        assert saver.save(tmp_path, *pair)
        until(lambda: bool(said))
        return said[0]

    return save


def test_a_pair_is_whole_when_it_is_read_again(save, tmp_path, picture, pair):
    said = save()
    assert "K000001234" in said
    assert str(tmp_path) in said
    (stored,) = find_training_pairs(tmp_path)
    assert check_pairs([stored]) == []
    assert np.array_equal(open_mask(stored), pair[1].data > 0)
    sheet = read_sheet(stored.image)
    assert np.array_equal(np.asarray(sheet.image), picture)
    assert sheet.offered_mm_per_px == pytest.approx(0.05, rel=1e-3)
    record = json.loads((tmp_path / "masks" / "K000001234.json").read_text())
    assert record["leaves"] == 2
    assert record["facts"]["scale_source"] == "ruler"
    assert record["facts"]["path"] == "/sheets/K000001234.tif"


@pytest.mark.parametrize("replace", [True, False])
def test_a_pair_is_replaced_only_when_the_user_says_so(
    save, saver, pair, tmp_path, monkeypatch, until, replace
):
    save()
    asked = []
    monkeypatch.setattr(
        finetune_save, "ask_replace", lambda *what: asked.append(what) or replace
    )
    before = (tmp_path / "masks" / "K000001234.tif").read_bytes()
    pair[1].data = np.where(pair[1].data == 1, 1, 0).astype(np.uint8)
    assert saver.save(tmp_path, *pair) is replace
    until(lambda: saver.runner.state == "idle")
    assert asked == [("K000001234", tmp_path)]
    after = (tmp_path / "masks" / "K000001234.tif").read_bytes()
    assert (after != before) is replace


def test_labels_without_leaf_are_refused_in_words(save, pair):
    pair[1].data = np.zeros_like(pair[1].data)
    assert "no leaf" in save()


def test_the_button_uses_the_folder_that_is_set(
    viewer, pair, qtbot, tmp_path, until, monkeypatch
):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "models"))
    widget = FineTuneModel(viewer)
    qtbot.addWidget(widget)
    widget.show()
    folder = tmp_path / "pairs"
    widget.folder.row.set_folder(folder)
    widget.current.save.click()
    until(lambda: "Saved the training pair" in widget.message.text())
    assert (folder / "masks" / "K000001234.tif").is_file()
    until(lambda: "1 pair" in widget.folder.text.text())


def test_while_a_pair_is_written_no_second_one_is_lost(
    viewer, pair, qtbot, tmp_path, until, monkeypatch
):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "models"))
    real, go_on = finetune_save.iter_save, threading.Event()

    def slow(*what, **how):
        yield Progress(0, 0, "saving")
        go_on.wait(60)
        return (yield from real(*what, **how))

    monkeypatch.setattr(finetune_save, "iter_save", slow)
    widget = FineTuneModel(viewer)
    qtbot.addWidget(widget)
    widget.folder.row.set_folder(tmp_path / "pairs")
    widget.current.save.click()
    assert not widget.current.save.isEnabled()
    assert widget.message.text() == "Saving the training pair…"
    go_on.set()
    until(lambda: "Saved the training pair" in widget.message.text())
    assert widget.current.save.isEnabled()


def test_the_menu_entry_asks_for_a_folder_and_tells(
    viewer, pair, tmp_path, monkeypatch, until
):
    told = []
    monkeypatch.setattr(finetune_save, "show_info", told.append)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    save_training_pair(viewer)
    until(lambda: bool(told))
    assert "K000001234" in told[0]
    assert (tmp_path / "images" / "K000001234.tif").is_file()
    until(lambda: not finetune_save._busy)


def test_without_a_pair_the_menu_entry_says_what_to_do(viewer, monkeypatch):
    told = []
    monkeypatch.setattr(finetune_save, "show_error", told.append)
    save_training_pair(viewer)
    assert "run Segment leaves" in told[0]


def test_names_become_names_of_files():
    assert file_stem("Quercus a/b: type?") == "Quercus a-b- type-"
    assert file_stem("...") == "sheet"
