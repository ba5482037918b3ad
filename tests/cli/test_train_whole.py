"""`napari-herbarium train-whole`: from words beside labels to a classifier."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from napari_herbarium.cli import train_whole as command
from napari_herbarium.measure.files.export import write_labels
from napari_herbarium.train.whole.learnt import Learnt, iter_learn_words

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Learn for one step only."""

    def job(words, out, base, *, seed=0):
        return iter_learn_words(words, out, base, steps=1, seed=seed)

    monkeypatch.setattr(command, "iter_learn_words", job)


@pytest.fixture
def saved(tmp_path):
    """Labels of three sheets; of the leaves of two something was said."""
    labels = np.zeros((100, 160), np.uint8)
    labels[10:80, 10:20] = 1
    labels[10:60, 60:78] = 2
    labels[20:50, 120:130] = 3
    folder = tmp_path / "saved"
    words = {"a": {"1": True, "3": False}, "b": {"2": True, "77": True}, "c": {}}
    for stem, said in words.items():
        path = folder / f"{stem}.leaves.tif"
        write_labels(path, labels, None)
        path.with_suffix(".json").write_text(json.dumps({"whole_by_user": said}))
    return folder


def test_words_become_a_classifier_that_measures(tmp_path, run, saved, models):
    result = run("train-whole", saved, "--out", "my oaks")
    assert result.exit_code == 0, result.stderr
    assert "Learning from 3 leaves of 2 sheets, 2 of them whole." in result.stdout
    assert "--whole-model 'my oaks'" in result.stdout
    assert "my oaks\tyours\tclassifier of whole leaves" in run("models", "list").stdout
    info = run("models", "info", "my oaks").stdout
    assert "3 leaves judged by a user, 2 of them whole" in info
    assert "Whole at probability 0.58" in info
    out = tmp_path / "out"
    path = saved / "c.leaves.tif"
    result = run("measure", path, "--out", out, "--whole-model", "my oaks")
    assert result.exit_code == 0, result.stderr
    told = json.loads((out / "c.traits.json").read_text())
    assert told["whole_model"]["name"] == "my oaks"
    assert run("models", "remove", "my oaks", "--yes").exit_code == 0
    assert not list(models.iterdir())


def test_without_words_it_says_what_to_do(run, saved, models):
    result = run("train-whole", saved / "c.leaves.tif", "--out", "oaks")
    assert result.exit_code == 2
    assert "Nothing was said of the leaves" in result.stderr
    assert "Measure leaves" in result.stderr
    assert not models.exists()


@pytest.mark.parametrize("name", ["taken", "whole-leaves", "herbarium-leaves", "a:b"])
def test_nothing_is_written_over(run, saved, models, name):
    (models / "taken").mkdir(parents=True)
    (models / "taken" / "precious").write_text("precious")
    result = run("train-whole", saved, "--out", name)
    assert result.exit_code == 2
    assert name in result.stderr
    assert [path.name for path in models.iterdir()] == ["taken"]
    assert (models / "taken" / "precious").read_text() == "precious"


def test_a_base_that_judges_no_leaves_is_refused(run, saved, models):
    for base in ("nobody", "herbarium-leaves"):
        result = run("train-whole", saved, "--out", "oaks", "--base", base)
        assert result.exit_code == 2
        assert base in result.stderr
    assert not models.exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_nothing_behind(run, saved, models, monkeypatch, sent):
    def job(words, out, base, *, seed=0):
        for step in iter_learn_words(words, out, base, steps=9):
            signal.raise_signal(sent)
            yield step

    monkeypatch.setattr(command, "iter_learn_words", job)
    result = run("train-whole", saved, "--out", "oaks")
    assert result.exit_code == 130
    assert "nothing was written" in result.stdout
    assert not models.exists() or not list(models.iterdir())


def test_what_was_held_back_is_told(run, saved, monkeypatch):
    def job(words, out, base, *, seed=0):
        return Learnt(out, 8, 0.5, 0.75)
        yield

    monkeypatch.setattr(command, "iter_learn_words", job)
    stdout = run("train-whole", saved, "--out", "oaks").stdout
    assert "Of 8 leaves that it did not learn from it judges 75% as you do" in stdout
