"""Two trainings in one napari do not draw from the same random numbers by turns."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_herbarium._napari import graphics
from napari_herbarium._napari.finetune.widget import FineTuneModel
from napari_herbarium._napari.measure import learn as measure_learn
from napari_herbarium._napari.measure.learn import LearnBox, Said
from napari_herbarium._napari.turn import iter_in_turn
from napari_herbarium._napari.worker import State
from napari_herbarium.errors import SheetError
from napari_herbarium.progress import Progress
from napari_herbarium.train import train
from napari_herbarium.train.report import TrainProgress
from napari_herbarium.train.whole.learnt import Learnt

WAITS = "Waiting for another training to end…"


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(graphics, "load_torch", lambda: None)


@pytest.fixture
def other():
    """Another training, which is at work until it is closed."""

    def steps():
        while True:
            yield Progress(1, 2, "steps")

    job = iter_in_turn(steps)
    next(job)
    yield job
    job.close()


@pytest.fixture
def learn(qtbot, monkeypatch, yes_sayer):
    def iter_learn_words(words, out, base, **_):
        yield Progress(1, 2, "steps")
        shutil.copytree(yes_sayer, out)
        return Learnt(out, 0, float("nan"), float("nan"))

    monkeypatch.setattr(measure_learn, "iter_learn_words", iter_learn_words)
    box = LearnBox()
    qtbot.addWidget(box)
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 10:50] = 1
    box.said = lambda: [Said("sheet", labels, {1: True})]
    box.open()
    return box


@pytest.fixture
def tune(qtbot, monkeypatch, viewer, picture):
    begun = []

    def iter_train(*_args, **_options):
        begun.append(True)
        yield TrainProgress(1, 1, "steps")

    monkeypatch.setattr(train, "iter_train", iter_train)
    widget = FineTuneModel(viewer)
    qtbot.addWidget(widget)
    image = viewer.add_image(picture, rgb=True)
    widget.pairs.add(image, viewer.add_labels(np.ones(picture.shape[:2], np.uint8)))
    widget.begun = begun
    return widget


def test_learning_waits_for_a_training_and_says_so(learn, other, until):
    told = []
    learn.told.connect(told.append)
    learn.button.click()
    until(lambda: learn.lead.text() == WAITS)
    assert not told
    other.close()
    until(lambda: learn.runner.state is State.IDLE)
    [sentence] = told
    assert "can be chosen now" in sentence
    assert "1 leaf on 1 sheet" in learn.lead.text()


def test_learning_that_waits_can_be_cancelled(learn, other, until):
    told = []
    learn.told.connect(told.append)
    learn.button.click()
    until(lambda: learn.lead.text() == WAITS)
    learn.button.click()
    until(lambda: learn.runner.state is State.IDLE)
    assert told == ["Cancelled; there is no new classifier."]
    assert "1 leaf on 1 sheet" in learn.lead.text()


def test_a_training_waits_for_the_one_before_and_says_so(tune, other, until):
    tune.button.click()
    until(lambda: tune.message.text() == WAITS)
    assert not tune.begun
    other.close()
    until(lambda: bool(tune.begun))
    until(lambda: tune.runner.state is State.IDLE)


def test_a_training_that_waits_can_be_stopped(tune, other, until):
    tune.button.click()
    until(lambda: tune.message.text() == WAITS)
    tune.button.click()
    until(lambda: tune.runner.state is State.IDLE)
    assert "there is no new model" in tune.message.text()
    assert not tune.begun


def test_a_training_that_fails_lets_the_next_one_begin():
    def fails():
        yield Progress(1, 2, "steps")
        raise SheetError("Damaged.")

    job = iter_in_turn(fails)
    next(job)
    with pytest.raises(SheetError, match="Damaged"):
        next(job)
    assert next(iter_in_turn(fails)).what == "steps"
