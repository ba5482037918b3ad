"""Sheets of coloured paper and a network that sees green."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_herbarium.cli import app
from napari_herbarium.progress import Progress

PAPER, LEAF = (235, 228, 210), (60, 140, 50)


def _sees_green(image, model=None, settings=None):
    image = np.asarray(image).astype(int)
    yield Progress(1, 2, "tiles")
    green = image[..., 1] > image[..., 0] + 30
    yield Progress(2, 2, "tiles")
    return np.where(green, 250, 5).astype(np.uint8)


@pytest.fixture
def stub_model(monkeypatch):
    """Stand in for the network: leaf is what is green."""
    config = SimpleNamespace(name="sees-green", version="1", threshold=0.5)
    model = SimpleNamespace(config=config, sha256="ab" * 32)
    for module in ("segment", "evaluate", "evaluate_leaves"):
        home = f"napari_herbarium.cli.{module}"
        monkeypatch.setattr(f"{home}.load_model", lambda name: model)
        monkeypatch.setattr(f"{home}.choose_device", lambda device: "cpu")
    monkeypatch.setattr("napari_herbarium.batch.one_sheet.iter_segment", _sees_green)
    for module in ("run", "leaves_run"):
        home = f"napari_herbarium.evaluate.{module}"
        monkeypatch.setattr(f"{home}.iter_segment", _sees_green)
    batch = "napari_herbarium.batch"
    monkeypatch.setattr(f"{batch}.worker.load_model", lambda name: model)
    monkeypatch.setattr(f"{batch}.plan.find_model", Path)
    monkeypatch.setattr(f"{batch}.plan.read_config", lambda folder: config)
    monkeypatch.setattr(f"{batch}.plan._sha256", lambda path: model.sha256)
    return model


@pytest.fixture
def draw():
    """Draw a sheet with two leaves (30 x 20 and 60 x 40 px) to a file."""

    def write(path, mm_per_px=None):
        sheet = np.full((420, 280, 3), PAPER, np.uint8)
        sheet[50:80, 40:60] = LEAF
        sheet[200:260, 100:140] = LEAF
        path.parent.mkdir(parents=True, exist_ok=True)
        if mm_per_px is None:
            Image.fromarray(sheet).save(path)
        else:
            per_cm = 10 / mm_per_px
            tifffile.imwrite(
                path,
                sheet,
                photometric="rgb",
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
            )
        return path

    return write


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Keep the sentences of the command from being wrapped."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run(stub_model):
    """Run the command; gives exit code, stdout and stderr."""

    def call(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call
