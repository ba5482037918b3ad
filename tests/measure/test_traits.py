"""Shapes of known size in mm: what is measured is what was drawn."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from numbers import Integral, Real

import numpy as np
import pandas as pd
import pytest
import shapes

from napari_herbarium import measure
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure import traits
from napari_herbarium.measure.columns import with_mm
from napari_herbarium.measure.dictionary import (
    Kind,
    data_dictionary,
    kinds,
    trait_names,
)
from napari_herbarium.measure.traits import iter_measure
from napari_herbarium.progress import finish

PPI = 300
SHAPES = {
    "disc": shapes.disc(),
    "ellipse": shapes.ellipse(),
    "rectangle": shapes.rectangle(),
    "lobed leaf with petiole": shapes.lobed_leaf(),
    "leaf with holes": shapes.holed_leaf(),
    "ovate leaf with petiole": shapes.ovate_leaf(),
}
ANGLES = (0, 30, 45, 77, 90)


@cache
def measured(name, degrees=0, ppi=PPI):
    labels = SHAPES[name].drawn(ppi, degrees)
    return measure(labels, 25.4 / ppi).iloc[0]


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"ovate leaf with petiole"}))
def test_length_and_width_within_1_percent_area_within_half(name, degrees):
    shape, row = SHAPES[name], measured(name, degrees)
    assert row["length_mm"] == pytest.approx(shape.length, rel=0.01)
    assert row["width_mm"] == pytest.approx(shape.width, rel=0.01)
    assert row["area_mm2"] == pytest.approx(shape.area, rel=0.005)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("name", SHAPES)
def test_perimeter_within_1_and_a_half_percent(name, degrees):
    row = measured(name, degrees)
    assert row["perimeter_mm"] == pytest.approx(SHAPES[name].perimeter, rel=0.015)


@pytest.mark.parametrize("ppi", [150, 600])
@pytest.mark.parametrize("name", ["ellipse", "lobed leaf with petiole"])
def test_millimetres_do_not_depend_on_the_resolution(name, ppi):
    row, usual = measured(name, 30, ppi), measured(name, 30)
    for column in ("length_mm", "width_mm", "area_mm2", "feret_max_mm"):
        assert row[column] == pytest.approx(usual[column], rel=0.01)
    assert row["lobes"] == usual["lobes"]
    assert row["mm_per_px"] == 25.4 / ppi


@pytest.mark.parametrize("degrees", ANGLES)
def test_petiole_is_measured_apart(degrees):
    row = measured("ovate leaf with petiole", degrees)
    bare = shapes.ovate_leaf(petiole=False)
    # The petiole hides the last 0.6 mm of the pointed base.
    assert bare.length - 0.7 <= row["length_mm"] <= bare.length * 1.005
    assert row["width_mm"] == pytest.approx(bare.width, rel=0.01)
    assert row["petiole_length_mm"] == pytest.approx(shapes.PETIOLE_LENGTH, rel=0.06)
    assert row["petiole_width_mm"] == pytest.approx(shapes.PETIOLE_WIDTH, rel=0.1)
    assert row["lamina_area_mm2"] == pytest.approx(bare.area, rel=0.01)
    assert row["axis_source"] == "petiole"


@pytest.mark.parametrize("degrees", ANGLES)
def test_petiole_under_a_strap_is_no_lamina(degrees):
    labels = SHAPES["ovate leaf with petiole"].drawn(PPI, degrees)
    y, x = np.indices(labels.shape) - labels.shape[0] // 2
    turn = np.radians(degrees)
    along = (x * np.cos(turn) + y * np.sin(turn)) * 25.4 / PPI
    base = -shapes.ovate_leaf().length / 2
    labels[(along < base - 4) & (along > base - 6)] = 0
    row, bare = measure(labels, 25.4 / PPI).iloc[0], shapes.ovate_leaf(petiole=False)
    assert row["pieces"] == 2
    assert row["length_mm"] == pytest.approx(bare.length, rel=0.015)
    assert row["lamina_area_mm2"] == pytest.approx(bare.area, rel=0.01)
    assert row["apex_angle_deg"] == pytest.approx(row["base_angle_deg"], abs=8)


def test_leaf_without_petiole_has_none():
    row = measure(shapes.ovate_leaf(petiole=False).drawn(PPI, 20), 25.4 / PPI).iloc[0]
    assert np.isnan(row["petiole_length_mm"])
    assert np.isnan(row["apex_angle_deg"])
    assert row["lamina_area_px"] == row["area_px"]


def test_holes_are_counted_and_taken_off():
    row, whole = measured("leaf with holes", 30), shapes.ellipse()
    assert row["holes"] == 3
    assert row["filled_area_mm2"] == pytest.approx(whole.area, rel=0.005)
    assert row["hole_share"] == pytest.approx(
        1 - SHAPES["leaf with holes"].area / whole.area, rel=0.02
    )


def test_lobes_and_teeth_are_counted():
    assert measured("lobed leaf with petiole", 30)["lobes"] == 5
    assert measured("ellipse", 30)["lobes"] == 0
    assert measured("ellipse", 30)["teeth"] == 0
    toothed = measure(shapes.toothed_leaf().drawn(PPI)).iloc[0]
    # The two at the ends of the axis may pass for apex and base.
    assert 22 <= toothed["teeth"] <= 24


def test_tips_of_lobes_are_no_teeth():
    assert measured("lobed leaf with petiole", 30)["teeth"] == 0


@pytest.mark.parametrize("degrees", [0, 20, 45])
@pytest.mark.parametrize("ppi", [20, 25, 40])
def test_steps_of_pixels_are_no_teeth(ppi, degrees):
    assert measured("ellipse", degrees, ppi)["teeth"] == 0


def test_the_hollow_side_of_a_bent_leaf_parts_no_lobes():
    assert measure(bent_leaf(20, half_width=10), 0.25).iloc[0]["lobes"] == 0


@pytest.mark.parametrize("half_width", [4, 10])
@pytest.mark.parametrize("sagitta", [0, 5, 10, 20])
def test_apex_and_base_of_a_bent_leaf_are_no_teeth(sagitta, half_width):
    leaf = bent_leaf(sagitta, half_width=half_width)
    assert measure(leaf, 0.25).iloc[0]["teeth"] == 0


def test_angles_of_the_ends():
    row = measured("ovate leaf with petiole", 30)
    radius = (60**2 + 30**2) / (4 * 30)
    quarter = np.sqrt(radius**2 - 15**2) - (radius - 15)
    expected = 2 * np.degrees(np.arctan2(quarter, 15))
    assert row["apex_angle_deg"] == pytest.approx(expected, abs=3)


@pytest.mark.parametrize("degrees", [0, 180])
def test_ends_without_a_petiole_are_told_apart_by_their_angles(degrees):
    egg = shapes.ovate_leaf(petiole=False)
    narrowing = replace(
        egg, inside=lambda u, v: egg.inside(u, v * (1 + 0.006 * u))
    ).drawn(150, degrees)
    row = measure(narrowing, 25.4 / 150).iloc[0]
    assert row["sharper_end_angle_deg"] < row["blunter_end_angle_deg"] - 10


@pytest.mark.parametrize("degrees", ANGLES)
def test_axis_is_the_way_the_leaf_lies(degrees):
    row = measured("ellipse", degrees)
    off = (row["axis_angle_deg"] + degrees) % 180
    assert min(off, 180 - off) < 1


def bent_leaf(sagitta, half_length=40.0, half_width=4.0):
    """Draw a narrow leaf, in mm, its middle off its chord by so much."""
    v, u = np.mgrid[-60:60:0.25, -50:50:0.25]
    off_middle = v - sagitta * (u / half_length) ** 2
    inside = (u / half_length) ** 2 + (off_middle / half_width) ** 2 <= 1
    return inside.astype(np.uint8)


@pytest.mark.parametrize("sagitta", [0, 10, 20, 30])
def test_a_bent_leaf_is_measured_along_its_chord(sagitta):
    row = measure(bent_leaf(sagitta), 0.25).iloc[0]
    assert min(row["axis_angle_deg"], 180 - row["axis_angle_deg"]) < 2
    assert row["length_mm"] == pytest.approx(80, rel=0.03)


def test_a_leaf_wider_than_long_is_measured_along_its_midrib():
    v, u = np.mgrid[-40:60:0.25, -50:50:0.25]
    # Two lobes that spread from the base, as of many Passiflora.
    inside = ((abs(u) - 16) / 20) ** 2 + ((v + 0.6 * abs(u)) / 18) ** 2 <= 1
    row = measure(inside.astype(np.uint8), 0.25).iloc[0]
    assert row["axis_source"] == "mirror symmetry"
    assert row["axis_angle_deg"] == pytest.approx(90, abs=2)
    assert row["width_mm"] > 1.2 * row["length_mm"]


def test_ferets_of_a_disc_are_its_diameter():
    row = measured("disc")
    assert row["feret_max_mm"] == pytest.approx(40, rel=0.01)
    assert row["feret_min_mm"] == pytest.approx(40, rel=0.01)


def test_formulas_of_the_papers_traits():
    row = measured("ellipse", 30)
    length, width = row["major_axis_length"], row["minor_axis_length"]
    area, perimeter = row["area"], row["perimeter"]
    diameter = np.sqrt(4 * area / np.pi)
    assert length * 25.4 / PPI == pytest.approx(60, rel=0.005)
    assert width * 25.4 / PPI == pytest.approx(25, rel=0.005)
    expected = {
        "diameter": diameter,
        "aspect_ratio": length / width,
        "rectangularity": area / (length * width),
        "compactness": perimeter**2 / area,
        "circularity": 4 * np.pi * area / perimeter**2,
        "narrow_factor": diameter / length,
        "per_dia_ratio": perimeter / diameter,
        "per_length_ratio": perimeter / length,
        "per_length_width_ratio": perimeter / (length + width),
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value)


def test_papers_traits_are_those_of_scikit_image():
    from skimage.measure import regionprops

    labels = SHAPES["leaf with holes"].drawn(150, 30)
    (region,) = regionprops(labels)
    row = measure(labels).iloc[0]
    assert row["convex_area"] == region.area_convex
    assert row["solidity"] == pytest.approx(region.solidity)
    assert row["filled_area"] == region.area_filled
    assert row["perimeter"] == pytest.approx(region.perimeter)


def test_nothing_in_px_pretends_to_be_mm():
    row = measure(SHAPES["ellipse"].drawn(100)).iloc[0]
    mm = [name for name in row.index if name.endswith(("_mm", "_mm2"))]
    assert row[[*mm, "mm_per_px"]].isna().all()
    assert (row["scale_source"], row["scale_trust"]) == ("none", "none")
    assert row["length_px"] > 0


def test_a_scale_that_is_given_alone_is_the_users_and_trusted():
    row = measured("disc")
    assert (row["scale_source"], row["scale_trust"]) == ("user", "trusted")


def test_colour_is_the_mean_inside_the_leaf():
    labels = SHAPES["disc"].drawn(60)
    image = np.full((*labels.shape, 3), 250, np.uint8)
    image[labels > 0] = (200, 30, 60)
    row = measure(labels, image=image).iloc[0]
    assert row[["mean_red", "mean_green", "mean_blue"]].tolist() == [200, 30, 60]
    assert row["mean_lab_a"] > 40
    deep = measure(labels, image=image.astype(np.uint16) * 257).iloc[0]
    assert deep["mean_red"] == pytest.approx(200)
    assert deep["mean_lab_l"] == pytest.approx(row["mean_lab_l"], abs=0.01)


def test_every_label_has_a_row_wherever_it_lies():
    labels = np.zeros((80, 120), np.uint32)
    labels[0:20, 0:10] = 4
    labels[40:60, 50:90] = 900
    table = measure(labels)
    assert table["label"].tolist() == [4, 900]
    assert table["touches_edge"].tolist() == [True, False]
    assert table["centroid_y_px"].tolist() == [9.5, 49.5]
    assert table["bbox_right"].tolist() == [10, 90]


def test_a_leaf_reaches_the_edge_on_any_side():
    labels = np.zeros((80, 120), np.uint8)
    places = ((0, 50), (30, 0), (70, 50), (30, 110), (70, 110), (30, 50))
    for label, (top, left) in enumerate(places, start=1):
        labels[top : top + 10, left : left + 10] = label
    assert measure(labels)["touches_edge"].tolist() == [True] * 5 + [False]


def test_some_labels_only_as_in_the_table_of_all():
    labels = np.zeros((80, 120), np.uint8)
    labels[5:25, 5:35] = 1
    labels[40:60, 50:90] = 2
    some = finish(iter_measure(labels, 0.1, only=[2]))
    pd.testing.assert_frame_equal(
        some, measure(labels, 0.1)[1:].reset_index(drop=True), check_like=True
    )


def test_specks_and_lines_are_measured_without_a_fault():
    labels = np.zeros((30, 30), np.uint8)
    labels[2, 2] = 1
    labels[5, 5:20] = 2
    labels[10:12, 5:7] = 3
    labels[20, 20] = labels[25, 25] = 4
    table = measure(labels, 0.1)
    assert table["area_px"].tolist() == [1, 15, 4, 2]
    assert table["length_px"].tolist()[1] == pytest.approx(15, abs=0.5)
    assert table["pieces"].tolist() == [1, 1, 1, 2]
    assert table["perimeter_px"][3] == pytest.approx(2 * table["perimeter_px"][0])


def test_fourier_descriptors_do_not_see_size_and_direction():
    names = [name for name in trait_names(4) if name.startswith("efd_")]
    assert len(names) == 16
    leaf = SHAPES["ellipse"]
    one = measure(leaf.drawn(150, 10), harmonics=4).iloc[0][names].astype(float)
    other = measure(leaf.drawn(300, 70), harmonics=4).iloc[0][names].astype(float)
    np.testing.assert_allclose(one, other, atol=0.01)
    round_leaf = measure(SHAPES["disc"].drawn(150), harmonics=2).iloc[0]
    assert round_leaf["efd_a1"] == pytest.approx(1, abs=0.01)
    assert abs(round_leaf["efd_d1"]) == pytest.approx(1, abs=0.01)
    assert abs(round_leaf["efd_a2"]) < 0.01


@pytest.mark.parametrize("petiole", [True, False])
def test_fourier_descriptors_are_the_same_whichever_way_a_leaf_lies(petiole):
    egg = shapes.ovate_leaf(petiole=petiole)

    def wider_at_one_end(u, v):
        return egg.inside(u, v * (1 + 0.008 * u))

    leaf = replace(egg, inside=wider_at_one_end)
    names = [name for name in trait_names(3) if name.startswith("efd_")]
    rows = [
        measure(leaf.drawn(150, degrees), harmonics=3).iloc[0][names].astype(float)
        for degrees in range(0, 360, 45)
    ]
    for row in rows[1:]:
        np.testing.assert_allclose(row, rows[0], atol=0.01)
    assert abs(rows[0]["efd_d2"]) > 0.02


@pytest.mark.parametrize(
    ("labels", "scale", "said"),
    [
        (np.zeros((9, 9)), None, "whole numbers"),
        (np.zeros((9, 9, 3), np.uint8), None, "2-D"),
        (np.full((9, 9), -1), None, "number the leaves"),
        (np.ones((9, 9), np.uint8), 0.0, "one positive number"),
        (np.ones((9, 9), np.uint8), float("nan"), "one positive number"),
        (np.ones((9, 9), np.uint8), (0.1, 0.2), "square pixels"),
    ],
)
def test_what_makes_no_sense_is_said(labels, scale, said):
    with pytest.raises(SettingsError, match=said):
        measure(labels, scale)


def test_picture_of_another_size_is_refused():
    with pytest.raises(SettingsError, match="labels' own size"):
        measure(np.ones((9, 9), np.uint8), image=np.zeros((8, 9, 3), np.uint8))


def test_dictionary_explains_every_column_once():
    dictionary = data_dictionary()
    assert dictionary["column"].is_unique
    assert (dictionary["meaning"] != "").all()
    in_mm = dictionary[dictionary["column"].str.endswith("_mm")]
    assert set(in_mm["unit"]) == {"mm"}


def test_every_column_is_filled_for_a_leaf_with_petiole_scale_and_picture():
    labels = SHAPES["lobed leaf with petiole"].drawn(100)
    picture = np.full((*labels.shape, 3), 90, np.uint8)
    table = measure(labels, 0.254, picture, whole_probability=[1.0], harmonics=2)
    assert list(table.columns) == trait_names(2)
    assert table.columns[table.isna().any()].empty


def test_the_dictionary_names_every_value_that_is_measured(monkeypatch):
    rows = []

    def noted(row, scale):
        rows.append(with_mm(row, scale))
        return rows[-1]

    monkeypatch.setattr(traits, "with_mm", noted)
    measure(shapes.disc().drawn(60), 0.4, harmonics=1)
    assert set(rows[0]) - set(trait_names(1)) == set()


def test_values_are_of_the_type_that_the_dictionary_says():
    row = measured("disc")
    types = {
        Kind.TEXT: str,
        Kind.TRUTH: np.bool_ | bool,
        Kind.COUNT: Integral,
        Kind.NUMBER: Real,
    }
    wrong = [
        name
        for name in trait_names()
        if not isinstance(row[name], types[kinds()[name]])
    ]
    assert wrong == []


def test_traits_that_planteome_has_carry_its_number():
    ids = data_dictionary().set_index("column")["trait_id"]
    assert ids["length_mm"] == "TO:0000135"
    assert ids["width_mm"] == "TO:0000370"
    assert ids["area_mm2"] == "TO:0000540"
