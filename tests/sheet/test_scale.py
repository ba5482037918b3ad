"""A resolution is applied only when it makes a sheet of a sheet's size."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_herbarium import read_sheet
from napari_herbarium.sheet.scale import ResolutionTag, judge_scale

A3_600 = (9921, 7016)


def judge(x: float, unit: str = "inch", size: tuple[int, int] = A3_600, y: float = 0):
    return judge_scale(ResolutionTag(x, y or x, unit), *size)


@pytest.mark.parametrize(
    ("x", "unit", "size"),
    [
        (600, "inch", A3_600),
        (236.22, "cm", A3_600),
        (600, "inch", (7016, 9921)),
        (300, "inch", (4961, 3508)),
        (1200, "inch", (19843, 14031)),
        (600, "inch", (10200, 6600)),  # 11 x 17 in
        (400, "inch", (6614, 4567)),  # 290 x 420 mm
        (1, "mm", (420, 290)),  # a thumbnail: 1 x 1 says something if it has a unit
    ],
)
def test_a_scanner_is_believed(x, unit, size):
    scale = judge(x, unit, size)
    assert (scale.source, scale.trust) == ("resolution tag", "trusted")
    assert scale.mm_per_px == pytest.approx({"inch": 25.4, "cm": 10, "mm": 1}[unit] / x)
    assert scale.offered_mm_per_px == scale.mm_per_px
    assert scale.reason is None


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (ResolutionTag(72, 72, "inch"), "72 ppi"),
        (ResolutionTag(96, 96, "inch"), "96 ppi"),
        (ResolutionTag(28.346, 28.346, "cm"), "72 ppi"),
        (ResolutionTag(600, 600, "none"), "no unit"),
        (ResolutionTag(600, 300, "inch"), "not square"),
        (ResolutionTag(600, 580, "inch"), "not square"),
        (ResolutionTag(300, 300, "inch"), "594 x 840 mm"),
        (ResolutionTag(1200, 1200, "inch"), "149 x 210 mm"),
    ],
)
def test_a_doubtful_value_is_offered_not_applied(tag, reason):
    scale = judge_scale(tag, *A3_600)
    assert scale.mm_per_px is None
    assert (scale.source, scale.trust) == ("none", "suspect")
    assert scale.offered_mm_per_px == tag.mm_per_px
    assert reason in scale.reason


@pytest.mark.parametrize("size_mm", [(300, 200), (420, 290), (480, 300), (432, 279)])
@pytest.mark.parametrize("factor", [0.5, 2])
def test_a_value_wrong_by_two_is_always_doubted(size_mm, factor):
    height, width = (round(side / 25.4 * 600) for side in size_mm)
    assert judge_scale(ResolutionTag(600, 600, "inch"), height, width).mm_per_px
    wrong = ResolutionTag(600 * factor, 600 * factor, "inch")
    assert judge_scale(wrong, height, width).mm_per_px is None


@pytest.mark.parametrize("size", [(9921, 3000), (16000, 7016)])
def test_a_strip_as_wide_or_as_long_as_a_sheet_is_no_sheet(size):
    assert judge(600, size=size).trust == "suspect"


def test_all_doubts_are_told():
    scale = judge_scale(ResolutionTag(72, 72, "none"), *A3_600)
    assert scale.reason.count(";") == 2


def test_no_resolution_at_all():
    scale = judge_scale(None, *A3_600)
    assert (scale.trust, scale.offered_mm_per_px) == ("none", None)


@pytest.mark.parametrize(
    "tag",
    [
        ResolutionTag(1, 1, "none"),
        ResolutionTag(0, 0, "inch"),
        ResolutionTag(600, 0, "inch"),
    ],
)
def test_a_value_that_says_nothing_is_not_offered(tag):
    scale = judge_scale(tag, *A3_600)
    assert (scale.trust, scale.offered_mm_per_px) == ("suspect", None)
    assert "is no resolution" in scale.reason


def test_slightly_unequal_resolutions_are_averaged():
    scale = judge(600, y=601)
    assert scale.trust == "trusted"
    assert scale.mm_per_px == pytest.approx((25.4 / 600 + 25.4 / 601) / 2)


def test_the_scale_of_a_file(save):
    sheet_pixels = np.zeros((420, 290, 3), np.uint8)
    path = save(sheet_pixels, resolution=(10, 10), resolutionunit="CENTIMETER")
    sheet = read_sheet(path)
    assert sheet.mm_per_px == 1
    assert sheet.scale_source == sheet.metadata["scale_source"] == "resolution tag"
    assert sheet.metadata["resolution_tag"] == {"x": 10, "y": 10, "unit": "cm"}


@pytest.mark.parametrize(
    ("unit", "resolution"), [("mm", 10), ("cm", 100), ("\\u00B5m", 0.01)]
)
def test_the_unit_that_imagej_notes_is_offered(tmp_path, unit, resolution):
    path = tmp_path / "sheet.tif"
    options = {"photometric": "rgb", "imagej": True, "metadata": {"unit": unit}}
    pixels = np.zeros((42, 29, 3), np.uint8)
    tifffile.imwrite(path, pixels, resolution=(resolution, resolution), **options)
    sheet = read_sheet(path)
    assert sheet.mm_per_px is None
    assert sheet.offered_mm_per_px == pytest.approx(0.1)
    assert "stands in a note only" in sheet.metadata["scale_reason"]


def test_a_resolution_that_is_no_fraction(save_bare):
    size = {256: (3, [290]), 257: (3, [420]), 258: (3, [8]), 262: (3, [1])}
    tags = {278: (3, [420]), 282: (3, [10]), 283: (3, [10]), 296: (3, [3])}
    assert read_sheet(save_bare({**size, **tags}, bytes(290 * 420))).mm_per_px == 1


def test_a_suspect_file(save, scan):
    sheet = read_sheet(save(scan, resolution=(72, 72), resolutionunit="INCH"))
    assert sheet.mm_per_px is None
    assert sheet.offered_mm_per_px == pytest.approx(25.4 / 72)
    assert sheet.metadata["scale_trust"] == sheet.scale_trust == "suspect"
    assert "72 ppi" in sheet.metadata["scale_reason"]


@pytest.mark.parametrize("value", [(0, 0), (1, 0), (600, 0)])
def test_a_resolution_that_divides_by_nothing(save_bare, value):
    tags = {
        256: (3, [2]),
        257: (3, [1]),
        258: (3, [8]),
        262: (3, [1]),
        278: (3, [1]),
        282: (4, list(value)),
    }
    sheet = read_sheet(save_bare(tags, b"\x01\x02"))
    assert sheet.mm_per_px is None
