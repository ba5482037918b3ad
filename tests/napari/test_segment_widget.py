"""Segment leaves: run, cancel, fail, tune, and never harm what is there."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_herbarium import LeafSettings, ModelError, extract_leaves, finish
from napari_herbarium._napari.common import model_choice
from napari_herbarium._napari.segment import tuning
from napari_herbarium._napari.segment.widget import SegmentLeaves
from napari_herbarium._napari.worker import State
from napari_herbarium.measure.whole.judge import quick_whole_probability
from napari_herbarium.progress import Progress

MM = {"scale": (0.1, 0.1), "units": ("mm", "mm"), "axis_labels": ("y", "x")}


@pytest.fixture
def widget(docked, core):
    return docked(SegmentLeaves)


@pytest.fixture
def sheet(viewer, picture):
    return viewer.add_image(picture, rgb=True, name="sheet", **MM)


@pytest.fixture
def run(widget, until):
    """Click, and wait until it is over."""

    def run():
        widget.button.click()
        until(lambda: widget.runner.state is State.IDLE)

    return run


@pytest.fixture
def start(widget, core, until):
    """Click, and wait until the first tile is done; the run then waits."""

    def start():
        core.go_on.clear()
        widget.button.click()
        until(lambda: widget.progress.maximum() == core.TILES)

    return start


@pytest.fixture
def settle(widget, until):
    """Wait until changed settings have acted."""

    def settle():
        until(
            lambda: (
                not widget._settle.isActive()
                and widget.tuner.runner.state is State.IDLE
            )
        )

    return settle


def leaves_of(viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("sheet leaves")]


def state_of(viewer):
    return [(layer.name, layer.data.tobytes()) for layer in viewer.layers]


def test_a_click_gives_leaves_to_edit(viewer, sheet, run, widget):
    run()
    (leaves,) = leaves_of(viewer)
    assert leaves.editable
    assert leaves.data.shape == (120, 160)
    assert leaves.features.area_mm2.tolist() == pytest.approx([20, 9, 20], abs=0.5)
    assert np.allclose(leaves.scale, sheet.scale)
    assert leaves.axis_labels == ("y", "x")
    said = widget.message.text()
    assert said.startswith("3 leaves in “sheet leaves”. Repair them")
    assert leaves.metadata["napari-herbarium"]["model"]["sha256"] == "ab" * 32


def test_the_leaves_are_those_of_the_plain_functions(viewer, picture, sheet, run, core):
    run()
    probability = finish(core.iter_segment(picture))
    expected = extract_leaves(
        probability,
        LeafSettings(),
        mm_per_px=0.1,
        image=picture,
        judge=quick_whole_probability,
    )
    (leaves,) = leaves_of(viewer)
    assert np.array_equal(leaves.data, expected)


def test_an_empty_viewer_says_what_to_do(widget, core):
    assert not widget.button.isEnabled()
    assert "open a sheet" in widget.message.text()
    widget.run()
    assert core.runs == []


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (np.zeros((4, 40, 40), np.uint8), {}),
        (np.zeros((4, 40, 40, 3), np.uint8), {"rgb": True}),
    ],
)
def test_a_stack_is_refused_in_words(viewer, widget, data, options):
    viewer.add_image(data, name="stack", **options)
    assert not widget.button.isEnabled()
    assert "“stack” has 3 dimensions" in widget.message.text()


def test_without_a_model_it_says_so(viewer, sheet, core, monkeypatch, qtbot):
    monkeypatch.setattr(model_choice, "list_models", list)
    widget = SegmentLeaves(viewer)
    qtbot.addWidget(widget)
    assert not widget.button.isEnabled()
    assert "No model is installed" in widget.message.text()


def as_rgba(pixels):
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


KINDS = {
    "grey": (lambda pixels: pixels[..., 0], {"rgb": False}),
    "rgba": (as_rgba, {}),
    "16-bit": (lambda pixels: pixels.astype(np.uint16) * 257, {}),
    "float": (lambda pixels: pixels / 255, {}),
    "dask": (lambda pixels: da.from_array(pixels, chunks=50), {}),
    "zarr": (zarr.array, {}),
    "grey zarr": (lambda pixels: zarr.array(pixels[..., 0]), {"rgb": False}),
    "multiscale": (lambda pixels: [pixels, pixels[::2, ::2]], {"multiscale": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_gives_the_same_leaves(viewer, picture, run, kind):
    convert, options = KINDS[kind]
    options = {"rgb": True, **MM, **options}
    viewer.add_image(convert(picture), name="sheet", **options)
    run()
    (leaves,) = leaves_of(viewer)
    assert leaves.data.shape == picture.shape[:2]
    assert (leaves.data > 0).sum() == pytest.approx(2000 + 900 + 2000, rel=0.03)


def test_leaves_lie_on_a_turned_and_shifted_sheet(viewer, picture, run):
    image = viewer.add_image(
        picture, rgb=True, name="sheet", rotate=30, translate=(7, -2), **MM
    )
    run()
    (leaves,) = leaves_of(viewer)
    for corner in ((0, 0), (119, 0), (60, 159)):
        assert np.allclose(leaves.data_to_world(corner), image.data_to_world(corner))


def test_without_scale_areas_are_in_px_and_it_says_so(viewer, picture, run, widget):
    viewer.add_image(picture, rgb=True, name="sheet")
    assert "no trusted scale" in widget.scale.text.text()
    assert widget.form.min_area.suffix() == " px"
    assert not widget.scale.accept.isVisible()
    run()
    (leaves,) = leaves_of(viewer)
    assert "area_px" in leaves.features


def test_an_offered_scale_can_be_accepted(viewer, picture, run, widget, settle):
    image = viewer.add_image(
        picture,
        rgb=True,
        name="sheet",
        metadata={"offered_mm_per_px": 25.4 / 300, "scale_reason": "72 dpi"},
    )
    run()
    assert widget.scale.accept.isVisible()
    assert widget.scale.accept.text() == "Use 300 ppi"
    assert "72 dpi" in widget.scale.accept.toolTip()
    widget.scale.accept.click()
    settle()
    (leaves,) = leaves_of(viewer)
    for layer in (image, leaves):
        assert np.allclose(layer.scale, 25.4 / 300)
        assert str(layer.units[0]) == "millimeter"
    assert leaves.features.area_mm2[0] == pytest.approx(2000 * (25.4 / 300) ** 2, 0.03)
    assert widget.form.min_area.suffix() == " mm²"
    assert not widget.scale.accept.isVisible()


def test_while_it_runs_it_shows_tiles_and_can_be_cancelled(
    viewer, sheet, start, widget, core, until
):
    before = state_of(viewer)
    start()
    assert widget.progress.isVisible()
    assert widget.progress.text() == "1 of 4 tiles"
    assert widget.button.text() == "Cancel"
    widget.button.click()
    assert widget.button.text() == "Cancelling…"
    assert not widget.button.isEnabled()
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert widget.button.text() == "Segment leaves"
    assert widget.button.isEnabled()
    assert not widget.progress.isVisible()
    assert "nothing was added" in widget.message.text()
    assert state_of(viewer) == before
    assert core.closed


def test_cancelling_a_second_run_keeps_the_first_result(
    viewer, sheet, run, start, widget, core, until
):
    run()
    before = state_of(viewer)
    start()
    widget.cancel()
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert state_of(viewer) == before


@pytest.mark.parametrize(("shown", "toasts"), [(True, 0), (False, 1)])
def test_a_result_is_notified_where_the_widget_cannot_be_seen(
    viewer, sheet, run, widget, shown, toasts
):
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()
    widget.setVisible(shown)
    run()
    assert len(notification_manager.records) == toasts


def test_two_runs_never_overlap(viewer, sheet, start, widget, core, until):
    start()
    widget.run()
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert len(core.runs) == 1
    assert len(leaves_of(viewer)) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("The weights are damaged; get a fresh copy."), "a fresh copy"),
        (RuntimeError("no kernel image"), "RuntimeError: no kernel image"),
    ],
)
def test_an_error_is_said_and_changes_nothing(
    viewer, sheet, run, widget, core, error, words
):
    from napari.utils.notifications import notification_manager

    before, core.error = state_of(viewer), error
    run()
    assert words in widget.message.text()
    assert words in notification_manager.records[-1].message
    assert state_of(viewer) == before
    core.error = None
    run()
    assert len(leaves_of(viewer)) == 1


def test_removing_the_sheet_stops_the_run(viewer, sheet, start, widget, core, until):
    start()
    viewer.layers.remove(sheet)
    assert widget.runner.state is State.CANCELLING
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert len(viewer.layers) == 0
    assert not widget.button.isEnabled()


def test_removing_one_of_two_sheets_says_why_it_stopped(
    viewer, picture, sheet, start, widget, core, until
):
    viewer.add_image(picture, rgb=True, name="other")
    viewer.layers.selection.active = sheet
    start()
    viewer.layers.remove(sheet)
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert "the sheet was removed" in widget.message.text()
    assert [layer.name for layer in viewer.layers] == ["other"]


def test_the_result_goes_to_the_sheet_that_was_run(
    viewer, picture, sheet, start, widget, core, until
):
    start()
    viewer.add_image(picture[:60], rgb=True, name="other")
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    (leaves,) = leaves_of(viewer)
    assert leaves.data.shape == (120, 160)


def test_without_leaves_it_says_what_to_lower(viewer, sheet, run, widget, settle):
    run()
    widget.form.min_area.setValue(1000)
    settle()
    said = widget.message.text()
    assert said.startswith("No leaves in “sheet leaves”. Lower the threshold")


def test_a_second_run_updates_in_place(viewer, sheet, run, widget):
    run()
    widget.form.threshold.setValue(0.9)
    run()
    (leaves,) = leaves_of(viewer)
    assert leaves.data.max() == 1


def test_a_second_run_spares_edited_leaves(viewer, sheet, run):
    run()
    (leaves,) = leaves_of(viewer)
    leaves.paint((5, 150), 9)
    before = leaves.data.copy()
    run()
    assert [layer.name for layer in leaves_of(viewer)] == [
        "sheet leaves",
        "sheet leaves [1]",
    ]
    assert np.array_equal(leaves.data, before)


def test_settings_act_at_once_without_the_network(
    viewer, sheet, run, widget, core, settle
):
    run()
    (leaves,) = leaves_of(viewer)
    widget.form.threshold.setValue(0.9)
    settle()
    assert leaves.data.max() == 1
    assert len(leaves.features) == 1
    assert leaves.metadata["napari-herbarium"]["threshold"] == pytest.approx(0.9)
    assert widget.message.text().startswith("1 leaf in “sheet leaves”.")
    widget.form.threshold.setValue(0.3)
    widget.form.min_area.setValue(15)
    settle()
    assert len(leaves.features) == 2
    assert len(core.runs) == 1
    assert leaves_of(viewer) == [leaves]


def test_settings_stop_acting_once_leaves_are_edited(
    viewer, sheet, run, widget, settle
):
    run()
    (leaves,) = leaves_of(viewer)
    leaves.paint((5, 150), 9)
    before = leaves.data.copy()
    widget.form.threshold.setValue(0.9)
    settle()
    assert np.array_equal(leaves.data, before)
    assert "You have edited these leaves" in widget.message.text()


@pytest.fixture
def slow_tuning(monkeypatch):
    """Let new leaf settings take their time; gives what lets them go on."""
    real, go_on = tuning.iter_leaves, threading.Event()

    def slow(*what):
        yield Progress(0, 1, "leaves")
        go_on.wait(60)
        return (yield from real(*what))

    def begin():
        monkeypatch.setattr(tuning, "iter_leaves", slow)
        return go_on

    yield begin
    go_on.set()


def test_the_setting_of_last_counts_whatever_was_on_its_way(
    viewer, sheet, run, widget, settle, slow_tuning, until
):
    first = 0.6
    widget.form.threshold.setValue(first)
    run()
    (leaves,) = leaves_of(viewer)
    count = len(leaves.features)
    go_on = slow_tuning()
    for threshold in (0.9, 0.95, first):
        widget.form.threshold.setValue(threshold)
        until(lambda: not widget._settle.isActive())
    go_on.set()
    settle()
    assert len(leaves.features) == count
    assert widget.message.text().startswith(f"{count} leaves")


def test_painted_while_settings_were_on_their_way_the_leaves_are_the_users(
    viewer, sheet, run, widget, settle, slow_tuning, until
):
    run()
    (leaves,) = leaves_of(viewer)
    go_on = slow_tuning()
    widget.form.threshold.setValue(0.9)
    until(lambda: widget.tuner.runner.state is State.RUNNING)
    leaves.paint((5, 150), 9)
    before = leaves.data.copy()
    go_on.set()
    settle()
    assert np.array_equal(leaves.data, before)
    assert "You have edited these leaves" in widget.message.text()


def test_settings_changed_during_the_run_act_after_it(
    viewer, sheet, start, widget, core, settle, until
):
    start()
    widget.form.min_area.setValue(15)
    core.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    settle()
    (leaves,) = leaves_of(viewer)
    assert len(leaves.features) == 2


def test_settings_do_not_act_on_another_sheet(
    viewer, picture, sheet, run, widget, settle
):
    run()
    (leaves,) = leaves_of(viewer)
    before = leaves.data.copy()
    viewer.add_image(picture, rgb=True, name="other", **MM)
    widget.form.threshold.setValue(0.9)
    settle()
    assert np.array_equal(leaves.data, before)


@pytest.mark.parametrize("which", [0, -1])
def test_settings_after_the_layers_are_gone_do_nothing(
    viewer, sheet, run, widget, settle, which
):
    run()
    viewer.layers.remove(viewer.layers[which])
    before = state_of(viewer)
    widget.form.threshold.setValue(0.9)
    settle()
    assert state_of(viewer) == before


def test_a_widget_that_is_closed_stops_its_run(viewer, picture, core, qtbot, until):
    viewer.add_image(picture, rgb=True, name="sheet", **MM)
    widget = SegmentLeaves(viewer)
    core.go_on.clear()
    widget.run()
    until(lambda: widget.progress.maximum() == core.TILES)
    with qtbot.waitSignal(widget.destroyed, timeout=60_000):
        widget.deleteLater()
    core.go_on.set()
    until(lambda: core.closed)
    qtbot.wait(50)
    viewer.layers[0].name = "renamed"
    assert [layer.name for layer in viewer.layers] == ["renamed"]


def test_it_fits_a_laptop(widget, sheet):
    widget.form.advanced.expand(animate=False)
    assert widget.minimumSizeHint().width() <= 300
    assert widget.minimumSizeHint().height() < 400
