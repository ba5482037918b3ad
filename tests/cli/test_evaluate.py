"""`napari-herbarium evaluate` on sheets whose figures are known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def data(tmp_path, draw):
    """Two sheets; on `half` the truth is twice what can be found."""
    folder = tmp_path / "data"
    truth = np.zeros((420, 280), np.uint8)
    truth[50:80, 40:60] = 1
    truth[200:260, 100:140] = 1
    for stem in ("full", "half"):
        draw(folder / "images" / f"{stem}.png")
        (folder / "masks").mkdir(exist_ok=True)
        Image.fromarray(truth).save(folder / "masks" / f"{stem}.png")
        truth[300:350, 100:160] = 1
    return folder


def test_figures_per_sheet_and_overall(data, run, tmp_path):
    out = tmp_path / "figures.json"
    result = run("evaluate", "--data", data, "--out", out)
    assert result.exit_code == 0, result.stderr
    told = json.loads(out.read_text())
    sheets = {row["sheet"]: row for row in told["sheets"]}
    assert sheets["full"]["iou"] == 1.0
    assert sheets["full"]["boundary_f"] == 1.0
    assert sheets["half"]["iou"] == pytest.approx(0.5)
    assert sheets["half"]["precision"] == 1.0
    summary = {(row["group"], row["how"]): row for row in told["summary"]}
    assert summary["all", "mean"]["iou"] == pytest.approx(0.75)
    assert summary["all", "pooled"]["iou"] == pytest.approx(6000 / 9000)
    assert "0.7500" in result.stdout
    assert "half" in result.stdout
    assert told["model"]["sha256"] == "ab" * 32


def test_figures_per_group(data, run, tmp_path):
    groups = tmp_path / "groups.csv"
    groups.write_text("sheet,group\nfull,broad\nhalf,herb\nother,herb\n")
    out = tmp_path / "figures.json"
    result = run("evaluate", "--data", data, "--group-file", groups, "--out", out)
    assert result.exit_code == 0, result.stderr
    summary = json.loads(out.read_text())["summary"]
    herb = [row for row in summary if row["group"] == "herb"]
    assert [row["iou"] for row in herb] == pytest.approx([0.5, 0.5])


def test_sheet_without_leaves_tells_the_false_share(data, run, tmp_path, draw):
    bare = draw(tmp_path / "bare.png")
    out = tmp_path / "figures.json"
    result = run("evaluate", "--data", data, "--without-leaves", bare, "--out", out)
    assert result.exit_code == 0, result.stderr
    summary = json.loads(out.read_text())["summary"]
    row = next(row for row in summary if row["group"] == "without leaves")
    assert row["false_share"] == pytest.approx(3000 / (420 * 280))
    assert row["iou"] is None


def test_labels_can_be_scored_as_segment_writes_them(data, run, tmp_path):
    # The smaller leaf, 600 px, is below the minimum that is set as default here.
    out = tmp_path / "figures.csv"
    result = run("evaluate", "--data", data, "--as-leaves", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert pd.read_csv(out)["iou"].tolist() == pytest.approx([1.0, 0.5])


def test_pictures_show_what_was_missed(data, run, tmp_path):
    errors = tmp_path / "errors"
    assert run("evaluate", "--data", data, "--errors", errors).exit_code == 0
    picture = np.asarray(Image.open(errors / "half.errors.png")).astype(int)
    missed, found = picture[320, 120], picture[230, 120]
    assert missed[2] > missed[0] + 100
    assert found[1] > found[2]


def test_mask_of_another_size_is_refused(data, run):
    Image.fromarray(np.zeros((42, 28), np.uint8)).save(data / "masks" / "half.png")
    result = run("evaluate", "--data", data)
    assert result.exit_code == 1
    assert "half.png" in result.stderr
    assert "Traceback" not in result.output


def test_figures_that_exist_are_kept(data, run, tmp_path):
    out = tmp_path / "figures.json"
    out.write_text("mine")
    assert run("evaluate", "--data", data, "--out", out).exit_code == 2
    assert out.read_text() == "mine"
    assert run("evaluate", "--data", data, "--out", out, "--overwrite").exit_code == 0


def test_figures_go_to_json_or_csv(data, run, tmp_path):
    result = run("evaluate", "--data", data, "--out", tmp_path / "figures.txt")
    assert result.exit_code == 2
    assert "name a .json or .csv file" in result.stderr


def test_folder_without_pairs_is_said(tmp_path, run):
    result = run("evaluate", "--data", tmp_path)
    assert result.exit_code == 2
    assert "images/ and masks/" in result.stderr


@pytest.mark.parametrize("command", ["evaluate", "evaluate-leaves"])
@pytest.mark.parametrize("name", ["note/figures.json", "folder.json"])
def test_out_that_cannot_be_written_is_refused_before_any_work(
    tmp_path, run, name, command
):
    (tmp_path / "note").touch()
    (tmp_path / "folder.json").mkdir()
    args = ("--data", tmp_path, "--out", tmp_path / name, "--overwrite")
    result = run(command, *args)
    assert result.exit_code == 2
    assert "is no folder" in result.stderr or "is a folder" in result.stderr


def test_folder_of_pictures_that_cannot_be_made_is_refused_before_any_work(
    tmp_path, run
):
    (tmp_path / "note").touch()
    args = ("--data", tmp_path / "nowhere", "--errors", tmp_path / "note" / "deeper")
    result = run("evaluate", *args)
    assert result.exit_code == 2
    assert "--errors is" in result.stderr
    assert "note is no folder" in " ".join(result.stderr.split())
