"""Command, network and functions together, on the drawn sheet."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import napari_herbarium as nh
from napari_herbarium.cli import app
from napari_herbarium.measure.whole.judge import quick_whole_probability
from napari_herbarium.settings import DEFAULT_MODEL, Detail
from napari_herbarium.sheet.write import write_sheet_tiff

pytestmark = pytest.mark.slow


@pytest.fixture
def small():
    return nh.drawn_sheet(dpi=75, seed=1)


@pytest.fixture
def untrained(tmp_path):
    """A model folder with a real network that has learnt nothing."""
    import torch

    from napari_herbarium.model.checkpoint import ModelConfig, save_model
    from napari_herbarium.model.network import build_network

    torch.manual_seed(0)
    folder = tmp_path / "untrained"
    config = ModelConfig(name="untrained", encoder="mobilenet_v2", scales=(512,))
    save_model(folder, build_network(config.architecture, config.encoder), config, "")
    return folder


def test_same_pixels_as_a_script_with_the_same_settings(tmp_path, small, untrained):
    path = tmp_path / "sheet.tif"
    write_sheet_tiff(path, small.sheet.image, small.mm_per_px)
    options = ["--model", str(untrained), "--device", "cpu", "--tile", "256"]
    options += ["--threshold", "0.51", "--min-area-mm2", "0"]
    result = CliRunner().invoke(
        app, ["segment", str(path), "--out", str(tmp_path / "out"), *options]
    )
    assert result.exit_code == 0, result.output

    sheet = nh.read_sheet(path)
    model = nh.load_model(untrained)
    settings = nh.SegmentSettings(model=str(untrained), device="cpu", tile=256)
    probability = nh.segment(sheet.image, model, settings)
    labels = nh.extract_leaves(
        probability,
        nh.LeafSettings(threshold=0.51, min_area_mm2=0),
        mm_per_px=sheet.mm_per_px,
        image=sheet.image,
        judge=quick_whole_probability,
    )
    assert labels.max() > 0
    written = tifffile.imread(tmp_path / "out" / "sheet.leaves.tif")
    np.testing.assert_array_equal(written, labels)


@pytest.mark.parametrize("detail", [Detail.FAST, Detail.FULL])
def test_bundled_model_finds_the_leaves_of_the_drawn_sheet(tmp_path, detail):
    if DEFAULT_MODEL not in nh.list_models():
        pytest.skip("the bundled weights are not there yet")
    from napari_herbarium.evaluate.metrics import count_pixels, iou

    out = tmp_path / "out"
    command = ["segment", "--sample", "--out", str(out), "--detail", detail]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(out / "sample-sheet.leaves.tif")
    truth = (nh.drawn_sheet().labels > 0).astype(np.uint8)
    assert iou(count_pixels(labels, truth)) > 0.8
