"""The command as a whole."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from typer.testing import CliRunner

from napari_herbarium.cli import app


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
