"""`napari-herbarium evaluate-leaves`: segmented now, or labels of an earlier run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from napari_herbarium.measure.files.export import write_labels
from napari_herbarium.progress import Progress

LEAVES = {1: np.s_[50:80, 40:60], 2: np.s_[200:260, 100:140]}


@pytest.fixture(autouse=True)
def classifier(monkeypatch):
    """Take every label for whole but the first."""
    from napari_herbarium.measure.whole import judge as whole

    def judge(labels, image=None, *, only=None):
        yield Progress(1, 1, "leaves judged")
        return {int(n): float(n > 1) for n in np.unique(labels) if n}

    monkeypatch.setattr(whole, "iter_whole_leaf_probability", judge)
    monkeypatch.setattr(whole, "default_whole_threshold", lambda: 0.5)


def truth():
    labels = np.zeros((420, 280), np.uint16)
    for number, box in LEAVES.items():
        labels[box] = number
    return labels


@pytest.fixture
def data(tmp_path, draw):
    folder = tmp_path / "data"
    for stem in ("a", "b"):
        draw(folder / "images" / f"{stem}.png")
        for kind, pixels in (("masks", truth() > 0), ("instances", truth())):
            (folder / kind).mkdir(exist_ok=True)
            kept = pixels.astype(np.uint8) if kind == "masks" else pixels
            Image.fromarray(kept).save(folder / kind / f"{stem}.png")
        told = {"whole": [1, 2]}
        (folder / "instances" / f"{stem}.json").write_text(json.dumps(told))
    return folder


def test_figures_of_the_model(tmp_path, run, data):
    out = tmp_path / "figures.json"
    result = run("evaluate-leaves", "--data", data, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "sees-green (abababababab)" in result.stdout
    told = json.loads(out.read_text())
    total = told["leaves"][-1]
    assert (total["sheet"], total["expected"], total["found"]) == ("all", 4, 4)
    assert (total["hits"], total["false"]) == (2, 0)
    assert total["f1"] == pytest.approx(2 / 3)
    assert [each["mean"] for each in told["relative_errors"]] == [0] * 4
    assert len(told["trait_errors_px"]) == 20
    assert told["model"]["sha256"] == "ab" * 32


def test_labels_of_an_earlier_run_are_scored_without_a_model(tmp_path, run, data):
    labels = tmp_path / "labels"
    for stem in "ab":
        write_labels(labels / f"{stem}.leaves.tif", np.roll(truth(), 1, axis=0))
    out = tmp_path / "figures.json"
    result = run("evaluate-leaves", "--data", data, "--labels", labels, "--out", out)
    assert result.exit_code == 0, result.stderr
    told = json.loads(out.read_text())
    assert told["model"] is None
    assert told["leaves"][-1]["found"] == 4
    area = {each["trait"]: each for each in told["relative_errors"]}["area_px"]
    assert (area["leaves"], area["mean"]) == (4, 0)


def test_sheets_can_be_left_out(tmp_path, run, data):
    out = tmp_path / "figures.json"
    result = run("evaluate-leaves", "--data", data, "--leave-out", "b*", "--out", out)
    assert result.exit_code == 0, result.stderr
    told = json.loads(out.read_text())
    assert [each["sheet"] for each in told["leaves"]] == ["a", "all"]


def test_labels_that_are_missing_are_named(tmp_path, run, data):
    (tmp_path / "labels").mkdir()
    result = run("evaluate-leaves", "--data", data, "--labels", tmp_path / "labels")
    assert result.exit_code == 1
    assert "a.leaves.tif does not exist" in result.stderr


def test_figures_that_exist_stay_unless_told(tmp_path, run, data):
    out = tmp_path / "figures.json"
    out.write_text("mine")
    result = run("evaluate-leaves", "--data", data, "--out", out)
    assert result.exit_code == 2
    assert out.read_text() == "mine"
