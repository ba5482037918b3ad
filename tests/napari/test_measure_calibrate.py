"""A scale from a line, from the ruler, or from the file; for sheet and leaves."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_herbarium._napari.measure import ruler as measure_ruler
from napari_herbarium._napari.measure.calibrate import LINE_LAYER
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium.progress import Progress
from napari_herbarium.sheet.ruler import RulerReading

SHAPE = (200, 300)


@pytest.fixture
def widget(docked, judge):
    return docked(MeasureLeaves)


@pytest.fixture
def add_sheet(viewer):
    def add(**options):
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        data = (
            [pixels, pixels[::2, ::2]] if options.pop("multiscale", False) else pixels
        )
        return viewer.add_image(
            data, rgb=True, name="sheet", multiscale=isinstance(data, list), **options
        )

    return add


@pytest.fixture
def add_leaves(viewer):
    def add(**options):
        labels = np.zeros(SHAPE, np.uint8)
        labels[50:90, 20:70] = 3
        return viewer.add_labels(labels, name="leaves", **options)

    return add


@pytest.fixture
def settle(widget, until):
    return lambda: until(lambda: widget.live.settled)


def draw(viewer, sheet, *ends):
    """Draw on the line layer, between two px of the sheet."""
    layer = viewer.layers[LINE_LAYER]
    world = [sheet.data_to_world(end) for end in ends]
    layer.add_lines([[layer.world_to_data(point) for point in world]])


def test_a_line_gives_sheet_and_leaves_its_scale(
    viewer, widget, add_sheet, add_leaves, settle
):
    sheet, leaves = add_sheet(), add_leaves()
    widget.run()
    settle()
    widget.scale.draw.click()
    assert viewer.layers.selection.active is viewer.layers[LINE_LAYER]
    assert viewer.layers[LINE_LAYER].mode == "add_line"
    assert not widget.scale.use_line.isEnabled()
    assert "Draw a line" in widget.scale.verdict.text()
    draw(viewer, sheet, (10, 20), (10, 220))
    widget.scale.length.setValue(5)
    widget.scale.unit.setCurrentText("cm")
    assert "0.25 mm per px" in widget.scale.verdict.text()
    widget.scale.use_line.click()
    settle()
    assert LINE_LAYER not in viewer.layers
    for layer in (sheet, leaves):
        assert np.allclose(layer.scale, 0.25)
        assert str(layer.units[0]) == "millimeter"
        assert layer.metadata["scale_source"] == "user"
    assert "“sheet” and “leaves” now have 0.25 mm" in widget.message.text()
    row = leaves.features.iloc[0]
    assert row["area_mm2"] == pytest.approx(2000 * 0.25**2)
    assert row["scale_source"] == "user"
    assert widget.bar.unit == "mm"


PLACES = {
    "turned": {"rotate": 30, "translate": (7, -2)},
    "scaled": {"scale": (0.5, 0.5), "units": ("mm", "mm")},
    "pyramid": {"multiscale": True},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_line_is_measured_in_px_of_the_full_sheet(viewer, widget, add_sheet, place):
    sheet = add_sheet(**PLACES[place])
    widget.scale.show_layer(sheet)
    widget.scale.start_line()
    draw(viewer, sheet, (10, 20), (90, 80))  # 100 px
    widget.scale.unit.setCurrentText("inch")
    widget.scale.length.setValue(1)
    assert widget.scale.line_scale() == pytest.approx(0.254)


def test_a_line_that_is_too_short_says_so(viewer, widget, add_sheet, add_leaves):
    sheet, _ = add_sheet(), add_leaves()
    widget.scale.start_line()
    draw(viewer, sheet, (10, 20), (10, 30))
    assert not widget.scale.use_line.isEnabled()
    assert "only 10.0 px long" in widget.scale.verdict.text()


def test_a_line_that_makes_a_scale_no_sheet_has_says_so(
    viewer, widget, add_sheet, add_leaves
):
    sheet, _ = add_sheet(), add_leaves()
    widget.scale.start_line()
    draw(viewer, sheet, (10, 20), (10, 220))
    widget.scale.unit.setCurrentText("inch")
    widget.scale.length.setValue(10_000)
    assert not widget.scale.use_line.isEnabled()
    assert "No sheet has 1270 mm per px" in widget.scale.verdict.text()
    widget.scale.unit.setCurrentText("mm")
    widget.scale.length.setValue(50)
    assert widget.scale.use_line.isEnabled()


def seen_from(viewer, layer):
    """Give the px of a layer in the middle of the view, and its size on the screen."""
    middle = layer.world_to_data(viewer.scene.camera.center[-2:])
    across = np.subtract(layer.data_to_world((0, 1)), layer.data_to_world((0, 0)))
    return *middle, np.linalg.norm(across) * viewer.scene.camera.zoom


@pytest.mark.parametrize("place", PLACES)
def test_a_sheet_stays_in_view_when_it_gets_a_scale(viewer, widget, add_sheet, place):
    sheet = add_sheet(**PLACES[place])
    viewer.scene.camera.center, viewer.scene.camera.zoom = (60, 45), 3
    before = seen_from(viewer, sheet)
    widget.scale.given.emit(0.21, "user")
    assert sheet.scale[0] == 0.21
    assert seen_from(viewer, sheet) == pytest.approx(before)


def test_leaves_without_a_sheet_stay_in_view(viewer, widget, add_leaves):
    leaves = add_leaves(translate=(4, 8))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (60, 45), 3
    before = seen_from(viewer, leaves)
    widget.scale.given.emit(0.21, "user")
    assert seen_from(viewer, leaves) == pytest.approx(before)


@pytest.mark.parametrize("end", ["use_line", "drop"])
def test_after_the_line_the_layer_of_before_is_selected(
    viewer, widget, add_sheet, add_leaves, end
):
    sheet, leaves = add_sheet(), add_leaves()
    viewer.layers.selection.active = leaves
    widget.scale.start_line()
    draw(viewer, sheet, (10, 20), (10, 220))
    getattr(widget.scale, end).click()
    assert viewer.layers.selection.active is leaves


def test_a_line_can_be_dropped(viewer, widget, add_sheet, add_leaves):
    sheet, _ = add_sheet(), add_leaves()
    widget.scale.start_line()
    widget.scale.drop.click()
    assert LINE_LAYER not in viewer.layers
    assert np.allclose(sheet.scale, 1)
    widget.scale.start_line()
    viewer.layers.remove(LINE_LAYER)
    assert not widget.scale.line_row.isVisible()
    assert widget.scale.draw.isEnabled()


def test_leaves_without_a_sheet_can_be_calibrated(viewer, widget, add_leaves, settle):
    leaves = add_leaves(translate=(4, 8))
    widget.scale.start_line()
    draw(viewer, leaves, (0, 0), (0, 100))
    widget.scale.use_line.click()
    assert np.allclose(leaves.scale, 1)
    assert str(leaves.units[0]) == "millimeter"
    assert np.allclose(leaves.translate, (4, 8))


def test_an_offered_scale_is_one_click_away(widget, add_sheet, add_leaves):
    sheet = add_sheet(metadata={"offered_mm_per_px": 25.4 / 300})
    leaves = add_leaves()
    assert widget.scale.scale.accept.text() == "Use 300 ppi"
    widget.scale.scale.accept.click()
    assert np.allclose(sheet.scale, 25.4 / 300)
    assert np.allclose(leaves.scale, 25.4 / 300)


@pytest.fixture
def ruler(monkeypatch, widget, until):
    """A ruler that says what the test wants."""

    def read(mm_per_px):
        reason = "Read 150 mm marks." if mm_per_px else "No scale from a ruler: none."
        reading = RulerReading(mm_per_px, 0.9, "mm", reason)

        def job(_sheet, _tag):
            yield Progress(0, 0, "reading the ruler")
            return reading

        monkeypatch.setattr(measure_ruler, "iter_read_ruler", job)
        widget.scale.read.click()
        until(lambda: widget.ruler.runner.state == "idle")

    return read


def test_the_ruler_gives_a_scale(widget, add_sheet, add_leaves, ruler):
    sheet, leaves = add_sheet(), add_leaves()
    ruler(0.1)
    for layer in (sheet, leaves):
        assert np.allclose(layer.scale, 0.1)
        assert layer.metadata["scale_source"] == "ruler"
    assert "Read 150 mm marks." in widget.message.text()


def test_no_scale_from_the_ruler_says_why(widget, add_sheet, add_leaves, ruler):
    sheet, _ = add_sheet(), add_leaves()
    ruler(None)
    assert np.allclose(sheet.scale, 1)
    assert "No scale from a ruler: none. Draw a line" in widget.message.text()


def test_a_ruler_that_contradicts_is_only_offered(widget, add_sheet, add_leaves, ruler):
    mm = {"scale": (0.2, 0.2), "units": ("mm", "mm")}
    sheet, leaves = add_sheet(**mm), add_leaves(**mm)
    ruler(0.1)
    assert np.allclose(sheet.scale, 0.2)
    assert "The ruler says 0.1 mm per px, but" in widget.message.text()
    widget.scale.use_ruler.click()
    assert np.allclose(leaves.scale, 0.1)
    assert not widget.scale.use_ruler.isVisible()


@pytest.fixture
def held_ruler(monkeypatch, widget, until):
    """A ruler that takes its time, on the chosen sheet; gives what lets it go on."""
    go_on = threading.Event()

    def job(_sheet, _tag):
        yield Progress(0, 0, "reading the ruler")
        go_on.wait(60)
        return RulerReading(0.1, 0.9, "mm", "Read 150 mm marks.")

    def let_go():
        go_on.set()
        until(lambda: widget.ruler.runner.state == "idle")

    monkeypatch.setattr(measure_ruler, "iter_read_ruler", job)
    yield let_go
    go_on.set()


def add_other_sheet(viewer, **options):
    viewer.add_image(np.zeros((90, 80, 3), np.uint8), rgb=True, name="B", **options)
    labels = np.zeros((90, 80), np.uint8)
    labels[10:50, 10:50] = 1
    return viewer.add_labels(labels, name="B leaves", **options)


def test_a_ruler_counts_for_the_sheet_it_was_read_on(
    viewer, widget, add_sheet, add_leaves, held_ruler
):
    sheet, leaves = add_sheet(), add_leaves()
    widget.scale.read.click()
    other = add_other_sheet(viewer)
    viewer.layers.selection.active = other
    held_ruler()
    assert np.allclose([sheet.scale, leaves.scale], 0.1)
    assert np.allclose(other.scale, 1)
    assert widget.message.text() == "“sheet”: Read 150 mm marks."


@pytest.mark.parametrize("late", [True, False])
def test_a_ruler_is_not_offered_to_another_sheet(
    viewer, widget, add_sheet, add_leaves, held_ruler, late
):
    mm = {"scale": (0.2, 0.2), "units": ("mm", "mm")}
    add_sheet(**mm), add_leaves(**mm)
    widget.scale.read.click()
    if not late:
        held_ruler()
        assert widget.scale.use_ruler.isVisible()
    viewer.layers.selection.active = add_other_sheet(viewer, **mm)
    held_ruler()
    assert not widget.scale.use_ruler.isVisible()


def test_without_a_sheet_there_is_no_ruler(widget, add_leaves):
    add_leaves()
    assert not widget.scale.read.isEnabled()
    widget.ruler.read(None)
    assert "open the sheet" in widget.message.text()
