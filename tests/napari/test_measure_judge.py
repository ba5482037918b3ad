"""Another classifier judges, and one learns what the user said of leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from napari.settings import get_plugin_settings

import napari_herbarium
from napari_herbarium._napari.measure import learn as measure_learn
from napari_herbarium._napari.measure import widget as measure_widget
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium._napari.preferences import PLUGIN
from napari_herbarium._napari.worker import State
from napari_herbarium.errors import HerbariumError
from napari_herbarium.measure.whole.judge import BUNDLED
from napari_herbarium.progress import Progress
from napari_herbarium.train.whole.learnt import Learnt

MANIFEST = Path(napari_herbarium.__file__).parent / "napari.yaml"


@pytest.fixture
def widget(docked, models):
    return docked(MeasureLeaves)


@pytest.fixture
def layer(viewer, widget, settle):
    """Two bars, which the bundled classifier does not take for whole leaves."""
    labels = np.zeros((90, 120), np.uint8)
    labels[10:80, 10:20] = 1
    labels[10:60, 60:68] = 2
    layer = viewer.add_labels(labels, name="leaves")
    widget.run()
    settle()
    return layer


@pytest.fixture
def learn(monkeypatch, yes_sayer):
    """Stand in for the learning; gives what it was given, and takes an error."""
    asked, errors = [], []

    def iter_learn_words(words, out, base, **_):
        asked.append((words, base))
        yield Progress(1, 2, "steps")
        if errors:
            raise errors[0]
        shutil.copytree(yes_sayer, out)
        return Learnt(out, 0, float("nan"), float("nan"))

    monkeypatch.setattr(measure_learn, "iter_learn_words", iter_learn_words)
    return asked, errors


def listed(widget):
    combo = widget.judge.combo
    return [combo.itemText(row) for row in range(combo.count())]


def test_another_classifier_judges_what_is_measured(
    widget, layer, settle, models, yes_sayer, until
):
    before = layer.features.copy()
    assert not before["whole"].any()
    widget.live.say([2], False)
    shutil.copytree(yes_sayer, models / "mine")
    widget.judge.refresh()
    assert listed(widget) == ["whole-leaves", "mine"]
    widget.judge.combo.setCurrentText("mine")
    settle()
    assert layer.features["whole"].tolist() == [True, False]
    assert layer.features["whole_by"].tolist() == ["model", "user"]
    assert (layer.features["whole_probability"] > 0.99).all()
    assert layer.features["area_px"].tolist() == before["area_px"].tolist()
    told = widget._content().provenance
    assert told["whole_model"]["name"] == "yes sayer"
    layer.data[70:80, 10:20] = 0  # measured again by the one that is chosen
    layer.refresh()
    settle()
    assert layer.features["whole_probability"][0] > 0.99
    widget.judge.combo.setCurrentText("whole-leaves")
    settle()
    assert not layer.features["whole"].any()


def test_another_classifier_under_the_name_of_one_that_was_removed_judges_all(
    widget, layer, settle, models, yes_sayer
):
    shutil.copytree(yes_sayer, models / "mine")
    widget.judge.refresh()
    widget.judge.combo.setCurrentText("mine")
    settle()
    assert layer.features["whole"].all()
    shutil.copy(BUNDLED / "model.safetensors", models / "mine")
    layer.data[70:80, 10:20] = 0  # one leaf is measured again, both are judged anew
    layer.refresh()
    settle()
    assert not layer.features["whole"].any()


def test_classifiers_of_another_model_folder_are_listed_at_once(
    viewer, qtbot, plugin_settings, npe2pm, models, tmp_path, yes_sayer
):
    npe2pm.register(str(MANIFEST))
    widget = MeasureLeaves(viewer)
    qtbot.addWidget(widget)
    assert listed(widget) == ["whole-leaves"]
    page = get_plugin_settings(PLUGIN).segment
    page.model_folder = str(yes_sayer.parent)
    assert listed(widget) == ["whole-leaves", "yes sayer"]
    widget.judge.combo.setCurrentText("yes sayer")
    page.model_folder = str(tmp_path)
    assert widget.judge.settings().model == str(yes_sayer)


def test_a_classifier_that_is_gone_is_told_in_words(
    widget, layer, settle, models, yes_sayer
):
    shutil.copytree(yes_sayer, models / "mine")
    widget.judge.refresh()
    shutil.rmtree(models / "mine")
    before, threshold = layer.features.copy(), widget.form.threshold.value()
    widget.judge.combo.setCurrentText("mine")
    settle()
    assert "There is no model 'mine'" in widget.message.text()
    assert widget.form.threshold.value() == threshold != 0.5
    assert layer.features.equals(before)
    widget.judge.refresh()
    assert listed(widget) == ["whole-leaves"]
    assert widget.judge.settings().model == "whole-leaves"


def test_without_words_there_is_nothing_to_learn(widget, layer):
    widget.judge.learn.click()
    assert "Nothing was said" in widget.message.text()
    assert not widget.learn.isVisible()


def test_words_of_all_layers_make_a_classifier(
    widget, viewer, layer, learn, models, until
):
    widget.live.say([1], True)
    other = viewer.add_labels(layer.data.copy(), name="others")
    other.features = {"index": [0, 2], "whole": [None, True], "whole_by": ["", "user"]}
    widget.judge.learn.click()
    assert "2 leaves on 2 sheets" in widget.learn.lead.text()
    widget.learn.name.setText("oaks")
    widget.learn.button.click()
    assert widget.learn.button.text() == "Cancel"
    until(lambda: widget.learn.runner.state is State.IDLE)
    [(words, base)] = learn[0]
    assert [(x.label, x.whole) for x in words.said] == [(1, True), (2, True)]
    assert [x.label for x in words.unsaid] == [2, 1]
    assert base.name == "whole-leaves"
    assert "oaks" in listed(widget)
    assert widget.judge.settings().model == "whole-leaves"
    assert "“oaks” can be chosen now" in widget.message.text()
    assert not widget.learn.isVisible()
    widget.judge.learn.click()
    assert widget.learn.name.text() == "my whole leaves"


def test_leaves_that_were_erased_since_are_not_learnt_from(widget, layer, learn, until):
    widget.live.say([1, 2], True)
    layer.data[layer.data == 1] = 0
    layer.refresh()
    widget.judge.learn.click()
    assert "1 leaf on 1 sheet" in widget.learn.lead.text()
    widget.learn.button.click()
    until(lambda: widget.learn.runner.state is State.IDLE)
    [(words, _)] = learn[0]
    assert [x.label for x in words.said] == [2]


def test_words_on_labels_in_a_zarr_array_are_learnt_from(widget, layer):
    layer.data = zarr.array(layer.data)
    widget.live.say([2], True)
    widget.judge.learn.click()
    assert "1 leaf on 1 sheet" in widget.learn.lead.text()


def test_where_all_were_erased_there_is_nothing_to_learn(widget, layer):
    widget.live.say([1], True)
    layer.data[layer.data == 1] = 0
    layer.refresh()
    widget.judge.learn.click()
    assert "Nothing was said" in widget.message.text()
    assert not widget.learn.isVisible()


def test_a_tick_in_the_table_of_another_layer_is_learnt_from(widget, viewer, layer):
    other = viewer.add_labels(layer.data.copy(), name="others")
    widget.chooser.choose(other)
    assert widget.live.layer is other
    layer.features.loc[layer.features["index"] == 2, "whole"] = True
    widget.judge.learn.click()
    assert "1 leaf on 1 sheet" in widget.learn.lead.text()


def test_taken_and_bundled_names_are_refused(widget, layer, learn, models):
    (models / "precious").mkdir(parents=True)
    widget.live.say([1], True)
    widget.judge.learn.click()
    for name in ("precious", "whole-leaves", "herbarium-leaves", "a/b", ""):
        widget.learn.name.setText(name)
        widget.learn.button.click()
        assert widget.learn.runner.state is State.IDLE
        assert "name" in widget.message.text()
    assert not learn[0]


def test_what_goes_wrong_is_told(widget, layer, learn, until):
    learn[1].append(HerbariumError("The disk is full; free the space."))
    widget.live.say([1], True)
    widget.judge.learn.click()
    widget.learn.button.click()
    until(lambda: widget.learn.runner.state is State.IDLE)
    assert widget.message.text() == "The disk is full; free the space."
    assert listed(widget) == ["whole-leaves"]


def test_a_closed_dock_still_tells_of_the_new_classifier(
    widget, layer, learn, until, monkeypatch
):
    told = []
    monkeypatch.setattr(measure_widget, "show_info", told.append)
    widget.live.say([1], True)
    widget.judge.learn.click()
    widget.learn.name.setText("oaks")
    widget.learn.button.click()
    widget.hide()
    until(lambda: widget.learn.runner.state is State.IDLE)
    [sentence] = told
    assert "“oaks” can be chosen now" in sentence


def test_learning_can_be_cancelled(widget, layer, models, until):
    widget.live.say([1], True)
    widget.judge.learn.click()
    widget.learn.button.click()
    until(lambda: widget.learn.progress.maximum() > 1)
    assert widget.is_writing
    widget.learn.button.click()
    until(lambda: widget.learn.runner.state is State.IDLE)
    assert "no new classifier" in widget.message.text()
    assert not models.exists() or not list(models.iterdir())


def test_every_new_control_says_what_it_does(widget):
    for control in (
        widget.judge.combo,
        widget.judge.learn,
        widget.learn.name,
        widget.learn.button,
        widget.learn.drop,
        widget.learn.progress,
    ):
        assert len(control.toolTip()) > 20


def test_the_sidecar_of_a_saved_table_says_who_judged(widget, layer, tmp_path, until):
    widget.save.ask_path = lambda kind, proposed: tmp_path / proposed.name
    widget.save.save(next(iter(measure_formats())))
    until(lambda: "Saved" in widget.message.text())
    [path] = tmp_path.glob("*.json")
    assert json.loads(path.read_text())["whole_model"]["name"] == "whole-leaves"


def measure_formats():
    from napari_herbarium._napari.measure.save import FORMATS

    return FORMATS
