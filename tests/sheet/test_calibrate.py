"""The scale that counts, and the sentence that says why."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import ScaleSettings
from napari_herbarium.sheet import calibrate as module
from napari_herbarium.sheet.calibrate import (
    Line,
    calibrate,
    calibrated,
    line_mm_per_px,
    settle_scale,
)
from napari_herbarium.sheet.ruler import RulerReading
from napari_herbarium.sheet.sheet import Sheet

TAG = 25.4 / 600


def _sheet(**scale) -> Sheet:
    blank = np.full((60, 40, 3), 240, np.uint8)
    return Sheet(blank, (blank,), **scale)


def _tagged(mm_per_px: float = TAG) -> Sheet:
    return _sheet(
        mm_per_px=mm_per_px,
        offered_mm_per_px=mm_per_px,
        scale_source="resolution tag",
        scale_trust="trusted",
    )


def _ruler_says(monkeypatch, mm_per_px: float | None) -> None:
    reading = RulerReading(
        mm_per_px,
        0.9 if mm_per_px else 0.0,
        "mm" if mm_per_px else "",
        "Read 150 mm marks." if mm_per_px else "No scale from a ruler: none was found.",
    )
    monkeypatch.setattr(module, "read_ruler", lambda image: reading)


@pytest.mark.parametrize(
    ("length", "unit", "mm"), [(100, "mm", 100), (10, "cm", 100), (4, "inch", 101.6)]
)
def test_line_of_known_length_in_any_unit(length, unit, mm):
    slanted = Line((10, 20), (310, 420), length, unit)
    assert line_mm_per_px(slanted) == pytest.approx(mm / 500)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (Line((5, 5), (5, 5), 100), "only 0.0 px"),
        (Line((5, 5), (5, 15), 100), "at least 20 px"),
        (Line((0, 0), (0, 500), 0), "greater than 0"),
        (Line((0, 0), (0, 500), -3), "greater than 0"),
        (Line((0, 0), (0, 500), float("nan")), "greater than 0"),
        (Line((0, 0), (0, float("nan")), 10), "draw it along"),
        (Line((0, 0), (0, 500), 3, "ell"), "mm, cm or inch"),
        (Line((0, 0), (0, 500), 10_000, "inch"), "No sheet has 508 mm per px"),
        (Line((0, 0), (0, 5000), 0.01, "mm"), "check the length"),
    ],
)
def test_line_that_makes_no_scale_is_refused_with_a_sentence(line, says):
    with pytest.raises(SettingsError, match=says):
        line_mm_per_px(line)


def test_ruler_beats_missing_tag(monkeypatch):
    _ruler_says(monkeypatch, 0.2)
    found = calibrate(_sheet())
    assert (found.mm_per_px, found.scale_source) == (0.2, "ruler")
    assert found.scale_trust == "trusted"


def test_ruler_beats_suspect_tag(monkeypatch):
    _ruler_says(monkeypatch, 0.2)
    found = calibrate(_sheet(offered_mm_per_px=25.4 / 72, scale_trust="suspect"))
    assert (found.mm_per_px, found.scale_source) == (0.2, "ruler")


def test_ruler_that_agrees_with_tag_is_preferred(monkeypatch):
    _ruler_says(monkeypatch, TAG * 1.01)
    found = calibrate(_tagged())
    assert found.mm_per_px == pytest.approx(TAG * 1.01)
    assert "agrees" in found.reason


@pytest.mark.parametrize("factor", [0.5, 0.96, 1.04, 2.0])
def test_ruler_that_contradicts_believable_tag_gives_no_scale(monkeypatch, factor):
    _ruler_says(monkeypatch, TAG * factor)
    found = calibrate(_tagged())
    assert found.mm_per_px is None
    assert (found.scale_source, found.scale_trust) == ("none", "suspect")
    assert "draw a line" in found.reason


def test_believable_tag_counts_when_no_ruler_is_read(monkeypatch):
    _ruler_says(monkeypatch, None)
    found = calibrate(_tagged())
    assert (found.mm_per_px, found.scale_source) == (TAG, "resolution tag")
    assert "none was found" in found.reason


def test_ruler_is_not_looked_for_when_not_wanted(monkeypatch):
    monkeypatch.setattr(module, "read_ruler", None)
    found = calibrate(_tagged(), use_ruler=False)
    assert found.scale_source == "resolution tag"


def test_nothing_known_gives_no_scale():
    found = calibrate(_sheet())
    assert found.mm_per_px is None
    assert (found.scale_source, found.scale_trust) == ("none", "none")


def test_suspect_tag_gives_no_scale(monkeypatch):
    _ruler_says(monkeypatch, None)
    sheet = _sheet(
        offered_mm_per_px=0.35,
        scale_trust="suspect",
        metadata={"scale_reason": "72 ppi is what programs write"},
    )
    found = calibrate(sheet)
    assert found.mm_per_px is None
    assert found.scale_trust == "suspect"
    assert "72 ppi" in found.reason


@pytest.mark.parametrize("source", ["drawn", "user"])
def test_scale_that_was_given_with_the_sheet_is_not_doubted(monkeypatch, source):
    monkeypatch.setattr(module, "read_ruler", None)
    found = calibrate(
        _sheet(mm_per_px=0.08, scale_source=source, scale_trust="trusted")
    )
    assert (found.mm_per_px, found.scale_source) == (0.08, source)


def test_sheet_takes_the_scale_and_the_reason(monkeypatch):
    _ruler_says(monkeypatch, 0.2)
    before = _sheet(metadata={"page": 0})
    after = calibrated(before, calibrate(before))
    assert (after.mm_per_px, after.scale_source) == (0.2, "ruler")
    assert after.metadata["scale_reason"].startswith("Read 150 mm marks")
    assert after.metadata["page"] == 0
    assert before.mm_per_px is None


def test_given_scale_beats_ruler_and_tag(monkeypatch):
    monkeypatch.setattr(module, "read_ruler", None)
    after = settle_scale(_tagged(), ScaleSettings(mm_per_px=0.3))
    assert (after.mm_per_px, after.scale_source, after.scale_trust) == (
        0.3,
        "user",
        "trusted",
    )
    assert after.metadata["scale_reason"] == "0.3 mm per px was given."


@pytest.mark.parametrize(("ruler", "source"), [(True, "ruler"), (False, "none")])
def test_ruler_settles_the_scale_where_it_is_wanted(monkeypatch, ruler, source):
    _ruler_says(monkeypatch, 0.2)
    after = settle_scale(_sheet(), ScaleSettings(ruler=ruler))
    assert after.scale_source == source
    assert after.mm_per_px == (0.2 if ruler else None)


@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf")])
def test_scale_that_is_none_cannot_be_given(given):
    with pytest.raises(ValueError, match="mm_per_px"):
        ScaleSettings(mm_per_px=given)
