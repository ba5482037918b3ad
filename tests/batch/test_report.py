"""The page at the end: counts, reasons, pictures, and nothing from elsewhere."""

from __future__ import annotations

import re

import pyarrow.parquet as pq

from napari_herbarium.batch.plan import read_plan
from napari_herbarium.batch.records.ledger import Entry, State, last_entries
from napari_herbarium.batch.records.outcome import CRASHED
from napari_herbarium.batch.records.store import write_sheets_table
from napari_herbarium.batch.report.charts import histogram
from napari_herbarium.batch.report.contact import failed_pictures
from napari_herbarium.batch.report.page import write_report


def test_page_counts_groups_reasons_and_shows_sheets(run, tmp_path, draw):
    scans = tmp_path / "<scans>"
    for stem in ("K1", "K2"):
        draw(scans / f"{stem}.png")
    for stem in ("e1", "e2", "e3"):
        (scans / f"{stem}.tif").touch()
    page = run([scans], tmp_path / "out").page.read_text(encoding="utf-8")
    assert "<b>2</b>sheets done" in page
    assert "<b>3</b>failed" in page
    assert "<b>4</b>leaves" in page
    assert re.search(r"<td>3</td><td>The sheet is empty", page)
    assert page.count("data:image/jpeg;base64,") == 2
    assert "Leaf area, px (n 4" in page
    assert "<scans>" not in page
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_histogram_leaves_out_what_is_missing_and_what_stretches_it():
    assert histogram([None, float("nan")], "x") == ""
    drawn = histogram([*range(1000), 1e9], "Area")
    assert "n 1,001, median 500" in drawn
    assert ">990<" in drawn


def test_failed_sheets_that_can_be_opened_are_shown(tmp_path, draw):
    good, empty = draw(tmp_path / "good.png"), tmp_path / "empty.png"
    empty.touch()
    entries = [
        Entry(str(good), "a", State.FAILED, "Unexpected ValueError: x."),
        Entry(str(good), "b", State.FAILED, CRASHED),
        Entry(str(empty), "c", State.FAILED, "It is empty."),
    ]
    assert [bool(p.jpeg) for p in failed_pictures(entries)] == [True, False, False]


def test_page_shows_failed_sheets_with_their_reason(run, tmp_path, draw):
    draw(tmp_path / "scans" / "K1.png")
    (tmp_path / "scans" / "e1.png").touch()
    page = run([tmp_path / "scans"], tmp_path / "out").page.read_text(encoding="utf-8")
    assert "no picture</p><figcaption><b>e1</b>The sheet is empty" in page


def test_rows_that_were_removed_are_missing_in_the_report_without_a_fault(
    run, tmp_path, draw
):
    out = run(
        [draw(tmp_path / "K1.png"), draw(tmp_path / "K2.png")], tmp_path / "out"
    ).out
    plan = read_plan(out)
    plan.layout.part("K1").unlink()
    entries = list(last_entries(plan.layout.ledger).values())
    assert "K1" in write_report(plan, entries).read_text(encoding="utf-8")


def test_a_name_that_no_text_can_hold_stands_escaped_in_table_and_page(
    run, tmp_path, draw
):
    out = run([draw(tmp_path / "K1.png")], tmp_path / "out").out
    plan = read_plan(out)
    half = "\ud800"  # of a pair of surrogates, as names on Windows may hold
    entries = [Entry(f"/scans/{half}.tif", "sheet", State.FAILED, f"{half} is empty.")]
    write_sheets_table(plan, entries)
    table = pq.read_table(plan.layout.sheets_table).to_pylist()
    told = [(row["source"], row["reason"]) for row in table]
    assert told == [("/scans/\\ud800.tif", "\\ud800 is empty.")]
    assert "\\ud800.tif" in write_report(plan, entries).read_text(encoding="utf-8")
