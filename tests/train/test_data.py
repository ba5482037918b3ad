"""Pairs are found, and everything wrong with them is said at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.evaluate.masks import as_leaf_mask, read_stored_mask
from napari_herbarium.train.pairs.coco import pairs_from_coco
from napari_herbarium.train.pairs.folder import save_pair
from napari_herbarium.train.pairs.pair import Pair, open_image, open_mask
from napari_herbarium.train.pairs.preflight import (
    check_pairs,
    find_training_pairs,
    iter_refuse_bad_pairs,
    training_pairs_at,
)

SHEET = np.full((80, 70, 3), 220, np.uint8)
MASK = np.zeros((80, 70), np.uint8)
MASK[10:30, 10:40] = 1


@pytest.fixture
def folder(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    return tmp_path


def put(folder, stem, image=SHEET, mask=MASK):
    if image is not None:
        Image.fromarray(image).save(folder / "images" / f"{stem}.png")
    if mask is not None:
        Image.fromarray(mask).save(folder / "masks" / f"{stem}.png")


def test_good_pairs_have_no_faults(folder):
    put(folder, "a")
    tifffile.imwrite(folder / "images" / "b.tif", SHEET, photometric="rgb")
    tifffile.imwrite(folder / "masks" / "b.tif", MASK.astype(np.uint16) * 300)
    pairs = find_training_pairs(folder)
    assert [pair.name for pair in pairs] == ["a", "b"]
    assert check_pairs(pairs) == []
    assert np.array_equal(open_mask(pairs[1]), MASK)
    assert open_image(pairs[1]).shape == SHEET.shape


def test_a_sheet_of_the_smallest_size_will_do():
    assert check_pairs([Pair("a", SHEET[:64, :64], MASK[:64, :64])]) == []


def test_every_fault_is_named_at_once(folder):
    put(folder, "good")
    put(folder, "lonely", mask=None)
    put(folder, "sheetless", image=None)
    put(folder, "small", mask=MASK[:40])
    put(folder, "empty", mask=MASK * 0)
    put(folder, "colour", mask=SHEET)
    put(folder, "tiny", SHEET[:40, :40], MASK[:40, :40])
    (folder / "images" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    (folder / "masks" / "torn.png").write_bytes(b"not a picture")
    faults = check_pairs(find_training_pairs(folder))
    said = {
        "lonely": "no mask",
        "sheetless": "no sheet",
        "small": "70 x 40 px but its sheet is 70 x 80",
        "empty": "empty",
        "colour": "colour",
        "tiny": "64 px",
    }
    for stem, words in said.items():
        assert [words in fault for fault in faults if stem in fault] == [True], stem
    assert sum("torn" in fault for fault in faults) == 2
    assert not any("good" in fault for fault in faults)
    assert all(fault.endswith(".") and "\n" not in fault for fault in faults)


def test_every_sheet_whose_pixels_are_damaged_is_named_before_training(folder):
    noise = np.random.default_rng(0).integers(0, 255, SHEET.shape).astype(np.uint8)
    for stem in ("a", "b", "good"):
        put(folder, stem, image=None)
        path = folder / "images" / f"{stem}.tif"
        tifffile.imwrite(path, noise, compression="deflate", tile=(64, 64))
        if stem != "good":
            damage_last_tile(path)
    with pytest.raises(SheetError) as said:
        list(iter_refuse_bad_pairs(find_training_pairs(folder)))
    lines = str(said.value).splitlines()[1:]
    assert len(lines) == 2
    assert "a.tif is damaged" in lines[0]
    assert "b.tif is damaged" in lines[1]


def damage_last_tile(path):
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[at + 20 : at + 60] = bytes(40)
    path.write_bytes(content)


def test_a_name_that_occurs_twice_is_a_fault():
    faults = check_pairs([Pair("a", SHEET, MASK), Pair("a", SHEET, MASK)])
    assert faults == ["a is there 2 times; give each sheet its own name."]
    assert "no pairs" in check_pairs([])[0]


def test_files_of_one_name_are_a_fault_for_each_pair(folder):
    for stem in ("a", "b", "c"):
        put(folder, stem)
    Image.fromarray(SHEET).save(folder / "images" / "a.jpg")
    tifffile.imwrite(folder / "masks" / "b.tif", MASK)
    (folder / "masks" / "c.json").write_text("{}")
    faults = check_pairs(find_training_pairs(folder))
    assert len(faults) == 2
    assert "images/a.jpg and images/a.png" in faults[0]
    assert "masks/b.png and masks/b.tif" in faults[1]


def test_a_folder_without_sheets_is_refused(tmp_path):
    with pytest.raises(SheetError, match="images/"):
        find_training_pairs(tmp_path)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 1, 1], bool, [0, 1, 1]),
        ([0, 1, 255], np.uint8, [0, 1, 255]),
        ([0, 255, 255], np.uint8, [0, 1, 1]),
        ([0, 2, 255], np.uint8, [0, 1, 1]),
        ([0, 1, 255], np.uint16, [0, 1, 1]),
        ([0, 7, 70000], np.int64, [0, 1, 1]),
        ([1, 1, 255], np.uint8, [1, 1, 255]),
    ],
)
def test_masks_and_ids_of_leaves_are_told_apart(values, dtype, expected):
    mask = as_leaf_mask(np.array([values], dtype))
    assert mask.dtype == np.uint8
    assert mask.tolist() == [expected]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros((4, 4, 3), np.uint8), "colour"),
        (np.zeros((4, 4), float), "whole numbers"),
        (np.full((4, 4), -1), "negative"),
        (np.zeros(4, int), "1 dimensions"),
    ],
)
def test_what_is_no_mask_is_said(labels, said):
    with pytest.raises(SheetError, match=said):
        as_leaf_mask(labels)


def test_masks_with_a_palette_are_read_by_number(tmp_path):
    plain = Image.new("P", (70, 80))
    plain.putdata((MASK * 3).ravel().tolist())
    plain.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    plain.save(tmp_path / "p.png")
    assert np.array_equal(as_leaf_mask(read_stored_mask(tmp_path / "p.png")), MASK)


def test_masks_that_blur_are_refused(tmp_path):
    Image.fromarray(MASK).save(tmp_path / "m.jpg")
    with pytest.raises(SheetError, match="PNG or TIFF"):
        read_stored_mask(tmp_path / "m.jpg")


def coco(folder, annotations):
    content = {
        "images": [{"id": 7, "file_name": "a.png", "height": 80, "width": 70}],
        "annotations": [{"image_id": 7, **leaf} for leaf in annotations],
    }
    path = folder / "leaves.json"
    path.write_text(json.dumps(content))
    return path


def test_coco_outlines_become_masks(folder):
    put(folder, "a", mask=None)
    square = [10, 10, 40, 10, 40, 30, 10, 30]
    crowd = [50, 50, 60, 50, 60, 60, 50, 60]
    path = coco(
        folder,
        [{"segmentation": [square]}, {"segmentation": [crowd], "iscrowd": 1}],
    )
    (pair,) = training_pairs_at(path)
    assert check_pairs([pair]) == []
    mask = open_mask(pair)
    assert np.array_equal(mask == 1, MASK == 1)
    assert (mask[51:59, 51:59] == 255).all()


def test_a_sheet_that_has_nothing_but_a_coco_crowd_teaches_no_leaf(folder):
    put(folder, "a", mask=None)
    crowd = [50, 50, 60, 50, 60, 60, 50, 60]
    path = coco(folder, [{"segmentation": [crowd], "iscrowd": 1}])
    (fault,) = check_pairs(training_pairs_at(path))
    assert "mask of a is empty" in fault


def test_coco_run_lengths_become_masks(folder):
    put(folder, "a", mask=None)
    flat = np.concatenate([[0], MASK.T.ravel(), [1 - MASK.T.ravel()[-1]]])
    runs = np.diff(np.flatnonzero(np.diff(flat) != 0), prepend=-0).tolist()
    runs[-1] = MASK.size - sum(runs[:-1])
    path = coco(folder, [{"segmentation": {"counts": runs, "size": [80, 70]}}])
    assert np.array_equal(open_mask(pairs_from_coco(path, folder / "images")[0]), MASK)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"counts": "abc", "size": [80, 70]},
        {"counts": [5], "size": [80, 70]},
        [[1, 2, 3]],
    ],
)
def test_coco_that_cannot_be_used_is_a_sentence(folder, segmentation):
    path = coco(folder, [{"segmentation": segmentation}])
    with pytest.raises(SheetError, match="COCO"):
        pairs_from_coco(path, folder / "images")
    with pytest.raises(SheetError, match="JSON"):
        pairs_from_coco(folder / "none.json", folder)


def test_a_saved_pair_is_found_again_with_scale_and_source(tmp_path):
    labels = np.zeros((80, 70), np.int32)
    labels[10:30, 10:40] = 255
    labels[40:50, 5:20] = 1
    path = save_pair(tmp_path, "K001", SHEET, labels, 0.05, facts={"model": "base"})
    (pair,) = find_training_pairs(tmp_path)
    assert check_pairs([pair]) == []
    assert np.array_equal(open_mask(pair), (labels > 0).astype(np.uint8))
    assert np.array_equal(tifffile.imread(path), labels)
    note = json.loads((tmp_path / "masks" / "K001.json").read_text())
    assert note["mm_per_px"] == 0.05
    assert note["facts"] == {"model": "base"}
    assert note["leaves"] == 2


def test_a_pair_that_exists_is_kept_unless_told(tmp_path):
    save_pair(tmp_path, "K001", SHEET, MASK)
    with pytest.raises(SettingsError, match="already"):
        save_pair(tmp_path, "K001", SHEET, MASK.T.copy().T)
    save_pair(tmp_path, "K001", SHEET, MASK * 9, overwrite=True)
    assert tifffile.imread(tmp_path / "masks" / "K001.tif").max() == 9


def test_a_pair_that_differs_in_case_alone_is_the_same_file_elsewhere(tmp_path):
    save_pair(tmp_path, "K001", SHEET, MASK)
    with pytest.raises(SettingsError, match="already"):
        save_pair(tmp_path, "k001", SHEET, MASK * 9)
    assert tifffile.imread(tmp_path / "masks" / "K001.tif").max() == 1


def test_a_pair_from_elsewhere_is_never_doubled(folder):
    put(folder, "K001")
    with pytest.raises(SettingsError, match="second file"):
        save_pair(folder, "K001", SHEET, MASK, overwrite=True)


@pytest.mark.parametrize(
    ("stem", "mask", "said"),
    [
        ("a/b", MASK, "no name"),
        ("..", MASK, "no name"),
        ("a\nb", MASK, "no name"),
        ("a", MASK[:40], "px"),
        ("a", MASK * 0, "no leaf"),
    ],
)
def test_what_is_no_pair_is_not_saved(tmp_path, stem, mask, said):
    with pytest.raises(SettingsError, match=said):
        save_pair(tmp_path / "new", stem, SHEET, mask)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("seed", [3, 4, 5, 6, 29])
def test_damaged_masks_are_sentences(tmp_path, seed):
    path = tmp_path / "m.tif"
    tifffile.imwrite(path, MASK, compression="lzw", tile=(64, 64))
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for at in rng.integers(0, min(len(content), 300), 3):
        content[at] = rng.integers(256)
    path.write_bytes(content)
    faults = check_pairs([Pair("m", SHEET, path)])
    assert all(fault.endswith(".") for fault in faults)


def test_json_that_is_nested_too_deeply_is_a_sentence(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with pytest.raises(SheetError, match="nested too deeply"):
        training_pairs_at(tmp_path / "deep.json")


SQUARE = [10, 10, 40, 10, 40, 30, 10, 30]
LEAF = {"image_id": 7, "segmentation": [SQUARE]}
PICTURE = {"id": 7, "file_name": "a.png", "height": 80, "width": 70}


def coco_of(path, images, annotations, categories=()):
    content = {"images": images, "annotations": annotations}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**content, "categories": list(categories)}))
    return path


def test_a_size_that_no_memory_holds_is_a_sentence(folder):
    put(folder, "a", mask=None)
    huge = {**PICTURE, "height": 10**8, "width": 10**6}
    path = coco_of(folder / "x.json", [huge], [LEAF])
    assert ["1000000 x 100000000 px" in f for f in faults_at(path)] == [True]


def test_a_name_that_no_file_can_have_is_a_sentence(folder):
    long = {**PICTURE, "file_name": "x" * 400 + ".png"}
    path = coco_of(folder / "x.json", [long], [LEAF])
    assert ["is not there" in fault for fault in faults_at(path)] == [True]


def faults_at(path):
    return check_pairs(training_pairs_at(path))


def test_all_that_is_wrong_with_a_coco_file_is_said_with_its_place(folder):
    negative = {"counts": [10, -5, 80 * 70 - 5], "size": [80, 70]}
    leaves = [
        {"id": 1, "image_id": 7, "segmentation": [[1, 2, 3]]},
        {"id": 2, "image_id": 7, "segmentation": None},
        {"id": 3, "image_id": 7, "segmentation": negative},
        {"id": 4, "image_id": 7, "segmentation": [[float("nan")] * 6]},
        {"id": 5, "image_id": 99, "segmentation": [SQUARE]},
    ]
    bad = {"id": 8, "file_name": "b.png", "height": -3, "width": 70}
    path = coco_of(folder / "x.json", [PICTURE, bad, {"id": 9}], leaves)
    with pytest.raises(SheetError) as said:
        training_pairs_at(path)
    lines = str(said.value).splitlines()[1:]
    for words in (
        "Image 8: it cannot be 70 x -3 px.",
        "Image 9: it has no 'file_name'.",
        "Annotation 1 of image 7 (a.png): it has a polygon of 3 numbers.",
        "Annotation 2 of image 7 (a.png): it has no outline.",
        "Annotation 3 of image 7 (a.png): it is a run-length mask with negative",
        "Annotation 4 of image 7 (a.png): it has a polygon with numbers that are not",
        "Images that it does not list have annotations (1 in all; image_id 99)",
    ):
        assert sum(words in line for line in lines) == 1, words
    assert len(lines) == 7


def test_an_id_is_the_same_as_a_number_and_as_text(folder):
    put(folder, "a", mask=None)
    path = coco_of(folder / "x.json", [PICTURE], [{**LEAF, "image_id": "7"}])
    assert faults_at(path) == []


def test_of_several_categories_only_leaves_are_leaf(folder):
    put(folder, "a", mask=None)
    flower = [50, 50, 60, 50, 60, 60, 50, 60]
    leaves = [
        {**LEAF, "category_id": 1},
        {"image_id": 7, "category_id": 2, "segmentation": [flower]},
    ]
    names = [{"id": 1, "name": "Leaf"}, {"id": 2, "name": "flower"}]
    (pair,) = training_pairs_at(coco_of(folder / "x.json", [PICTURE], leaves, names))
    assert np.array_equal(open_mask(pair), MASK)
    names[0]["name"] = "organ"
    path = coco_of(folder / "x.json", [PICTURE], leaves, names)
    with pytest.raises(SheetError, match=r"several categories \(flower, organ\)"):
        training_pairs_at(path)


@pytest.mark.parametrize(
    ("json_at", "name"),
    [
        ("x.json", "images/a.png"),
        ("annotations/instances.json", "a.png"),
        ("annotations/instances.json", "images/a.png"),
    ],
)
def test_pictures_are_found_where_other_tools_put_them(folder, json_at, name):
    put(folder, "a", mask=None)
    path = coco_of(folder / json_at, [{**PICTURE, "file_name": name}], [LEAF])
    assert faults_at(path) == []
