"""Labels of any kind are read, and their scale is believed only with reason."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.measure.files.export import write_labels
from napari_herbarium.measure.files.labels_file import facts_of_labels, read_labels
from napari_herbarium.settings import ScaleSettings
from napari_herbarium.sheet import calibrate
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.sheet.ruler import RulerReading
from napari_herbarium.sheet.sheet import Sheet


def blocks(dtype=np.uint16):
    labels = np.zeros((60, 40), dtype)
    labels[5:30, 5:20] = 1
    labels[35:55, 5:20] = 200
    return labels


def sidecar(path, **scale):
    told = {"scale": scale, "catalog_number": "BM0001"}
    path.with_suffix(".json").write_text(json.dumps(told))


@pytest.mark.parametrize("text", ["[", "[" * 99_999])
def test_damaged_file_beside_labels_does_not_keep_them_from_being_read(tmp_path, text):
    tifffile.imwrite(tmp_path / "K1.leaves.tif", blocks())
    (tmp_path / "K1.leaves.json").write_text(text)
    np.testing.assert_array_equal(
        read_labels(tmp_path / "K1.leaves.tif").labels, blocks()
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32])
def test_tiff_of_any_whole_numbers(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "K1.leaves.tif", blocks(dtype))
    found = read_labels(tmp_path / "K1.leaves.tif")
    np.testing.assert_array_equal(found.labels, blocks())
    assert found.facts.sheet == "K1"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_of_any_whole_numbers(tmp_path, dtype):
    Image.fromarray(blocks(dtype)).save(tmp_path / "K000123456.png")
    found = read_labels(tmp_path / "K000123456.png")
    np.testing.assert_array_equal(found.labels, blocks())
    assert found.facts.sheet == found.facts.catalog_number == "K000123456"
    assert found.facts.mm_per_px is None


@pytest.mark.parametrize(("ppi", "trust"), [(15, "trusted"), (72, "suspect")])
def test_png_of_a_sheet_gives_its_resolution(tmp_path, ppi, trust):
    sheet = np.zeros((260, 170), np.uint8)  # 440 x 288 mm at 15 ppi
    sheet[20:50, 20:60] = 1
    Image.fromarray(sheet).save(tmp_path / "a.png", dpi=(ppi, ppi))
    facts = read_labels(tmp_path / "a.png").facts
    assert facts.scale_trust == trust
    believed = pytest.approx(25.4 / ppi, rel=0.01)
    assert facts.mm_per_px == (believed if trust == "trusted" else None)


def test_own_resolution_is_believed_on_any_size(tmp_path):
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    facts = read_labels(tmp_path / "a.tif").facts
    assert facts.mm_per_px == pytest.approx(0.05, rel=1e-6)
    assert (facts.scale_source, facts.scale_trust) == ("resolution tag", "trusted")


def test_sidecar_names_source_and_number(tmp_path):
    path = tmp_path / "a.leaves.tif"
    write_labels(path, blocks(), mm_per_px=0.0423333333)
    sidecar(path, mm_per_px=0.0423333333, source="ruler", trust="trusted")
    facts = read_labels(path).facts
    assert facts.mm_per_px == 0.0423333333
    assert facts.scale_source == "ruler"
    assert facts.catalog_number == "BM0001"


def test_sidecar_of_other_labels_is_not_believed(tmp_path):
    path = tmp_path / "a.leaves.tif"
    write_labels(path, blocks(), mm_per_px=0.05)
    sidecar(path, mm_per_px=0.06, source="ruler", trust="trusted")
    facts = read_labels(path).facts
    assert facts.mm_per_px == pytest.approx(0.05)
    assert facts.scale_source == "resolution tag"


def test_resolution_that_other_programs_write_without_knowing_gives_no_scale(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, blocks(), resolution=(72, 72), resolutionunit="INCH")
    facts = read_labels(path).facts
    assert facts.mm_per_px is None
    assert facts.scale_trust == "suspect"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.tif", None, "does not exist"),
        ("empty.tif", b"", "cannot be read as labels"),
        ("cut.tif", b"II*\0\x08\0\0\0", "cannot be read as labels"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0", "cannot be read as labels"),
        ("text.tif", b"hello", "cannot be read as labels"),
    ],
)
def test_what_is_no_labels_is_said_in_a_sentence(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SheetError, match=said) as caught:
        read_labels(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_picture_is_no_labels(tmp_path, suffix):
    picture = np.zeros((8, 9, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(picture).save(path)
    with pytest.raises(SheetError, match="8 x 9 x 3, not labels"):
        read_labels(path)


def test_png_of_a_size_that_scanners_give_is_read_whatever_pillow_says(
    tmp_path, monkeypatch
):
    path = tmp_path / "a.png"
    Image.fromarray(blocks()).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    np.testing.assert_array_equal(read_labels(path).labels, blocks())
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 2**17, 2**17)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"a\.png"):
        read_labels(path)


def test_fractions_are_no_labels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 9), np.float32))
    with pytest.raises(SettingsError, match="whole numbers"):
        read_labels(tmp_path / "a.tif")


def picture(mm_per_px=None, source="none", trust="none"):
    pixels = np.full((60, 40, 3), 230, np.uint8)
    return Sheet(pixels, (pixels,), mm_per_px, source, trust, mm_per_px, "BM0009")


def facts(found, sheet, **settings):
    return facts_of_labels(found, sheet, ScaleSettings(**settings))


def test_given_scale_counts_most(tmp_path):
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    found = read_labels(tmp_path / "a.tif")
    told = facts(found, picture(0.1, "resolution tag", "trusted"), mm_per_px=0.2)
    assert told.mm_per_px == 0.2
    assert told.scale_source == "user"


def test_picture_counts_more_than_the_labels(tmp_path):
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    found = read_labels(tmp_path / "a.tif")
    told = facts(found, picture(0.1, "resolution tag", "trusted"))
    assert told.mm_per_px == 0.1
    assert told.catalog_number == "BM0009"


def test_picture_without_scale_leaves_that_of_the_labels(tmp_path):
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    told = facts(read_labels(tmp_path / "a.tif"), picture())
    assert told.mm_per_px == pytest.approx(0.05)
    assert told.catalog_number == "BM0009"


def test_resolution_that_nobody_believes_says_nothing_against_the_labels(tmp_path):
    Image.new("RGB", (40, 60), "white").save(tmp_path / "photo.jpg", dpi=(72, 72))
    photo = read_sheet(tmp_path / "photo.jpg")
    assert photo.scale_trust == "suspect"
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    told = facts(read_labels(tmp_path / "a.tif"), photo)
    assert told.mm_per_px == pytest.approx(0.05)
    assert told.scale_trust == "trusted"
    write_labels(tmp_path / "b.tif", blocks(), None)
    told = facts(read_labels(tmp_path / "b.tif"), photo)
    assert (told.mm_per_px, told.scale_trust) == (None, "suspect")


def test_ruler_and_resolution_that_disagree_leave_no_scale(tmp_path, monkeypatch):
    reading = RulerReading(0.08, 1.0, "mm", "A ruler.")
    monkeypatch.setattr(calibrate, "read_ruler", lambda image: reading)
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=0.05)
    found = read_labels(tmp_path / "a.tif")
    told = facts(found, picture(0.1, "resolution tag", "trusted"))
    assert (told.mm_per_px, told.scale_trust) == (None, "suspect")


def test_scale_that_a_user_gave_to_the_labels_survives(tmp_path):
    path = tmp_path / "a.leaves.tif"
    write_labels(path, blocks(), mm_per_px=0.05)
    sidecar(path, mm_per_px=0.05, source="user", trust="trusted")
    told = facts(read_labels(path), picture(0.1, "resolution tag", "trusted"))
    assert (told.mm_per_px, told.scale_source) == (0.05, "user")


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits"])
def test_damaged_labels_are_one_sentence(tmp_path, compression, capsys):
    path = tmp_path / "a.leaves.tif"
    noise = np.random.default_rng(0).integers(0, 9, (60, 40)).astype(np.uint8)
    tifffile.imwrite(path, noise, compression=compression)
    data = bytearray(path.read_bytes())
    data[-200:-100] = b"\xff" * 100
    path.write_bytes(data)
    with pytest.raises(SheetError, match="cannot be read as labels"):
        read_labels(path)
    assert not capsys.readouterr().err


def test_a_stack_is_not_measured_by_its_first_page(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([blocks()] * 3), photometric="minisblack")
    with pytest.raises(SheetError, match="holds 3 pages of labels"):
        read_labels(path)


@pytest.mark.skipif(os.name == "nt", reason="devices are no files there")
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_device_is_not_waited_for(tmp_path, name):
    path = tmp_path / name
    path.symlink_to(os.devnull)
    with pytest.raises(SheetError, match="is a pipe or a device"):
        read_labels(path)
