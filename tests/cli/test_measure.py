"""`napari-herbarium measure`: the numbers of the table, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_herbarium.measure.files.export import write_labels
from napari_herbarium.measure.table import SheetFacts, leaf_table


def leaves(dtype=np.uint8):
    labels = np.zeros((420, 280), dtype)
    labels[50:80, 40:60] = 1
    labels[200:260, 100:140] = 2
    return labels


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels" / "K1.leaves.tif"
    write_labels(path, leaves(), mm_per_px=0.5)
    return path


def table(folder):
    return pd.read_csv(folder / "traits.csv", keep_default_na=False)


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_numbers_are_those_of_the_one_table(tmp_path, run, draw, labels):
    sheet = draw(tmp_path / "K1.png")
    out = tmp_path / "out"
    result = run("measure", labels, "--out", out, "--image", sheet, "--harmonics", 2)
    assert result.exit_code == 0, result.stderr
    facts = SheetFacts("K1", "", 0.5, "resolution tag", "trusted")
    image = np.asarray(Image.open(sheet))
    expected = leaf_table(leaves(), facts, image, harmonics=2)
    found = table(out)
    assert list(found.columns) == list(expected.columns)
    for name in expected.select_dtypes("number").dropna(axis=1):
        assert found[name].tolist() == pytest.approx(expected[name].tolist(), rel=1e-8)
    assert found["area_mm2"].tolist() == [150, 600]
    assert found["mean_green"].tolist() == pytest.approx([140, 140])


def test_numbers_are_those_of_segment(tmp_path, run, draw):
    sheet = draw(tmp_path / "K000123456.tif", mm_per_px=1.0)
    first, second = tmp_path / "first", tmp_path / "second"
    run("segment", sheet, "--out", first, "--measure")
    result = run("measure", first, "--out", second, "--image", sheet)
    assert result.exit_code == 0, result.stderr
    assert (first / "traits.csv").read_text() == (second / "traits.csv").read_text()


def test_one_leaf_is_no_leaves(tmp_path, run):
    path = tmp_path / "K1.leaves.tif"
    write_labels(path, leaves() % 2, mm_per_px=0.5)
    result = run("measure", path, "--out", tmp_path / "out")
    assert "Measured 1 leaf on 1 sheet." in result.stdout


def test_what_the_user_said_in_napari_counts(tmp_path, run, labels):
    flips = {"whole_by_user": {"2": False, "99": True}}
    labels.with_suffix(".json").write_text(json.dumps(flips))
    out = tmp_path / "out"
    result = run("measure", labels, "--out", out)
    assert result.exit_code == 0, result.stderr
    rows = table(out).set_index("label")
    assert (rows["whole_by"][1], rows["whole_by"][2]) == ("model", "user")
    assert not rows["whole"][2]
    told = json.loads((out / "K1.traits.json").read_text())
    assert told["whole_by_user"] == {"2": False, "99": True}


def test_another_classifier_judges_and_is_written_down(
    tmp_path, run, labels, yes_sayer, monkeypatch
):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(yes_sayer.parent))
    usual, other = tmp_path / "usual", tmp_path / "other"
    assert run("measure", labels, "--out", usual).exit_code == 0
    result = run("measure", labels, "--out", other, "--whole-model", yes_sayer.name)
    assert result.exit_code == 0, result.stderr
    assert (table(other)["whole_probability"] > 0.99).all()
    assert (table(usual)["whole_probability"] < 0.99).all()
    first, second = (
        json.loads((out / "K1.traits.json").read_text())["whole_model"]
        for out in (usual, other)
    )
    assert (first["name"], second["name"]) == ("whole-leaves", "yes sayer")
    assert first["sha256"] != second["sha256"]


def test_a_classifier_that_is_none_is_refused_before_any_work(tmp_path, run, labels):
    for wrong, why in (("nobody", "whole-leaves"), ("herbarium-leaves", "--model")):
        result = run(
            "measure", labels, "--out", tmp_path / "out", "--whole-model", wrong
        )
        assert result.exit_code == 2
        assert why in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{}", "no json", '{"whole_by_user": [1]}'])
def test_a_json_file_beside_the_labels_may_be_anything(tmp_path, run, labels, content):
    labels.with_suffix(".json").write_text(content)
    result = run("measure", labels, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert set(table(tmp_path / "out")["whole_by"]) == {"model"}


def test_every_format_and_what_is_said(tmp_path, run, draw, labels):
    sheet = draw(tmp_path / "K1.png")
    out = tmp_path / "out"
    options = ("--formats", "csv,parquet,coco,geojson", "--overlay")
    result = run("measure", labels, "--out", out, "--image", sheet, *options)
    assert result.exit_code == 0, result.stderr
    assert listing(out) == [
        "K1.coco.json",
        "K1.geojson",
        "K1.overlay.png",
        "K1.traits.json",
        "traits.csv",
        "traits.parquet",
    ]
    assert all(name in result.stdout for name in listing(out))
    assert "Measured 2 leaves on 1 sheet." in result.stdout
    parquet = pd.read_parquet(out / "traits.parquet")
    assert parquet["area_mm2"].tolist() == table(out)["area_mm2"].tolist()
    coco = json.loads((out / "K1.coco.json").read_text())
    assert coco["images"][0]["file_name"] == "K1.png"
    assert [each["id"] for each in coco["annotations"]] == [1, 2]
    assert len(json.loads((out / "K1.geojson").read_text())["features"]) == 2
    told = json.loads((out / "K1.traits.json").read_text())
    assert told["labels"].endswith("K1.leaves.tif")
    assert told["mm_per_px"] == pytest.approx(0.5)


def test_given_scale_counts_and_none_leaves_mm_empty(tmp_path, run):
    tifffile.imwrite(tmp_path / "a.tif", leaves(np.uint32))
    run("measure", tmp_path / "a.tif", "--out", tmp_path / "px")
    assert table(tmp_path / "px")["area_mm2"].tolist() == ["", ""]
    run("measure", tmp_path / "a.tif", "--out", tmp_path / "mm", "--mm-per-px", 2)
    assert table(tmp_path / "mm")["area_mm2"].tolist() == [2400, 9600]
    assert table(tmp_path / "mm")["scale_source"].tolist() == ["user"] * 2


def test_labels_that_fail_are_named_and_the_others_go_on(tmp_path, run, draw, labels):
    (labels.parent / "broken.leaves.tif").write_bytes(b"II*\0 nothing")
    write_labels(labels.parent / "alone.leaves.tif", leaves())
    write_labels(labels.parent / "small.leaves.tif", leaves()[:100])
    for stem in ("K1", "small", "broken"):
        draw(tmp_path / "sheets" / f"{stem}.png")
    out = tmp_path / "out"
    sheets = tmp_path / "sheets"
    result = run("measure", labels.parent, "--out", out, "--image", sheets)
    assert result.exit_code == 1
    assert set(table(out)["sheet"]) == {"K1"}
    told = result.stderr.splitlines()
    assert len(told) == 3
    assert "alone" in told[0]
    assert "there is none" in told[0]
    assert "broken.leaves.tif" in told[1]
    assert "small" in told[2]
    assert "(420, 280, 3)" in told[2]
    assert "Traceback" not in result.output


def test_results_that_exist_stay_unless_told(tmp_path, run, labels):
    out = tmp_path / "out"
    options = ("--formats", "csv,coco")
    run("measure", labels, "--out", out, *options)
    before = {path: path.read_bytes() for path in out.iterdir()}
    result = run("measure", labels, "--out", out, *options)
    assert result.exit_code == 2
    for name in ("K1.coco.json", "K1.traits.json", "rows of K1"):
        assert name in result.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    write_labels(labels, np.where(leaves() == 1, 0, leaves()), mm_per_px=0.5)
    result = run("measure", labels, "--out", out, *options, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert table(out)["label"].tolist() == [2]


def test_rows_of_other_sheets_with_other_harmonics_are_not_lost(tmp_path, run, labels):
    out = tmp_path / "out"
    write_labels(labels.parent / "K2.leaves.tif", leaves())
    run("measure", labels.parent, "--out", out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    args = ("--harmonics", 3, "--overwrite")
    result = run("measure", labels, "--out", out, *args)
    assert result.exit_code == 2
    assert "rows of other sheets (K2) with other columns" in result.stderr
    assert "--harmonics 0, now 3" in result.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_table_that_is_replaced_as_a_whole_may_get_other_harmonics(
    tmp_path, run, labels
):
    out = tmp_path / "out"
    write_labels(labels.parent / "K2.leaves.tif", leaves())
    args = ("measure", labels.parent, "--out", out, "--formats", "csv,parquet")
    run(*args)
    refused = run(*args, "--harmonics", 3)
    assert refused.exit_code == 2
    assert "add --overwrite" in refused.stderr
    for harmonics in (3, 1):
        result = run(*args, "--harmonics", harmonics, "--overwrite")
        assert result.exit_code == 0, result.stderr
        for found in (table(out), pd.read_parquet(out / "traits.parquet")):
            assert found["sheet"].tolist() == ["K1", "K1", "K2", "K2"]
            assert found.columns[-1] == f"efd_d{harmonics}"


def test_labels_are_never_written_over(tmp_path, run):
    path = tmp_path / "a.overlay.png"
    Image.fromarray(leaves()).save(path)
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((420, 280, 3), np.uint8)).save(picture)
    before = path.read_bytes()
    args = ("--image", picture, "--overlay", "--overwrite")
    write_labels(tmp_path / "a.leaves.tif", leaves())
    result = run("measure", tmp_path / "a.leaves.tif", path, "--out", tmp_path, *args)
    assert result.exit_code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--formats", "csv,xlsx"), "choose from csv, parquet, coco, geojson"),
        (("--formats", ","), "choose from"),
        (("--mm-per-px", "-1"), "--mm-per-px is -1"),
        (("--overlay",), "--image"),
        (("--harmonics", "-2"), "--harmonics"),
        (("--image", "gone.png"), "gone.png"),
    ],
)
def test_option_that_makes_no_sense(tmp_path, run, labels, options, said):
    result = run("measure", labels, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_one_picture_cannot_be_that_of_several(tmp_path, run, draw, labels):
    write_labels(labels.parent / "b.leaves.tif", leaves())
    sheet = draw(tmp_path / "K1.png")
    args = ("--out", tmp_path / "out", "--image", sheet)
    result = run("measure", labels.parent, *args)
    assert result.exit_code == 2
    assert "the folder of their pictures" in result.stderr


def test_folder_of_segment_is_measured_without_its_overlays(tmp_path, run, draw):
    for stem in "ab":
        draw(tmp_path / "sheets" / f"{stem}.png")
    out = tmp_path / "out"
    run("segment", tmp_path / "sheets", "--out", out, "--overlay")
    result = run("measure", out, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert table(out)["sheet"].tolist() == ["a", "a", "b", "b"]


def test_folder_without_labels_is_said(tmp_path, run):
    (tmp_path / "empty").mkdir()
    result = run("measure", tmp_path / "empty", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "holds no labels" in result.stderr
