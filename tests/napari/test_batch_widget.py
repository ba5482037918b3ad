"""Segment a folder: say what would happen, start, watch, stop, go on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_herbarium._napari.batch import widget as batch_widget
from napari_herbarium._napari.batch.order import (
    Order,
    iter_order,
    with_subfolders,
    without_main,
)
from napari_herbarium._napari.batch.outlook import Outlook
from napari_herbarium._napari.batch.watch import rate_in_words, speed_in_words
from napari_herbarium._napari.batch.widget import SegmentFolder
from napari_herbarium._napari.worker import State
from napari_herbarium.batch import plan, run
from napari_herbarium.batch.prepare import prepare
from napari_herbarium.batch.records.ledger import Entry, Ledger
from napari_herbarium.batch.records.ledger import State as Ended
from napari_herbarium.batch.records.lock import leading
from napari_herbarium.batch.run import BatchProgress, BatchReport
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Progress

BROKEN = "K2 is damaged: copy it again."


class FakeEngine:
    """Stands in for the workers: writes plan and ledger, fails K2, can be held."""

    def __init__(self):
        self.go_on = threading.Event()
        self.go_on.set()
        self.orders = []
        self.error = None
        self.closed = False

    def iter_batch(self, inputs, out, settings, workforce, **how):
        self.orders.append((inputs, settings, workforce, how))
        self.closed = False
        again = how["retry_failed"]
        try:
            with leading(out / ".running"):
                ready = prepare(inputs, out, settings, retry_failed=again)
                plan.write_plan(ready.plan)
                yield from self._sheets(ready)
                ready.plan.layout.report.write_text("<p>Report")
        finally:
            self.closed = True
        return self._report(ready, how)

    def _sheets(self, ready):
        total = len(ready.todo) + len(ready.states)
        layout = ready.plan.layout
        with Ledger(layout.ledger) as ledger:
            for done, (row, name) in enumerate(ready.todo, start=1):
                bad = name == "K2"
                entry = Entry(
                    row.source,
                    name,
                    Ended.FAILED if bad else Ended.DONE,
                    BROKEN if bad else "",
                )
                if not bad:
                    layout.labels_folder.mkdir(exist_ok=True)
                    layout.labels(name).touch()
                ledger.add(entry)
                yield BatchProgress(
                    done, total, "sheets", int(bad), 0, 2.0, 30.0, None, (entry,)
                )
                self.go_on.wait(60)
                if self.error is not None:
                    raise self.error

    def _report(self, ready, how):
        failures = (
            () if how["retry_failed"] else (Entry("", "K2", Ended.FAILED, BROKEN),)
        )
        return BatchReport(
            ready.plan.layout.out,
            2,
            1,
            0,
            2,
            1,
            14,
            12.0,
            failures,
            ready.plan.layout.report,
        )


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """The engine replaced by `FakeEngine`, and a model that needs no file."""
    fake = FakeEngine()
    config = SimpleNamespace(name="sees-green", version="1", threshold=0.5)
    monkeypatch.setattr(run, "iter_batch", fake.iter_batch)
    monkeypatch.setattr(plan, "find_model", lambda name: tmp_path)
    monkeypatch.setattr(plan, "read_config", lambda folder: config)
    monkeypatch.setattr(plan, "_sha256", lambda path: "ab" * 32)
    yield fake
    fake.go_on.set()


@pytest.fixture
def scans(tmp_path):
    """Three sheets, and a file that is none."""
    folder = tmp_path / "scans [2024]"
    folder.mkdir()
    for name in ("K1", "K2", "K3"):
        Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(
            folder / f"{name}.png"
        )
    (folder / "notes.md").write_text("mine")
    return folder


@pytest.fixture
def widget(docked, core, engine):
    return docked(SegmentFolder)


@pytest.fixture
def known(widget, until):
    """Wait until it is known what a run would do."""

    def known():
        until(
            lambda: not widget._settle.isActive() and widget.looker.state is State.IDLE
        )
        return widget.outlook.text()

    return known


@pytest.fixture
def choose(widget, scans, known):
    widget.form.sheets.set_paths([str(scans)])
    return known()


@pytest.fixture
def go(widget, until):
    """Click, and wait until it is over."""

    def go():
        widget.button.click()
        until(lambda: widget.runner.state is State.IDLE)

    return go


def test_nothing_can_be_started_before_folders_are_chosen(widget):
    assert not widget.button.isEnabled()
    assert "Choose the sheets" in widget.outlook.text()
    assert not widget.report.isEnabled()
    assert not widget.review.isEnabled()


def test_it_says_how_many_sheets_there_are_and_proposes_where_results_go(
    widget, scans, choose
):
    assert choose == "3 sheets (1 other file skipped)."
    assert widget.form.results.folder() == scans.parent / "scans [2024] leaves"
    assert widget.button.isEnabled()
    assert widget.button.text() == "Segment folder"
    assert not widget.form.anew.isVisible()


def test_paths_are_taken_as_windows_copies_them(widget, scans):
    """Its "Copy as path" puts quotes around them."""
    widget.form.sheets.setText(f' "{scans}" ; "{scans / "K1.png"}"')
    assert widget.form.sheets.paths() == [str(scans), str(scans / "K1.png")]
    widget.form.results.line.setText(f'"{scans.parent}"')
    assert widget.form.results.folder() == scans.parent


def test_a_folder_without_sheets_is_refused_in_words(widget, tmp_path, known):
    (tmp_path / "empty").mkdir()
    widget.form.sheets.set_paths([str(tmp_path / "empty")])
    assert "holds no sheet" in known()
    assert not widget.button.isEnabled()


def test_sheets_that_are_not_there_are_refused_in_words(widget, tmp_path, known):
    widget.form.sheets.set_paths([str(tmp_path / "nowhere" / "K1.tif")])
    assert "There is no file or folder" in known()
    assert not widget.button.isEnabled()


def test_a_file_is_no_folder_for_results(widget, scans, known):
    widget.form.sheets.set_paths([str(scans)])
    widget.form.results.set_folder(scans / "notes.md")
    assert "choose a folder for the results" in known()
    assert not widget.button.isEnabled()


def test_a_folder_that_is_called_like_a_file_is_a_folder(widget, tmp_path, known):
    scans = tmp_path / "herbarium.2024"
    scans.mkdir()
    widget.form.sheets.set_paths([str(scans)])
    assert widget.form.results.folder() == tmp_path / "herbarium.2024 leaves"


def test_what_was_seen_too_late_is_not_said(widget, scans, monkeypatch, until):
    go_on, began = threading.Event(), threading.Event()

    def slow(order):
        yield Progress(0, 0, "looking")
        began.set()
        go_on.wait(60)
        return Outlook(todo=5)

    monkeypatch.setattr(batch_widget, "iter_outlook", slow)
    widget.form.sheets.set_paths([str(scans)])
    until(began.is_set)
    widget.form.sheets.clear()
    go_on.set()
    until(lambda: widget.looker.state is State.IDLE)
    assert "Choose the sheets" in widget.outlook.text()
    assert not widget.button.isEnabled()


def test_the_users_results_folder_is_kept_when_sheets_change(widget, scans, tmp_path):
    widget.form.results.set_folder(tmp_path / "mine")
    widget.form.sheets.set_paths([str(scans)])
    assert widget.form.results.folder() == tmp_path / "mine"


def test_a_run_shows_progress_failures_and_its_end(widget, engine, choose, until):
    engine.go_on.clear()
    widget.form.workers.setValue(2)
    widget.form.measure.setChecked(False)
    until(widget.button.isEnabled)
    widget.button.click()
    until(lambda: widget.watch.bar.maximum() == 3)
    assert widget.watch.bar.text() == "1 of 3 sheets"
    assert widget.watch.speed.text() == "2 sheets per second, about 30 s left"
    assert widget.button.text() == "Cancel"
    assert not widget.form.isEnabled()
    engine.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    ((_, settings, workforce, how),) = engine.orders
    assert (workforce.workers, settings.measure, how["csv"]) == (2, False, True)
    assert widget.message.text() == "2 sheets done, 14 leaves, 1 failed (12 s)."
    assert widget.watch.failures.item(0).text() == f"K2: {BROKEN}"
    assert widget.watch.failures.isVisible()
    assert not widget.watch.bar.isVisible()


def test_report_and_review_open_the_run(widget, choose, go, known):
    opened = []
    widget.open_page = opened.append
    widget.open_review = opened.append
    go()
    known()
    widget.report.click()
    widget.review.click()
    out = widget.form.results.folder()
    assert opened == [out / "report.html", out]


def test_cancel_keeps_what_is_done_and_the_next_start_goes_on(
    widget, engine, choose, go, known, until
):
    engine.go_on.clear()
    widget.button.click()
    until(lambda: widget.watch.bar.maximum() == 3)
    widget.button.click()
    assert widget.button.text() == "Cancelling…"
    engine.go_on.set()
    until(lambda: widget.runner.state is State.IDLE)
    assert engine.closed
    assert "Stopped. What is done stays" in widget.message.text()
    # the sheet that was in hand came to its end
    assert "1 done earlier, 1 failed, 1 to do" in known()
    assert widget.button.text() == "Go on"
    assert widget.review.isEnabled()
    go()
    assert "1 failed" in widget.message.text()
    assert "2 done earlier, 1 failed, nothing left to do" in known()
    assert not widget.button.isEnabled()


def test_tables_can_be_written_anew_after_a_review(widget, engine, choose, go, known):
    go()
    assert "Reviewed since" not in known()
    out = widget.form.results.folder()
    (out / "review.jsonl").touch()
    os.utime(out / "report.html", (1, 1))
    widget.hide()
    widget.show()
    assert "nothing left to do. Reviewed since" in known()
    assert widget.button.text() == "Write the tables anew"
    go()
    assert len(engine.orders) == 2


def test_failed_sheets_can_be_tried_again(widget, engine, choose, go, known):
    assert not widget.form.retry.isVisible()
    go()
    known()
    assert widget.form.retry.isVisible()
    widget.form.retry.setChecked(True)
    assert "1 to do" in known()
    go()
    assert engine.orders[-1][-1]["retry_failed"]
    assert not widget.form.retry.isChecked()


def test_a_run_of_other_settings_is_refused_until_a_new_run_is_chosen(
    widget, engine, choose, go, known
):
    go()
    known()
    widget.form.measure.setChecked(False)
    words = known()
    assert "measure (on to off)" in words
    assert "Begin a new run" in words
    assert not widget.button.isEnabled()
    widget.form.anew.setChecked(True)
    assert known() == "3 sheets (1 other file skipped)."
    assert widget.button.isEnabled()


def test_an_error_comes_as_words(widget, engine, choose, go, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "napari_herbarium._napari.batch.widget.show_error", shown.append
    )
    engine.error = HerbariumError("The disk is full; free some space.")
    go()
    assert shown == ["The disk is full; free some space."]
    assert widget.message.text() == shown[0]
    assert widget.form.isEnabled()


def test_a_widget_that_goes_away_stops_its_run(viewer, core, engine, scans, until):
    engine.go_on.clear()
    widget = SegmentFolder(viewer)
    widget.form.sheets.set_paths([str(scans)])
    until(widget.button.isEnabled)
    widget.button.click()
    until(lambda: widget.watch.bar.maximum() == 3)
    widget.deleteLater()
    engine.go_on.set()
    until(lambda: engine.closed)


def test_subfolders_are_a_pattern_that_takes_names_literally(scans):
    import glob

    (scans / "deep").mkdir()
    (scans / "K1.png").rename(scans / "deep" / "K1.png")
    (pattern,) = with_subfolders([str(scans)])
    assert str(scans / "deep" / "K1.png") in glob.glob(pattern, recursive=True)
    assert with_subfolders(["one.tif"]) == ("one.tif",)


def test_workers_do_not_run_the_program_that_started_napari(engine, scans, tmp_path):
    from multiprocessing.spawn import get_preparation_data

    main = sys.modules["__main__"]
    main_file = getattr(main, "__file__", None)
    with without_main():
        told = get_preparation_data("worker")
    assert not [key for key in told if key.startswith("init_main")]
    assert getattr(main, "__file__", None) == main_file
    job = iter_order(Order((str(scans),), tmp_path / "out"))
    next(job)
    assert not hasattr(main, "__file__")
    job.close()
    assert getattr(main, "__file__", None) == main_file


OPEN = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_herbarium._napari.batch.widget import SegmentFolder
from napari_herbarium._napari.review.widget import BatchReview
widgets = SegmentFolder(ViewerModel()), BatchReview(ViewerModel())
print([name for name in ("torch", "distributed") if name in sys.modules])
"""


def test_both_widgets_open_without_torch_and_scheduler():
    done = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_run_without_workers_says_so_instead_of_a_rate():
    gone = BatchProgress(3, 9, "sheets", per_second=2.0, seconds_left=3.0, waiting=True)
    assert "waiting" in speed_in_words(gone)


@pytest.mark.parametrize(
    ("per_second", "words"),
    [
        (2.5, "2.5 sheets per second"),
        (0.1, "6 sheets per minute"),
        (1 / 120, "30 sheets per hour"),
    ],
)
def test_rates_have_a_unit_that_reads_well(per_second, words):
    assert rate_in_words(per_second) == words
