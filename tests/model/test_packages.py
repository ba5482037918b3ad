"""Models that come by mail, and go."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile

import pytest
import torch

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.model import package_import
from napari_herbarium.model.catalogue import (
    being_trained,
    list_models,
    load_model,
    new_model_folder,
)
from napari_herbarium.model.checkpoint import ModelConfig, save_model
from napari_herbarium.model.network import build_network
from napari_herbarium.model.package_import import import_model
from napari_herbarium.model.packages import model_info, remove_model

BUNDLED = "herbarium-leaves"


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.fixture(scope="module")
def oak(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("colleague") / "oak"
    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    save_model(
        folder, network, ModelConfig(name="oak", encoder="mobilenet_v2"), "# Oak"
    )
    (folder / "recipe.json").write_text("{}")
    (folder / "virus.py").write_text("raise SystemExit")
    return folder


def zipped(folder, path, home="", packed=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packed) as archive:
        for file in folder.iterdir():
            archive.write(file, home + file.name)
    return path


@pytest.mark.parametrize("home", ["", "a folder/"])
def test_a_zip_is_taken_in(oak, mine, tmp_path, home):
    assert import_model(zipped(oak, tmp_path / "mail.zip", home)) == "oak"
    assert load_model("oak").config.name == "oak"
    found = sorted(path.name for path in (mine / "oak").iterdir())
    assert found == ["README.md", "config.json", "model.safetensors", "recipe.json"]
    assert [path.name for path in mine.iterdir()] == ["oak"]


def test_a_zip_of_windows_powershell_is_taken_in(oak, mine, tmp_path):
    zipped(oak, tmp_path / "mail.zip", "oaks/")
    content = (tmp_path / "mail.zip").read_bytes()
    (tmp_path / "mail.zip").write_bytes(content.replace(b"oaks/", b"oaks\\"))
    assert import_model(tmp_path / "mail.zip") == "oak"


def test_a_folder_is_copied(oak, mine):
    import_model(oak, "red oak")
    assert list_models()[-1] == "red oak"
    assert load_model("red oak").config.name == "red oak"
    assert load_model(oak).config.name == "oak"


def test_a_classifier_of_whole_leaves_travels_as_well(yes_sayer, mine, tmp_path):
    assert import_model(zipped(yes_sayer, tmp_path / "mail.zip"), "yes") == "yes"
    assert list_models() == [BUNDLED]
    info = model_info("yes")
    assert (info.config.name, info.config.architecture) == ("yes", "pair")
    assert info.card == "# Says yes"
    with pytest.raises(ModelError, match="already"):
        import_model(yes_sayer, "whole-leaves")
    (mine / "yes" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="truncated"):
        import_model(mine / "yes", "again")
    remove_model("yes")
    assert not list(mine.iterdir())


def test_existing_and_bundled_names_are_refused(oak, mine):
    import_model(oak)
    for name in ("oak", "OAK", BUNDLED):
        with pytest.raises(ModelError, match="already"):
            import_model(oak, name)
    assert [path.name for path in mine.iterdir()] == ["oak"]


@pytest.mark.parametrize(
    "name",
    [
        *("", "..", ".hidden", "a/b", "a\\b", "x" * 99, "a:b"),
        *("CON", "nul", "COM1.txt", "Lpt9 .a", "𐍈" * 80),
    ],
)
def test_names_that_are_no_folders_are_refused(oak, mine, name):
    with pytest.raises(ModelError, match="model's name"):
        new_model_folder(name)


def test_a_name_with_marks_apart_is_composed(oak, mine):
    apart, composed = "che\u0302ne", "ch\u00eane"
    assert import_model(oak, apart) == composed
    assert list_models()[-1] == composed
    assert load_model(apart) is load_model(composed)
    with pytest.raises(ModelError, match="already"):
        new_model_folder(apart)


def test_a_name_that_only_begins_like_a_device_is_taken(mine):
    for name in ("Cone", "com10", "console", "nulla"):
        assert new_model_folder(name).name == name


def test_a_zip_cannot_write_elsewhere(oak, mine, tmp_path):
    path = zipped(oak, tmp_path / "mail.zip", "../../outside/")
    import_model(path)
    assert not list(tmp_path.rglob("outside"))


def test_a_zip_that_lies_about_sizes_or_is_damaged_is_refused(oak, mine, tmp_path):
    path = zipped(oak, tmp_path / "mail.zip")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="neither"):
        import_model(path)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\0" * 64 + content[middle + 64 :])
    with pytest.raises(ModelError, match="fresh copy"):
        import_model(path)
    assert not list(mine.glob("*"))


@pytest.mark.parametrize(
    "packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_zip_of_any_kind_is_refused_in_words(oak, mine, tmp_path, packed):
    small = tmp_path / "small"
    small.mkdir()
    (small / "config.json").write_bytes((oak / "config.json").read_bytes())
    (small / "model.safetensors").write_bytes(os.urandom(5000))
    path = zipped(small, tmp_path / "mail.zip", packed=packed)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("config.json").header_offset + 30 + len("config.json")
    content = bytearray(path.read_bytes())
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged or locked"):
        import_model(path)
    assert not list(mine.glob("*"))


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free the space"),
        (errno.EROFS, "set NAPARI_HERBARIUM_MODELS"),
        (errno.EIO, "check this place"),
    ],
)
def test_a_model_that_cannot_be_stored_has_fitting_advice(
    oak, monkeypatch, number, advice
):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(ModelError, match=advice):
        import_model(oak)


def test_too_large_a_zip_is_refused(oak, mine, tmp_path, monkeypatch):
    monkeypatch.setattr(package_import, "MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="more than"):
        import_model(zipped(oak, tmp_path / "mail.zip"))


def test_what_is_no_model_is_told_by_the_name_that_was_given(mine, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError) as told:
        import_model(tmp_path / "empty")
    assert str(told.value).startswith(f"{tmp_path / 'empty'} is not a model folder")
    with pytest.raises(ModelError, match=r"gone\.zip is not there"):
        import_model(tmp_path / "gone.zip")


def test_a_zip_of_something_else_is_refused(mine, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no model"):
        import_model(zipped(tmp_path / "x", tmp_path / "mail.zip"))


def test_weights_of_another_network_are_refused(oak, mine, tmp_path):
    path = zipped(oak, tmp_path / "mail.zip")
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("config.json", '{"name": "oak", "encoder": "resnet50"}')
    with pytest.raises(ModelError, match="another network"):
        import_model(path)
    assert not list(mine.glob("*"))


def test_only_the_users_models_can_go(oak, mine, tmp_path):
    import_model(oak)
    (mine / ".oak.training").mkdir()
    keep = tmp_path / "keep"
    save = mine.parent / "keep"
    save.mkdir()
    (keep / "config.json").write_text("{}")
    (mine.parent / "config.json").write_text("{}")
    for name in (BUNDLED, "", "..", "/", "../keep", str(keep), "none"):
        with pytest.raises(ModelError):
            remove_model(name)
    remove_model("oak")
    assert not list(mine.glob("*"))
    assert keep.exists()


def test_a_model_that_a_training_is_at_work_on_stays(oak, mine):
    import_model(oak)
    (mine / ".oak.training").mkdir()
    with (
        being_trained(mine / "oak"),
        pytest.raises(SettingsError, match="oak is being trained by another run; wait"),
    ):
        remove_model("oak")
    assert (mine / "oak" / "config.json").is_file()
    assert (mine / ".oak.training").is_dir()
    remove_model("oak")
    assert not list(mine.glob("*"))


def test_a_name_that_a_training_is_at_work_on_is_not_imported_to(oak, mine):
    with (
        being_trained(mine / "oak"),
        pytest.raises(SettingsError, match="oak is being trained by another run; wait"),
    ):
        import_model(oak)
    assert not list(mine.glob("*"))


def test_of_two_imports_at_once_the_second_is_refused(oak, mine, monkeypatch):
    ask = package_import.new_model_folder

    def another_comes(name):
        folder = ask(name)
        shutil.copytree(oak, folder)
        return folder

    monkeypatch.setattr(package_import, "new_model_folder", another_comes)
    with pytest.raises(ModelError, match="There is a model 'oak' already"):
        import_model(oak)
    assert (mine / "oak" / "virus.py").exists()  # the other's is as it was
    assert [path.name for path in mine.iterdir()] == ["oak"]


def test_info_tells_without_loading(oak):
    info = model_info(oak)
    assert info.card == "# Oak"
    assert not info.bundled
    assert info.size == (oak / "model.safetensors").stat().st_size
    assert model_info(BUNDLED).bundled
