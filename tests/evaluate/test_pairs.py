"""Folders with and without everything in its place."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_herbarium.errors import SheetError
from napari_herbarium.evaluate.pairs import find_pairs, read_groups, read_mask


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def folder(tmp_path):
    for stem in ("b", "a"):
        save(tmp_path / "images" / f"{stem}.jpg", np.zeros((8, 6, 3), np.uint8))
        save(tmp_path / "masks" / f"{stem}.png", np.zeros((8, 6), np.uint8))
    return tmp_path


def test_sheets_are_paired_by_stem(folder):
    pairs = find_pairs(folder)
    assert [pair.stem for pair in pairs] == ["a", "b"]
    assert pairs[0].mask == folder / "masks" / "a.png"


def test_every_sheet_without_mask_is_named(folder):
    for stem in ("c", "d"):
        save(folder / "images" / f"{stem}.png", np.zeros((8, 6, 3), np.uint8))
    with pytest.raises(SheetError, match=r"c\.png, d\.png"):
        find_pairs(folder)


def test_sheets_or_masks_of_one_name_are_all_named(folder):
    save(folder / "images" / "a.png", np.zeros((8, 6, 3), np.uint8))
    save(folder / "masks" / "b.tif", np.zeros((8, 6), np.uint8))
    both = r"images/a\.jpg and images/a\.png; masks/b\.png and masks/b\.tif"
    with pytest.raises(SheetError, match=both):
        find_pairs(folder)


def test_what_is_no_sheet_or_mask_may_have_the_name_of_one(folder):
    (folder / "images" / "a.txt").write_text("notes")
    (folder / "masks" / "a.json").write_text("{}")
    (folder / "masks" / "a.tif").mkdir()
    save(folder / "masks" / "c.tif", np.zeros((8, 6), np.uint8))
    save(folder / "masks" / "c.png", np.zeros((8, 6), np.uint8))
    assert [pair.stem for pair in find_pairs(folder)] == ["a", "b"]


def test_folder_without_masks_says_what_is_expected(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(SheetError, match="holds no picture"):
        find_pairs(tmp_path)
    with pytest.raises(SheetError, match="images/ and masks/"):
        find_pairs(tmp_path / "nowhere")


def test_hidden_files_are_not_sheets(folder):
    (folder / "images" / "._a.jpg").write_bytes(b"resource fork")
    assert len(find_pairs(folder)) == 2


def test_mask_keeps_its_three_values(tmp_path):
    mask = np.array([[0, 1, 255]], np.uint8)
    save(tmp_path / "m.png", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), mask)


@pytest.mark.parametrize("values", [[0, 255, 255], [0, 1, 2], [0, 7, 300]])
def test_other_masks_mean_what_they_mean_in_training(tmp_path, values):
    save(tmp_path / "m.png", np.array([values], np.min_scalar_type(max(values))))
    assert read_mask(tmp_path / "m.png").tolist() == [[0, 1, 1]]


def test_mask_in_colour_is_refused(tmp_path):
    save(tmp_path / "m.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(SheetError, match="3 channels"):
        read_mask(tmp_path / "m.png")


def test_broken_mask_is_refused(tmp_path):
    (tmp_path / "m.png").write_bytes(b"no picture")
    with pytest.raises(SheetError, match="cannot be read as a mask"):
        read_mask(tmp_path / "m.png")


def test_mask_of_a_size_that_scanners_give_is_read_whatever_pillow_says(
    tmp_path, monkeypatch
):
    mask = np.zeros((40, 60), np.uint8)
    mask[5:9] = 1
    path = tmp_path / "m.png"
    palette = Image.fromarray(mask).convert("P")
    palette.putpalette([0, 0, 0, 0, 255, 0])
    palette.save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    np.testing.assert_array_equal(read_mask(path), mask)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 2**17, 2**17)
    path.write_bytes(data)
    with pytest.raises(SheetError, match=r"m\.png"):
        read_mask(path)


def test_groups_are_read_by_name_of_column(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("sheet,split,group\na,val,herb\nb,val,broad\nz,train,herb\n")
    assert read_groups(path, ["a", "b"]) == {"a": "herb", "b": "broad"}


def test_sheets_without_group_are_named(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("sheet,group\na,herb\nb\n")
    with pytest.raises(SheetError, match="b, c"):
        read_groups(path, ["a", "b", "c"])


@pytest.mark.parametrize("content", ["name,group\na,herb\n", "sheet,kind\na,herb\n"])
def test_table_without_the_columns_is_refused(tmp_path, content):
    path = tmp_path / "groups.csv"
    path.write_text(content)
    with pytest.raises(SheetError, match="'sheet' and 'group'"):
        read_groups(path, ["a"])


@pytest.mark.shared
def test_group_file_covers_the_labelled_sheets(shared_data):
    table = Path(__file__).parents[2] / "training" / "groups.csv"
    for split in ("train", "val"):
        stems = [pair.stem for pair in find_pairs(shared_data / "sheets" / split)]
        assert set(read_groups(table, stems).values()) == {"broad", "herb"}
