"""The page at the end: counts, reasons, pictures, and nothing from elsewhere."""

from __future__ import annotations

import re

from napari_herbarium.batch.charts import histogram
from napari_herbarium.batch.contact import failed_pictures
from napari_herbarium.batch.ledger import Entry, State
from napari_herbarium.batch.outcome import CRASHED


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
