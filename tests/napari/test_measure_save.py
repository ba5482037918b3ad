"""Saving: every format, the same numbers, and never over a file unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_herbarium._napari.measure.save import FORMATS
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium.measure.files.overlay import draw_overlay

MM = {"scale": (0.1, 0.1), "units": ("mm", "mm")}
BY_SUFFIX = {kind.suffix: kind for kind in FORMATS}


@pytest.fixture
def widget(viewer, qtbot, judge, until):
    labels = np.zeros((120, 160), np.uint8)
    labels[10:60, 10:50] = 2
    labels[20:90, 70:150] = 4
    picture = np.full((120, 160, 3), 230, np.uint8)
    viewer.add_image(
        picture, rgb=True, name="sheet", metadata={"path": "B100.tif"}, **MM
    )
    viewer.add_labels(labels, name="leaves", **MM)
    widget = MeasureLeaves(viewer)
    qtbot.addWidget(widget)
    widget.run()
    until(lambda: widget.live.settled)
    return widget


@pytest.fixture
def save(widget, tmp_path, until):
    """Save under the proposed name; gives the file."""
    paths = []

    def choose(_kind, proposed):
        paths.append(tmp_path / proposed.name)
        return paths[-1]

    widget.save.ask_path = choose

    def save(suffix):
        widget.save.save(BY_SUFFIX[suffix])
        until(lambda: widget.save.runner.state == "idle")
        return paths[-1]

    return save


def test_a_table_says_beside_it_where_its_numbers_are_from(widget, save):
    path = save(".csv")
    assert path.name == "B100.csv"
    table = pd.read_csv(path)
    assert table["area_mm2"].tolist() == pytest.approx([20, 56])
    told = json.loads(path.with_suffix(".json").read_text())
    assert told["mm_per_px"] == pytest.approx(0.1)
    assert told["settings"]["whole_threshold"] == pytest.approx(widget.live.threshold)
    assert "napari-herbarium" in told["software"]
    assert "Saved B100.csv and B100.json" in widget.message.text()


def test_the_folder_of_the_sheet_is_proposed_and_then_the_last_one(
    widget, viewer, save, tmp_path
):
    sheets = tmp_path / "sheets"
    sheets.mkdir()
    sheet = sheets / "B100.tif"
    sheet.touch()
    viewer.layers["sheet"].metadata["path"] = str(sheet)
    choose, proposed = widget.save.ask_path, []

    def watch(kind, path):
        proposed.append(path)
        return choose(kind, path)

    widget.save.ask_path = watch
    save(".csv")
    save(".parquet")
    assert proposed == [sheets / "B100.csv", tmp_path / "B100.parquet"]


def test_parquet_holds_the_same_numbers(widget, save):
    table = pd.read_parquet(save(".parquet"))
    assert table["label"].tolist() == [2, 4]
    assert table["area_px"].tolist() == [2000, 5600]


def test_outlines_are_those_of_the_table(widget, save):
    coco = json.loads(save(".coco.json").read_text())
    assert {one["id"]: one["area"] for one in coco["annotations"]} == {2: 2000, 4: 5600}
    assert coco["images"][0]["file_name"] == "B100.tif"
    geo = json.loads(save(".geojson").read_text())
    rows = [feature["properties"] for feature in geo["features"]]
    assert [row["area_mm2"] for row in rows] == pytest.approx([20, 56])


def test_labels_keep_pixels_and_scale(viewer, save):
    path = save(".leaves.tif")
    with tifffile.TiffFile(path) as tiff:
        assert np.array_equal(tiff.asarray(), viewer.layers["leaves"].data)
        assert tiff.pages[0].get_resolution("MILLIMETER")[0] == pytest.approx(10)
    assert path.with_suffix(".json").name == "B100.leaves.json"
    assert path.with_suffix(".json").exists()


def test_an_overlay_is_drawn_on_the_sheet(save):
    with Image.open(save(".overlay.png")) as picture:
        assert picture.size == (4 * 160, 4 * 120)


def test_an_overlay_marks_leaves_that_are_not_whole(viewer, widget, save):
    widget.live.say([2], word=False)
    picture, labels = (viewer.layers[name].data for name in ("sheet", "leaves"))
    expected = draw_overlay(picture, labels, partial={2})
    with Image.open(save(".overlay.png")) as saved:
        assert np.array_equal(np.asarray(saved), expected)


def test_nothing_is_replaced_without_asking(widget, save):
    path = save(".csv")
    before = path.read_bytes()
    asked = []

    def no(files):
        asked.append([file.name for file in files])
        return False

    widget.save.ask_replace = no
    path.with_suffix(".json").unlink()
    path.write_bytes(before + b"my own notes")
    save(".csv")
    assert asked == [["B100.csv"]]
    assert path.read_bytes() == before + b"my own notes"
    assert "nothing was replaced" in widget.message.text()
    widget.save.ask_replace = lambda _files: True
    save(".csv")
    assert path.read_bytes() == before


def test_a_sidecar_is_not_replaced_without_asking_either(widget, save, tmp_path):
    (tmp_path / "B100.json").write_text("mine")
    widget.save.ask_replace = lambda _files: False
    save(".csv")
    assert (tmp_path / "B100.json").read_text() == "mine"
    assert not (tmp_path / "B100.csv").exists()


def test_another_kind_of_table_leaves_that_of_the_first_as_it_was(
    widget, save, tmp_path
):
    asked = []
    widget.save.ask_replace = lambda files: bool(asked.append(files))
    save(".csv")
    before = (tmp_path / "B100.json").read_bytes()
    table = save(".parquet")
    told = json.loads((tmp_path / "B100.parquet.json").read_text())
    assert told["mm_per_px"] == pytest.approx(0.1)
    assert (table.exists(), asked) == (True, [])
    assert (tmp_path / "B100.json").read_bytes() == before


def test_a_changed_mind_saves_nothing(widget, tmp_path):
    widget.save.ask_path = lambda _kind, _proposed: None
    widget.save.save(BY_SUFFIX[".csv"])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(widget, tmp_path, until):
    (tmp_path / "file").write_text("")
    widget.save.ask_path = lambda _kind, _proposed: tmp_path / "file" / "x.csv"
    widget.save.save(BY_SUFFIX[".csv"])
    until(lambda: widget.save.runner.state == "idle")
    assert "Cannot write" in widget.message.text()


def test_a_name_that_is_too_long_for_a_file_is_told(widget, tmp_path, until):
    widget.save.ask_path = lambda _kind, _proposed: tmp_path / ("é" * 300)
    widget.save.save(BY_SUFFIX[".csv"])
    until(lambda: widget.save.runner.state == "idle")
    assert "choose a shorter name" in widget.message.text()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a", "a.coco.json"])
def test_the_suffix_is_added_once(name):
    files = BY_SUFFIX[".coco.json"].files(Path(name))
    assert files == [Path("a.coco.json")]


def test_without_a_sheet_the_overlay_says_what_is_missing(
    viewer, widget, save, qtbot, until
):
    viewer.layers.clear()
    viewer.add_labels(np.eye(60, dtype=np.uint8), name="alone")
    widget.run()
    until(lambda: widget.live.settled)
    save(".overlay.png")
    assert "no image of the size of the labels" in widget.message.text()
