"""The commands `train` and `models`, on coloured paper and a small network."""

from __future__ import annotations

import errno
import json
import os
import signal
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from napari_herbarium.cli import app
from napari_herbarium.cli import train as command
from napari_herbarium.model.checkpoint import ModelConfig, load_model_folder, save_model
from napari_herbarium.model.network import build_network
from napari_herbarium.train.recipes import recipe_of
from napari_herbarium.train.report import TrainProgress

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def run():
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def data(tmp_path):
    """Two sheets with their masks."""
    for part in ("images", "masks"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for seed in range(2):
        image = np.full((128, 96, 3), (235, 228, 210), np.uint8)
        mask = np.zeros((128, 96), np.uint8)
        mask[20 + 9 * seed : 80, 20:70] = 1
        image[mask > 0] = (60, 140, 50)
        Image.fromarray(image).save(tmp_path / "data" / "images" / f"s{seed}.png")
        Image.fromarray(mask).save(tmp_path / "data" / "masks" / f"s{seed}.png")
    return tmp_path / "data"


@pytest.fixture
def base(models):
    torch.manual_seed(0)
    config = ModelConfig(name="start", encoder="mobilenet_v2", scales=(128,))
    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    save_model(models / "start", network, config, "# Start\n\nUntrained.\n")
    return "start"


@pytest.fixture
def small(monkeypatch):
    """Make the recipes small."""

    def recipe(name, **changes):
        sizes = {"size": 64, "epochs": 2}
        if name == "few-sheets":
            sizes |= {"epoch_steps": 2, "rehearsal": 0.0}
        return recipe_of(name, **(sizes | changes))

    monkeypatch.setattr(command, "recipe_of", recipe)


def test_a_model_is_trained_listed_shown_and_removed(run, data, base, small, models):
    result = run("train", "--data", data, "--out", "oaks", "--base", base)
    assert result.exit_code == 0, result.output
    assert "before" in result.stdout
    assert "Epoch 2" in result.stderr
    assert "oaks\tyours" in run("models", "list").stdout
    info = run("models", "info", "oaks").stdout
    assert "mobilenet_v2" in info
    assert "start" in info
    assert "after: val_loss" in info
    assert "{" not in info
    assert run("models", "remove", "oaks", "--yes").exit_code == 0
    assert not (models / "oaks").exists()


def test_a_model_is_removed_only_after_a_yes(base, models):
    remove = ["models", "remove", base]
    assert CliRunner().invoke(app, remove, input="n\n").exit_code == 1
    assert (models / base).exists()
    result = CliRunner().invoke(app, remove, input="y\n")
    assert "Remove the model 'start' for good?" in result.stdout
    assert not (models / base).exists()


def test_sheets_of_other_plants_are_trained_on_too(run, data, base, small, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    start = ("train", "--data", data, "--base", base, "--others", others)
    result = run(*start, "--out", "oaks")
    assert result.exit_code == 2
    assert "no sheets of other plants" in result.stderr
    Image.new("RGB", (96, 128), (235, 228, 210)).save(others / "else.png")
    result = run(*start, "--out", "oaks")
    assert result.exit_code == 0, result.output
    assert "1 sheet of other plants" in run("models", "info", "oaks").stdout


def test_the_paper_recipe_takes_an_encoder(run, data, small, tmp_path):
    result = run(
        *("train", "--data", data, "--recipe", "paper", "--encoder", "mobilenet_v2"),
        *("--encoder-weights", "random", "--out", tmp_path / "net"),
    )
    assert result.exit_code == 0, result.output
    assert load_model_folder(tmp_path / "net").config.encoder == "mobilenet_v2"


def test_an_existing_name_is_refused(run, data, base, small):
    result = run("train", "--data", data, "--out", "start", "--base", base)
    assert result.exit_code == 2
    assert "already" in result.stderr
    for name in ("herbarium-leaves", "Herbarium-Leaves"):
        assert run("train", "--data", data, "--out", name).exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recipe", "quick"), "few-sheets, paper"),
        (("--encoder", "resnet50"), "--recipe paper"),
        (("--recipe", "paper"), "--base is for --recipe few-sheets"),
        (("--minutes", "0"), "minutes"),
        (("--resume",), "no unfinished training"),
        (("--base", "nix"), "There is no model 'nix'"),
    ],
)
def test_what_makes_no_sense_is_said(run, data, base, options, said):
    result = run("train", "--data", data, "--out", "x", "--base", base, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_every_bad_pair_is_named(run, data, base):
    (data / "masks" / "s0.png").unlink()
    Image.fromarray(np.zeros((128, 96), np.uint8)).save(data / "masks" / "s1.png")
    result = run("train", "--data", data, "--out", "x", "--base", base)
    assert result.exit_code == 2
    assert "s0 has no mask" in result.stderr
    assert "mask of s1 is empty" in result.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_the_step_and_keeps_the_best(run, data, monkeypatch, sent):
    closed = []

    def endless(recipe, pairs, out, **_):
        try:
            for done in range(100):
                if done == 3:
                    signal.raise_signal(sent)
                yield TrainProgress(done, 100, "steps")
        except GeneratorExit:
            closed.append(done)
            out.mkdir(parents=True)
            raise

    monkeypatch.setattr(command, "iter_train", endless)
    result = run("train", "--data", data, "--out", "oaks")
    assert result.exit_code == command.STOPPED
    assert closed == [3]
    assert "best so far" in result.stdout


def test_ctrl_c_before_a_resumed_run_steps_says_what_is_kept(
    run, data, models, monkeypatch
):
    def reading(recipe, pairs, out, **_):
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            yield TrainProgress(0, 3, "sheets")

    monkeypatch.setattr(command, "iter_train", reading)
    result = run("train", "--data", data, "--out", "oaks")
    assert "nothing was kept" in result.stdout
    (models / ".oaks.training").mkdir(parents=True)
    (models / ".oaks.training" / "checkpoint.safetensors").write_bytes(b"")
    result = run("train", "--data", data, "--out", "oaks", "--resume")
    assert result.exit_code == command.STOPPED
    assert "what was done before is kept. --resume goes on" in result.stdout


def test_a_mailed_model_is_imported(run, base, models, tmp_path):
    archive = tmp_path / "mail.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (models / "start").iterdir():
            file.write(path, f"some folder/{path.name}")
    assert run("models", "import", archive).exit_code == 2  # the name is taken
    result = run("models", "import", archive, "--name", "mailed")
    assert result.exit_code == 0, result.output
    assert "mailed" in run("models", "list").stdout


def test_info_of_no_model_is_a_sentence(run):
    result = run("models", "info", "nothing")
    assert result.exit_code == 2
    assert "nothing" in result.stderr


def test_the_bundled_model_stays(run):
    result = run("models", "remove", "herbarium-leaves", "--yes")
    assert result.exit_code == 2
    assert "stays" in result.stderr


def test_split_is_written_down(run, data, base, small, models):
    run("train", "--data", data, "--out", "oaks", "--base", base)
    split = json.loads((models / "oaks" / "split.json").read_text())
    assert split["train"] == ["s0", "s1"]


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(
    run, data, base, small, tmp_path, link
):
    (tmp_path / "file").write_text("mine")
    link(tmp_path / "link", tmp_path / "nowhere" / "x")
    for out in ("file/x", "link", "link/x", "no\udcff", "/", "."):
        place = out if out in "/." else tmp_path / out
        result = run("train", "--data", data, "--base", base, "--out", place)
        assert result.exit_code == 2, (out, result.output)
        assert result.stderr.startswith("Error: ")
        assert "Epoch" not in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()
    assert not list(tmp_path.glob(".*"))


def test_a_sheet_whose_name_is_no_text_is_refused_before_any_work(
    run, data, base, small, tmp_path
):
    for part in ("images", "masks"):
        try:
            (data / part / "s0.png").rename(data / part / "s\udcff.png")
        except OSError:
            pytest.skip("this file system has text for names")
    out = tmp_path / "net"
    result = run("train", "--data", data, "--base", base, "--out", out)
    assert result.exit_code == 2
    assert "no UTF-8: rename it" in result.stderr
    assert "Epoch" not in result.stderr


def test_a_list_that_cannot_be_written_is_said_in_a_sentence(run, monkeypatch):
    told = []

    def full(text, err=False):
        if not err:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        told.append(text)

    monkeypatch.setattr("typer.echo", full)
    assert run("models", "list").exit_code == 1
    assert told == ["Error: No space left on device."]
