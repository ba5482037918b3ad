"""The drawn sheet: exact scale, exact leaves, the same at any resolution."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label, regionprops

from napari_herbarium import SheetError, drawn_sheet
from napari_herbarium.sheet.drawn.plan import RULER, make_plan


@pytest.fixture(scope="module")
def drawn():
    return drawn_sheet(dpi=100)


def shoelace(outline):
    x, y = outline.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_it_is_a_sheet_of_280_by_420_mm(drawn):
    assert drawn.mm_per_px == pytest.approx(0.254)
    height, width, channels = drawn.sheet.image.shape
    assert (height, width, channels) == (1654, 1102, 3)
    assert drawn.sheet.image.dtype == np.uint8
    assert drawn.labels.shape == (height, width)
    assert drawn.labels.dtype == np.uint16


def test_it_knows_its_scale_and_number(drawn):
    sheet = drawn.sheet
    assert sheet.mm_per_px == drawn.mm_per_px == sheet.offered_mm_per_px
    assert (sheet.scale_source, sheet.scale_trust) == ("drawn", "trusted")
    assert sheet.catalog_number == "NH00000001"
    assert sheet.path is None


def test_each_label_is_one_leaf_apart_from_the_others(drawn):
    numbers = np.unique(drawn.labels)
    assert numbers.tolist() == list(range(numbers[-1] + 1))
    assert numbers[-1] > 50
    assert label(drawn.labels > 0).max() == numbers[-1]


def test_label_areas_are_those_of_the_outlines():
    leaves = sorted(make_plan(0).leaves, key=lambda leaf: leaf.outline()[:, 1].min())
    regions = regionprops(drawn_sheet(dpi=200).labels)
    off = []
    for leaf, region in zip(leaves, regions, strict=True):
        holes = sum(shoelace(hole) for hole in leaf.hole_outlines())
        off.append(region.area * 0.127**2 / (shoelace(leaf.outline()) - holes) - 1)
    # A strip of linen hides a part of one or two leaves.
    assert np.median(np.abs(off)) < 0.01
    assert np.sum(np.abs(off) > 0.02) <= 3


def test_geometry_in_mm_does_not_depend_on_the_resolution(drawn):
    fine = regionprops(drawn_sheet(dpi=200).labels)
    coarse = regionprops(drawn.labels)
    assert len(fine) == len(coarse)
    for a, b in zip(fine, coarse, strict=True):
        assert np.allclose(
            (np.array(a.centroid) + 0.5) * 0.127,
            (np.array(b.centroid) + 0.5) * 0.254,
            atol=0.15,
        )


def test_same_seed_same_sheet_other_seed_other_sheet(drawn):
    again = drawn_sheet(dpi=100)
    assert np.array_equal(again.sheet.image, drawn.sheet.image)
    assert np.array_equal(again.labels, drawn.labels)
    other = drawn_sheet(dpi=100, seed=1)
    assert not np.array_equal(other.labels, drawn.labels)


def test_leaves_contrast_with_the_paper_and_stems_are_no_leaf(drawn):
    grey = drawn.sheet.image.mean(axis=2)
    assert grey[drawn.labels > 0].mean() < 130
    assert np.median(grey[drawn.labels == 0]) > 200
    # The trunk of the middle plant, below its lowest leaf.
    row = round(380 / drawn.mm_per_px)
    trunk = grey[row, 540:600] < 130
    assert trunk.any()
    assert not drawn.labels[row, 540:600][trunk].any()


def test_leaves_have_holes_that_are_no_leaf(drawn):
    assert any(region.euler_number < 1 for region in regionprops(drawn.labels))


def test_ruler_ticks_stand_where_the_scale_says():
    sheet = drawn_sheet(dpi=254).sheet  # 10 px a mm
    x, y, _, _ = RULER
    row = sheet.image[round((y + 1) * 10)].astype(float).mean(axis=1)
    zero = round((x + 3) * 10)
    dark = 255 - row[zero - 5 : zero + 1505].reshape(151, 10)
    centre = (dark**4 * (np.arange(10) + 0.5)).sum(axis=1) / (dark**4).sum(axis=1)
    assert np.allclose(centre, 5.0, atol=0.1)


@pytest.mark.parametrize("dpi", [10, 5000])
def test_absurd_resolution_is_refused_in_words(dpi):
    with pytest.raises(SheetError, match="50 to 1200 dpi"):
        drawn_sheet(dpi=dpi)
