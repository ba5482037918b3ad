from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from napari_herbarium.errors import ModelError
from napari_herbarium.model import catalogue
from napari_herbarium.model.catalogue import (
    find_model,
    list_models,
    load_model,
    new_model_folder,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import ModelConfig, save_model
from napari_herbarium.model.network import build_network


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The user's model folder, with nothing bundled beside it."""
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "mine"))
    monkeypatch.setattr(catalogue, "_BUNDLED", tmp_path / "bundled")
    return tmp_path / "mine"


def save(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    config = ModelConfig(name=folder.name, encoder="mobilenet_v2")
    save_model(folder, network, config, "# A model\n")
    return folder


def test_bundled_models_come_first(folder):
    for place in (folder / "aa", folder.parent / "bundled" / "zz"):
        place.mkdir(parents=True)
        (place / "config.json").write_text("{}")
    (folder / "no model").mkdir()
    assert list_models() == ["zz", "aa"]


@pytest.mark.parametrize("text", ["[", "[" * 99_999])
def test_model_with_a_damaged_configuration_is_refused_in_a_sentence(folder, text):
    (save(folder / "oak") / "config.json").write_text(text)
    with pytest.raises(ModelError, match="not a valid model configuration"):
        load_model("oak")


def test_what_a_killed_import_left_is_no_model(folder):
    save(folder / ".0123456789abcdef")
    assert list_models() == []


def test_a_bundled_name_always_means_the_bundled_model(folder):
    save(folder / "oak", seed=1)
    bundled = save(folder.parent / "bundled" / "oak", seed=2)
    assert list_models() == ["oak"]
    assert load_model("oak").folder == bundled


def test_without_any_model_the_list_is_empty(folder):
    assert list_models() == []


def test_a_classifier_of_whole_leaves_is_no_leaf_model(folder, yes_sayer):
    save(folder / "oak")
    shutil.copytree(yes_sayer, folder / "mine")
    assert list_models() == ["oak"]
    for wrong in ("mine", yes_sayer):
        with pytest.raises(ModelError, match="--whole-model"):
            load_model(wrong)
    for taken in ("mine", "Oak", "whole-leaves"):
        with pytest.raises(ModelError, match="already"):
            new_model_folder(taken)


@pytest.mark.parametrize("config", ["", "{", "[]"])
def test_a_classifier_with_a_damaged_configuration_is_no_leaf_model(
    folder, yes_sayer, config
):
    shutil.copytree(yes_sayer, folder / "yes")
    (folder / "yes" / "config.json").write_text(config)
    (save(folder / "leaves") / "config.json").write_text(config)
    assert list_models() == ["leaves"]
    assert list(catalogue.model_folders(catalogue.Kind.WHOLE)) == ["yes"]


def test_the_bundled_classifier_is_not_denied_where_leaf_models_are_meant(folder):
    with pytest.raises(ModelError, match="'whole-leaves' tells whole leaves from"):
        find_model("whole-leaves")


def test_the_users_folder_is_the_systems_unless_chosen(monkeypatch):
    monkeypatch.delenv("NAPARI_HERBARIUM_MODELS", raising=False)
    assert user_models_folder().is_absolute()
    assert "napari-herbarium" in str(user_models_folder())
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", "~/leaf models")
    assert user_models_folder() == Path.home() / "leaf models"


def test_a_model_loads_by_name_and_by_folder(folder):
    save(folder / "oak")
    by_name = load_model("oak")
    assert by_name.config.encoder == "mobilenet_v2"
    assert not by_name.network.training
    assert load_model(folder / "oak") is by_name
    assert load_model(str(folder / "oak")) is by_name


def test_a_changed_model_is_loaded_anew(folder):
    save(folder / "oak", seed=1)
    before = load_model("oak")
    save(folder / "oak", seed=2)
    os.utime(folder / "oak" / "model.safetensors", (1, 1))
    assert load_model("oak").sha256 != before.sha256


def test_an_unknown_model_lists_those_there_are(folder):
    save(folder / "oak")
    with pytest.raises(ModelError, match=r"'elm' \(installed: oak\)"):
        load_model("elm")
    with pytest.raises(ModelError, match="There is no model ''"):
        load_model("")


def test_a_folder_without_a_model_is_refused_in_words(folder, tmp_path):
    with pytest.raises(ModelError, match="not a model folder"):
        load_model(tmp_path)
