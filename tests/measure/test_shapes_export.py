"""Outlines as COCO and GeoJSON: other programs get the same leaves back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from skimage.draw import disk
from skimage.draw import polygon as filled

from napari_herbarium.measure.files.shapes_export import (
    run_lengths,
    write_coco,
    write_geojson,
)


def sheet():
    """A disc, a disc with a hole that holds a speck, and a leaf in two pieces."""
    labels = np.zeros((120, 220), np.uint16)
    labels[disk((50, 40), 30)] = 3
    labels[disk((60, 110), 35)] = 4
    labels[disk((60, 110), 15)] = 0
    labels[58:63, 108:113] = 4
    labels[10:50, 160:200] = 9
    labels[60:90, 160:200] = 9
    return labels


def table():
    return pd.DataFrame(
        {
            "sheet": "K1",
            "label": [3, 4, 9],
            "area_px": np.bincount(sheet().ravel())[[3, 4, 9]],
            "area_mm2": [1.5, np.nan, 2.5],
            "whole_probability": [0.9, 0.2, np.nan],
            "whole": [True, False, False],
            "whole_by": ["model", "user", "model"],
            "mm_per_px": 0.1,
        }
    )


def coco(tmp_path):
    write_coco(tmp_path / "a.json", sheet(), table(), "K1.tif")
    return json.loads((tmp_path / "a.json").read_text())


def geojson(tmp_path):
    write_geojson(tmp_path / "a.geojson", sheet(), table())
    return json.loads((tmp_path / "a.geojson").read_text())


def from_counts(segmentation):
    """Decode as the COCO format defines it: runs down the columns, ground first."""
    height, width = segmentation["size"]
    values = np.arange(len(segmentation["counts"])) % 2
    flat = np.repeat(values, segmentation["counts"])
    return flat.reshape(width, height).T.astype(bool)


def from_rings(rings, shape):
    """Fill outer rings, cut holes out; rings are x, y with whole pixel centres."""
    mask = np.zeros(shape, bool)
    for ring in sorted(rings, key=lambda ring: -np.ptp(ring[:, 0])):
        mask[filled(ring[:, 1], ring[:, 0], shape)] ^= True
    return mask


def test_coco_names_sheet_and_size(tmp_path):
    told = coco(tmp_path)
    (picture,) = told["images"]
    assert picture == {"id": 1, "file_name": "K1.tif", "height": 120, "width": 220}
    assert [each["name"] for each in told["categories"]] == ["leaf"]
    known = {each["id"] for each in told["categories"]}
    for each in told["annotations"]:
        assert each["image_id"] == 1
        assert each["category_id"] in known
        assert each["iscrowd"] == 0


def test_coco_box_and_area_are_those_of_the_pixels(tmp_path):
    told = coco(tmp_path)["annotations"]
    assert len(told) == len(np.unique(sheet())) - 1
    for each in told:
        mask = sheet() == each["id"]
        rows, columns = np.nonzero(mask)
        assert each["area"] == mask.sum()
        assert each["bbox"] == [
            columns.min(),
            rows.min(),
            np.ptp(columns) + 1,
            np.ptp(rows) + 1,
        ]


def test_coco_leaf_without_holes_is_polygons_one_per_piece(tmp_path):
    by_label = {each["id"]: each for each in coco(tmp_path)["annotations"]}
    assert len(by_label[3]["segmentation"]) == 1
    assert len(by_label[9]["segmentation"]) == 2
    for label in (3, 9):
        flat = by_label[label]["segmentation"]
        assert all(len(ring) >= 6 and len(ring) % 2 == 0 for ring in flat)
        rings = [np.reshape(ring, (-1, 2)) - 0.5 for ring in flat]
        np.testing.assert_array_equal(from_rings(rings, (120, 220)), sheet() == label)


def test_coco_leaf_with_a_hole_is_a_mask_that_keeps_it(tmp_path):
    by_label = {each["id"]: each for each in coco(tmp_path)["annotations"]}
    segmentation = by_label[4]["segmentation"]
    assert sum(segmentation["counts"]) == 120 * 220
    np.testing.assert_array_equal(from_counts(segmentation), sheet() == 4)


@pytest.mark.parametrize(
    "box", [(0, 6, 0, 5), (0, 6, 2, 4), (2, 5, 1, 5), (5, 6, 4, 5)]
)
def test_runs_of_boxes_at_the_edges(box):
    mask = np.zeros((6, 5), bool)
    mask[box[0] : box[1], box[2] : box[3]] = True
    crop = mask[box[0] : box[1], box[2] : box[3]]
    coded = run_lengths(crop, (box[0], box[2]), mask.shape)
    np.testing.assert_array_equal(from_counts(coded), mask)
    assert all(count > 0 for count in coded["counts"][1:-1])


def test_coco_tells_which_leaves_are_whole(tmp_path):
    told = {each["id"]: each["attributes"] for each in coco(tmp_path)["annotations"]}
    assert told[3] == {
        "label": 3,
        "whole": True,
        "whole_probability": 0.9,
        "whole_by": "model",
    }
    assert told[9]["whole_probability"] is None


def test_geojson_gives_the_leaves_back_to_the_pixel(tmp_path):
    for feature in geojson(tmp_path)["features"]:
        polygons = feature["geometry"]["coordinates"]
        if feature["geometry"]["type"] == "Polygon":
            polygons = [polygons]
        rings = [np.array(ring) for polygon in polygons for ring in polygon]
        expected = sheet() == feature["id"]
        np.testing.assert_array_equal(from_rings(rings, (120, 220)), expected)


def test_geojson_rings_are_closed_and_turn_as_the_standard_says(tmp_path):
    by_label = {each["id"]: each["geometry"] for each in geojson(tmp_path)["features"]}
    assert by_label[3]["type"] == "Polygon"
    assert by_label[4]["type"] == "MultiPolygon"
    ring, hole = by_label[4]["coordinates"][0]
    (speck,) = by_label[4]["coordinates"][1]
    for points, sign in ((ring, 1), (hole, -1), (speck, 1)):
        assert points[0] == points[-1]
        x, y = np.array(points).T
        assert np.sign(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) == sign


def test_geojson_carries_row_unit_and_scale(tmp_path):
    told = {each["id"]: each["properties"] for each in geojson(tmp_path)["features"]}
    assert told[3]["coordinate_unit"] == "px"
    assert told[3]["mm_per_px"] == 0.1
    assert told[3]["sheet"] == "K1"
    assert told[3]["area_px"] == (sheet() == 3).sum()
    assert told[4]["area_mm2"] is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1)])
def test_specks_have_outlines_too(tmp_path, shape):
    labels = np.zeros((20, 20), np.uint8)
    labels[4 : 4 + shape[0], 5 : 5 + shape[1]] = 1
    rows = pd.DataFrame({"label": [1]})
    write_coco(tmp_path / "a.json", labels, rows, "a")
    (leaf,) = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert len(leaf["segmentation"][0]) >= 6
    assert leaf["area"] == shape[0] * shape[1]


def test_sheet_without_leaves(tmp_path):
    labels, rows = np.zeros((9, 9), np.uint8), table()[:0]
    write_coco(tmp_path / "a.json", labels, rows, "a")
    write_geojson(tmp_path / "a.geojson", labels, rows)
    assert json.loads((tmp_path / "a.json").read_text())["annotations"] == []
    assert json.loads((tmp_path / "a.geojson").read_text())["features"] == []
