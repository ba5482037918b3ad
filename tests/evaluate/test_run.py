"""A run over labelled sheets can be watched and stopped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_herbarium.evaluate import run
from napari_herbarium.evaluate.pairs import Pair, find_pairs
from napari_herbarium.progress import Progress, finish
from napari_herbarium.sheet.tiff.file_source import SegmentSource

MODEL = SimpleNamespace(config=SimpleNamespace(threshold=0.5))


@pytest.fixture
def pairs(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for stem in "ab":
        sheet = np.zeros((16, 12, 3), np.uint8)
        Image.fromarray(sheet).save(tmp_path / "images" / f"{stem}.png")
        Image.fromarray(sheet[..., 0]).save(tmp_path / "masks" / f"{stem}.png")
    return find_pairs(tmp_path)


@pytest.fixture
def tiles(monkeypatch):
    """A network that says where it is and that it was stopped."""
    seen = []

    def iter_segment(image, model, settings):
        try:
            seen.append("started")
            yield Progress(1, 2, "tiles")
            yield Progress(2, 2, "tiles")
            return np.zeros(image.shape[:2], np.uint8)
        finally:
            seen.append("left")

    monkeypatch.setattr(run, "iter_segment", iter_segment)
    return seen


def test_progress_counts_sheets(pairs, tiles):
    steps = list(run.iter_evaluate(pairs, MODEL, run.Evaluation()))
    assert [step.done for step in steps] == [0, 0, 1, 1, 2]
    assert {(step.total, step.what) for step in steps} == {(2, "sheets")}


def test_a_tiled_sheet_is_decoded_once(monkeypatch, tmp_path):
    sheet = np.zeros((64, 48, 3), np.uint8)
    pair = Pair("a", tmp_path / "a.tif", tmp_path / "a.png")
    tifffile.imwrite(pair.image, sheet, tile=(16, 16))
    Image.fromarray(sheet[..., 0]).save(pair.mask)
    decoded = []
    read = SegmentSource.samples

    def samples(source, *window):
        decoded.append(window)
        return read(source, *window)

    def iter_segment(image, model, settings):
        yield Progress(1, 1, "tiles")
        return np.asarray(image)[..., 0]

    monkeypatch.setattr(SegmentSource, "samples", samples)
    monkeypatch.setattr(run, "iter_segment", iter_segment)
    how = run.Evaluation(errors=tmp_path / "errors")
    finish(run.iter_evaluate([pair], MODEL, how))
    assert len(decoded) == 1


def test_stopping_stops_the_network(pairs, tiles):
    job = run.iter_evaluate(pairs, MODEL, run.Evaluation())
    next(job)
    job.close()
    assert tiles == ["started", "left"]
