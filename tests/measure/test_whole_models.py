"""Classifiers of whole leaves are listed, found and judge, whoever made them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_herbarium.errors import ModelError
from napari_herbarium.measure.table import leaf_table
from napari_herbarium.measure.whole.judge import BUNDLED, whole_leaf_probability
from napari_herbarium.measure.whole.models import (
    chosen_classifier,
    classifier_facts,
    find_whole_model,
    list_whole_models,
)
from napari_herbarium.settings import WholeSettings


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch, yes_sayer):
    """The user's models: one classifier."""
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path))
    shutil.copytree(yes_sayer, tmp_path / "yes sayer")
    return tmp_path / "yes sayer"


@pytest.fixture
def labels():
    """Half a disc, which nobody takes for a leaf."""
    y, x = np.mgrid[:120, :120]
    return ((y - 60) ** 2 + (x - 60) ** 2 < 40**2).astype(np.uint8) * (y > 60)


def test_the_bundled_one_comes_first():
    assert list_whole_models() == ["whole-leaves", "yes sayer"]


def test_settings_say_who_judges(labels, mine):
    usual = leaf_table(labels)["whole_probability"][0]
    for name in ("yes sayer", str(mine)):
        row = leaf_table(labels, judge=WholeSettings(model=name)).iloc[0]
        assert usual < 0.5 < 0.99 < row["whole_probability"]
        assert row["whole"]


def test_with_a_picture_a_pair_looks_at_it_too(labels):
    picture = np.full((*labels.shape, 3), 200, np.uint8)
    picture[labels > 0] = (60, 120, 50)
    model = chosen_classifier(WholeSettings(model="yes sayer"))
    alone = whole_leaf_probability(labels, model=model)[1]
    both = whole_leaf_probability(labels, picture, model=model)[1]
    assert whole_leaf_probability(labels, picture)[1] < both != alone


def test_a_threshold_of_its_own_counts(labels, mine):
    config = mine / "config.json"
    config.write_text(config.read_text().replace('"threshold": 0.58', '"threshold": 1'))
    with pytest.raises(ModelError, match="threshold"):
        leaf_table(labels, judge=WholeSettings(model="yes sayer"))
    config.write_text(
        config.read_text().replace('"threshold": 1', '"threshold": 0.9999999999')
    )
    assert not leaf_table(labels, judge=WholeSettings(model="yes sayer"))["whole"][0]


def test_facts_follow_the_files(mine):
    judge = WholeSettings(model="yes sayer")
    before = classifier_facts(judge)
    assert before["name"] == "yes sayer"
    assert chosen_classifier(judge).sha256 == before["sha256"]
    shutil.copy(find_whole_model() / "model.safetensors", mine)
    now, bundled = classifier_facts(judge), classifier_facts(WholeSettings())
    assert before["sha256"] != now["sha256"] == bundled["sha256"]
    assert bundled["name"] == "whole-leaves"


def test_a_folder_of_its_name_does_not_hide_the_bundled_one(mine):
    shutil.copytree(mine, mine.with_name("whole-leaves"))
    assert list_whole_models() == ["whole-leaves", "yes sayer"]
    assert classifier_facts(WholeSettings())["name"] == "whole-leaves"
    assert find_whole_model() == BUNDLED


def test_what_is_none_is_refused_in_words():
    with pytest.raises(ModelError, match="installed: whole-leaves, yes sayer"):
        chosen_classifier(WholeSettings(model="nobody"))
    with pytest.raises(ModelError, match="finds leaves"):
        classifier_facts(WholeSettings(model="herbarium-leaves"))
