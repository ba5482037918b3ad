"""Sheets as layers: scale, units, levels and metadata; None for what is not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManifest

from napari_herbarium import SheetError
from napari_herbarium._napari import reader
from napari_herbarium._napari.reader import get_reader

PLUGIN = "napari-herbarium"
CALIBRATED = {"resolution": (10, 10), "resolutionunit": "CENTIMETER"}


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
    return path


@pytest.fixture
def sheet_pixels() -> np.ndarray:
    """420 x 290, as large in mm as a sheet when a pixel is a millimetre."""
    return np.random.default_rng(0).integers(0, 256, (420, 290, 3), dtype=np.uint8)


def opened(path) -> list[Image]:
    viewer = ViewerModel()
    for data in get_reader(path)(path):
        viewer._add_layer_from_data(*data)
    return list(viewer.layers)


def test_a_calibrated_sheet(tmp_path, sheet_pixels):
    path = save(tmp_path / "K000123456.tif", sheet_pixels, **CALIBRATED)
    (layer,) = opened(str(path))
    assert layer.name == "K000123456"
    assert layer.rgb
    assert layer.axis_labels == ("y", "x")
    assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]
    assert layer.scale.tolist() == [1, 1]
    assert np.array_equal(np.asarray(layer.data), sheet_pixels)
    metadata = layer.metadata
    assert metadata["catalog_number"] == "K000123456"
    assert metadata["page"] == 0
    assert metadata["profile"] is None
    assert metadata["resolution_tag"] == {"x": 10, "y": 10, "unit": "cm"}
    assert metadata["scale_source"] == "resolution tag"
    assert metadata["scale_trust"] == "trusted"


def test_a_doubtful_scale_is_offered_not_applied(tmp_path, sheet_pixels):
    options = {"resolution": (72, 72), "resolutionunit": "INCH"}
    (layer,) = opened(save(tmp_path / "sheet.tif", sheet_pixels, **options))
    assert layer.scale.tolist() == [1, 1]
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]
    assert layer.metadata["scale_trust"] == "suspect"
    assert layer.metadata["offered_mm_per_px"] == pytest.approx(25.4 / 72)
    assert "72 ppi" in layer.metadata["scale_reason"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_large_sheet_is_multiscale(tmp_path, dtype):
    pixels = np.full((4200, 29, 3), np.iinfo(dtype).max // 2, dtype)
    path = save(tmp_path / "large.tif", pixels, compression="zlib", rowsperstrip=64)
    (layer,) = opened(path)
    assert layer.multiscale
    assert layer.rgb
    assert layer.dtype == dtype
    assert layer.data.shape == pixels.shape
    assert [level.shape[0] for level in layer.data] == [4200, 2100, 1050, 525]
    assert layer.contrast_limits == [0, np.iinfo(dtype).max]
    assert layer._slice.image.raw.max() == np.iinfo(dtype).max // 2


def test_several_sheets_become_several_layers(tmp_path, sheet_pixels):
    paths = [save(tmp_path / f"{name}.tif", sheet_pixels) for name in "ab"]
    assert [layer.name for layer in opened([str(p) for p in paths])] == ["a", "b"]


def test_capital_suffixes(tmp_path, sheet_pixels):
    assert get_reader(str(save(tmp_path / "SHEET.TIF", sheet_pixels)))


def test_what_is_not_ours(tmp_path, sheet_pixels, monkeypatch):
    monkeypatch.setattr(reader, "read_sheet", None)  # nothing may be read
    ours = save(tmp_path / "ours.tif", sheet_pixels)
    text = tmp_path / "text.tif"
    text.write_text("no picture")
    table = tmp_path / "table.csv"
    table.write_bytes(ours.read_bytes())
    folder = tmp_path / "folder.tif"
    folder.mkdir()
    for path in (text, table, folder, tmp_path / "missing.tif", [], [ours, table]):
        assert get_reader(path) is None


def test_what_cannot_be_looked_at_is_not_ours(tmp_path, monkeypatch):
    assert get_reader(tmp_path / ("a" * 300 + ".tif")) is None

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    assert get_reader(tmp_path / "sheet.tif") is None


@pytest.mark.parametrize("content", [b"", b"II*\0\x08\0\0\0"])
def test_a_broken_file_of_ours_is_explained(tmp_path, content):
    path = tmp_path / "broken.tif"
    path.write_bytes(content)
    with pytest.raises(SheetError, match=r"broken\.tif is"):
        get_reader(str(path))(str(path))


def test_damaged_pixels_are_found_before_there_is_a_layer(tmp_path, sheet_pixels):
    options = {"compression": "deflate", "rowsperstrip": 50}
    path = save(tmp_path / "sheet.tif", sheet_pixels, **options)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 60] = bytes(60)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"sheet\.tif is damaged"):
        get_reader(str(path))(str(path))


def test_through_npe2(tmp_path, sheet_pixels, npe2pm):
    path = save(tmp_path / "E00012345.TIFF", sheet_pixels, **CALIBRATED)
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_distribution(PLUGIN)):
        (layer,) = ViewerModel().open(str(path), plugin=PLUGIN)
    assert layer.metadata["catalog_number"] == "E00012345"
    assert str(layer.units[0]) == "millimeter"
