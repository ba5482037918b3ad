"""Sheets of coloured paper, a network that sees green, and workers in this process."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_herbarium.batch.cluster.crew import local_crew
from napari_herbarium.batch.run import iter_batch
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.progress import Progress, finish
from napari_herbarium.settings import Device, ScaleSettings

PAPER, LEAF = (235, 228, 210), (60, 140, 50)
SHA = "ab" * 32


def _sees_green(image, model=None, settings=None):
    image = np.asarray(image).astype(int)
    green = image[..., 1] > image[..., 0] + 30
    yield Progress(1, 1, "tiles")
    return np.where(green, 250, 5).astype(np.uint8)


@pytest.fixture(autouse=True)
def stub_model(monkeypatch, tmp_path):
    """Stand in for the network: leaf is what is green."""
    config = SimpleNamespace(name="sees-green", version="1", threshold=0.5)
    model = SimpleNamespace(config=config, sha256=SHA)
    home = "napari_herbarium.batch"
    monkeypatch.setattr(f"{home}.worker.load_model", lambda name: model)
    monkeypatch.setattr(f"{home}.plan.find_model", lambda name: tmp_path)
    monkeypatch.setattr(f"{home}.plan.read_config", lambda folder: config)
    monkeypatch.setattr(f"{home}.plan._sha256", lambda path: SHA)
    monkeypatch.setattr(f"{home}.one_sheet.iter_segment", _sees_green)
    return model


@pytest.fixture
def draw():
    """Draw a sheet with two leaves (30 x 20 and 60 x 40 px) to a file."""

    def write(path, extra=0):
        sheet = np.full((420, 280, 3), PAPER, np.uint8)
        sheet[50:80, 40:60] = LEAF
        sheet[200:260, 100:140] = LEAF
        if extra:
            sheet[300 : 300 + extra, 10:30] = LEAF
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sheet).save(path)
        return path

    return write


@pytest.fixture
def crew():
    """Two workers of two lanes, in this process."""
    return partial(local_crew, Workforce(workers=2), Device.CPU, in_process=True)


@pytest.fixture
def settings():
    return BatchSettings(scale=ScaleSettings(ruler=False))


@pytest.fixture
def run(crew, settings):
    """Run a batch to its end."""

    def call(inputs, out, given=None, **options):
        options = {"crew": crew, **options}
        return finish(iter_batch(inputs, out, given or settings, **options))

    return call
