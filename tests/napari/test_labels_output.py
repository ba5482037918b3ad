"""Leaves layers: in place, described, and never over a user's edits."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest

from napari_herbarium import LeafSettings, SegmentSettings
from napari_herbarium._napari.common.labels_output import (
    Leaves,
    apply_scale,
    is_edited,
    leaves_layers,
    mark_written,
    roomy,
    write_leaves,
)
from napari_herbarium._napari.segment.job import feature_rows

MODEL = {"name": "m", "version": "7", "sha256": "ab" * 32, "threshold": 0.4}


def found(columns=20, mm=None):
    labels = np.zeros((60, 80), np.uint8)
    labels[10:20, 10 : 10 + columns] = 1
    labels[30:50, 30:60] = 2
    rows = feature_rows(labels, mm)
    return Leaves(labels, rows, SegmentSettings(), LeafSettings(), MODEL, mm)


@pytest.fixture
def image(viewer):
    return viewer.add_image(
        np.zeros((60, 80, 3), np.uint8),
        rgb=True,
        name="K000123456",
        scale=(0.05, 0.05),
        units=("mm", "mm"),
        axis_labels=("y", "x"),
        translate=(3, -4),
        rotate=10,
        metadata={"catalog_number": "K000123456", "scale_trust": "trusted"},
    )


def test_leaves_lie_on_their_image(viewer, image):
    layer = write_leaves(viewer, image, found(mm=0.05))
    assert layer.name == "K000123456 leaves"
    assert np.allclose(layer.scale, (0.05, 0.05))
    assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]
    assert layer.axis_labels == ("y", "x")
    assert np.allclose(layer.translate, (3, -4))
    corner = (59, 79)
    assert np.allclose(layer.data_to_world(corner), image.data_to_world(corner))
    assert viewer.layers.selection.active is layer


def test_leaves_can_be_edited(viewer, image):
    layer = write_leaves(viewer, image, found())
    assert layer.editable
    assert not layer.multiscale
    assert layer.data.dtype.kind == "u"


def test_hovering_a_leaf_shows_its_own_row(viewer, image):
    layer = write_leaves(viewer, image, found(mm=0.05))
    assert list(layer.features)[:2] == ["index", "area_mm2"]
    # label 2 is 20 x 30 px
    assert layer.features.set_index("index").area_mm2[2] == pytest.approx(600 * 0.0025)
    assert "area_mm2: 1.5," in layer.get_status((40, 40))["coordinates"]
    assert "area_mm2: 0.5," in layer.get_status((15, 15))["coordinates"]


def test_without_scale_areas_are_in_px(viewer, image):
    layer = write_leaves(viewer, image, found())
    assert layer.features.area_px.tolist() == [200, 600]
    assert "area_mm2" not in layer.features


def test_metadata_says_how_the_leaves_were_found(viewer, image):
    layer = write_leaves(viewer, image, found(mm=0.05))
    facts = layer.metadata["napari-herbarium"]
    assert facts["model"] == MODEL
    assert facts["threshold"] == 0.4
    assert facts["segment_settings"] == SegmentSettings().model_dump(mode="json")
    assert facts["leaf_settings"] == LeafSettings().model_dump(mode="json")
    assert facts["version"]
    assert layer.metadata["catalog_number"] == "K000123456"
    json.dumps(layer.metadata)


def test_a_second_run_updates_leaves_that_are_as_we_wrote_them(viewer, image):
    first = write_leaves(viewer, image, found(20))
    first.opacity = 0.3
    second = write_leaves(viewer, image, found(30))
    assert second is first
    assert first.features.area_px.tolist() == [300, 600]
    assert first.opacity == 0.3
    assert len(viewer.layers) == 2


def paint(layer):
    layer.paint((5, 5), 9)


def erase_without_an_event(layer):
    layer.data[15, 15] = 0


def write_a_note(layer):
    layer.features = layer.features.assign(note=["torn", ""])


@pytest.mark.parametrize("edit", [paint, erase_without_an_event, write_a_note])
def test_a_second_run_leaves_edited_leaves_alone(viewer, image, edit):
    first = write_leaves(viewer, image, found(20))
    edit(first)
    before, table = first.data.copy(), first.features.copy()
    second = write_leaves(viewer, image, found(30))
    assert second is not first
    assert second.name == "K000123456 leaves [1]"
    assert np.array_equal(first.data, before)
    assert first.features.equals(table)
    # the third finds the second as it was written
    assert write_leaves(viewer, image, found(25)) is second


def test_undone_edits_are_no_edits(viewer, image):
    layer = write_leaves(viewer, image, found())
    paint(layer)
    assert is_edited(layer)
    layer.undo()
    assert not is_edited(layer)


def test_a_copy_made_by_the_user_is_the_users(viewer, image):
    layer = write_leaves(viewer, image, found(20))
    copy = viewer.add_labels(
        layer.data.copy(), metadata=deepcopy(layer.metadata), features=layer.features
    )
    assert leaves_layers(viewer, image) == [layer]
    write_leaves(viewer, image, found(30))
    assert (copy.data == 1).sum() == 200


def test_leaves_of_another_image_stay(viewer, image):
    layer = write_leaves(viewer, image, found(20))
    other = viewer.add_image(np.zeros((60, 80, 3), np.uint8), rgb=True, name="other")
    assert write_leaves(viewer, other, found(30)) is not layer
    assert (layer.data == 1).sum() == 200


def test_a_widget_that_adds_columns_can_make_them_ours(viewer, image):
    layer = write_leaves(viewer, image, found())
    write_a_note(layer)
    mark_written(layer)
    assert not is_edited(layer)


@pytest.mark.parametrize(
    ("count", "dtype"), [(10, np.uint8), (200, np.uint16), (40_000, np.uint32)]
)
def test_there_is_room_to_paint_leaves_that_were_missed(count, dtype):
    labels = np.array([[0, count]], np.min_scalar_type(count))
    assert roomy(labels).dtype == dtype
    assert roomy(labels).max() == count


def test_an_accepted_scale_goes_to_image_and_leaves(viewer, image):
    image.scale, image.units, image.translate = (1, 1), ("pixel", "pixel"), (10, 0)
    layer = write_leaves(viewer, image, found())
    apply_scale(viewer, image, 0.1)
    for each in (image, layer):
        assert np.allclose(each.scale, (0.1, 0.1))
        assert [str(unit) for unit in each.units] == ["millimeter", "millimeter"]
        assert np.allclose(each.translate, (1, 0))
    assert layer.features.area_mm2.tolist() == pytest.approx([2, 6])
    assert image.metadata["scale_source"] == "user"
    assert layer.metadata["scale_source"] == "user"
    assert not is_edited(layer)
    apply_scale(viewer, image, 0.2)
    assert layer.features.area_mm2.tolist() == pytest.approx([8, 24])


def test_an_accepted_scale_keeps_edits_and_knows_them_for_edits(viewer, image):
    image.scale, image.units = (1, 1), ("pixel", "pixel")
    layer = write_leaves(viewer, image, found())
    paint(layer)
    before = layer.data.copy()
    apply_scale(viewer, image, 0.1)
    assert np.array_equal(layer.data, before)
    assert is_edited(layer)
