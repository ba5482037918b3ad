"""The command as a whole."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_herbarium.cli import app
from napari_herbarium.segment.forward import CPU_PX


def test_version():
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == version(
        "napari-herbarium"
    )


def test_help_names_the_subcommands():
    told = CliRunner().invoke(app, ["--help"]).stdout
    assert "segment" in told
    assert "evaluate" in told


def test_command_starts_without_torch_napari_or_qt():
    code = (
        "import sys, napari_herbarium.cli\n"
        "print([m for m in ('torch', 'napari', 'qtpy') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["segment", "batch", "evaluate"])
def test_help_says_how_many_tiles_a_processor_is_given(monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "400")
    told = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"never more than {CPU_PX // 512**2} tiles of 512 px" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "--data", "", "--out", "m"), "--data is empty"),
        (("train", "--data=", "--out", "m"), "--data is empty"),
        (("evaluate", "--data", ""), "--data is empty"),
        (("segment", "a.png", "--out", ""), "--out is empty"),
        (("measure", "a.png", "--out", "x", "--image", ""), "--image is empty"),
        (("batch", "", "--out", "x"), "One of the names given is empty"),
        (("segment", "--out", "x", "--", ""), "One of the names given is empty"),
        (("models", "import", ""), "One of the names given is empty"),
    ],
)
def test_an_empty_word_is_not_the_current_folder(monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert f"{said}; is a variable in the command not set?" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_that_looks_like_an_option_is_told_how_to_give_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("-x.png")
    given = ["batch", "--dry-run", "--out", "out"]
    result = CliRunner().invoke(app, [*given, "-x.png"])
    assert result.exit_code == 2
    assert "write ./-x.png for the file" in result.stderr
    for words in (["./-x.png"], ["--", "-x.png"]):
        assert "1 sheet to do" in CliRunner().invoke(app, [*given, *words]).stdout


@pytest.fixture
def pairs(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        Image.new("L", (64, 64), 1).save(tmp_path / part / "a.png")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("segment", "images/a.png", "--out", "out"),
        ("batch", "images/a.png", "--out", "out"),
        ("evaluate", "--data", "."),
        ("evaluate-leaves", "--data", "."),
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize(
    ("model", "said"), [("nix", "no model 'nix'"), ("damaged", "not a valid model")]
)
def test_a_model_that_cannot_be_used_is_a_misuse(
    pairs, monkeypatch, command, model, said
):
    (pairs / "damaged").mkdir()
    (pairs / "damaged" / "config.json").write_text("{")
    monkeypatch.chdir(pairs)
    result = CliRunner().invoke(app, [*command, "--model", model])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (pairs / "out" / "labels").exists()


def test_ctrl_c_while_the_command_loads_is_quiet(monkeypatch):
    import builtins

    from napari_herbarium.__main__ import main

    usual = builtins.__import__

    def interrupted(name, *rest):
        if name == "napari_herbarium.cli":
            raise KeyboardInterrupt
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
