"""`napari-herbarium segment`: what it writes, refuses and says."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_herbarium.cli.late_rows import LateRows
from napari_herbarium.errors import ModelError
from napari_herbarium.measure.files.export import replace_rows


def table(folder):
    return pd.read_csv(folder / "leaves.csv", dtype=str, keep_default_na=False)


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_labels_table_and_settings_of_a_calibrated_sheet(tmp_path, run, draw):
    sheet = draw(tmp_path / "K000123456.tif", mm_per_px=1.0)
    out = tmp_path / "out"
    result = run("segment", sheet, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert listing(out) == [
        "K000123456.leaves.json",
        "K000123456.leaves.tif",
        "leaves.csv",
    ]
    labels = tifffile.imread(out / "K000123456.leaves.tif")
    assert labels.shape == (420, 280)
    assert labels.dtype == np.uint8
    assert np.bincount(labels.ravel()).tolist() == [420 * 280 - 3000, 600, 2400]
    with tifffile.TiffFile(out / "K000123456.leaves.tif") as tiff:
        assert tiff.pages[0].get_resolution("MILLIMETER") == pytest.approx((1, 1))
    rows = table(out)
    assert rows["sheet"].tolist() == ["K000123456"] * 2
    assert rows["catalog_number"].tolist() == ["K000123456"] * 2
    assert rows["area_px"].tolist() == ["600", "2400"]
    assert rows["area_mm2"].astype(float).tolist() == pytest.approx([600, 2400])
    assert rows["scale_source"].tolist() == ["resolution tag"] * 2
    box = rows[["bbox_top", "bbox_left", "bbox_bottom", "bbox_right"]]
    assert box.to_numpy().tolist()[0] == ["50", "40", "80", "60"]


def test_uncalibrated_sheet_has_no_mm(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    assert run("segment", tmp_path / "a.png", "--out", tmp_path / "out").exit_code == 0
    rows = table(tmp_path / "out")
    assert rows["area_mm2"].tolist() == ["", ""]
    assert rows["scale_trust"].tolist() == ["none", "none"]
    with tifffile.TiffFile(tmp_path / "out" / "a.leaves.tif") as tiff:
        assert tiff.pages[0].resolutionunit == tifffile.RESUNIT.NONE


def test_sidecar_tells_how_the_labels_were_made(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    run("segment", tmp_path / "a.png", "--out", out, "--min-area-px", 700)
    told = json.loads((out / "a.leaves.json").read_text())
    assert told["model"]["sha256"] == "ab" * 32
    assert told["leaf_settings"]["min_area_px"] == 700
    assert told["segment_settings"]["detail"] == "full"
    assert told["leaves"] == 1
    assert told["shape"] == [420, 280]


def traits(folder):
    return pd.read_csv(folder / "traits.csv", keep_default_na=False)


def test_measure_writes_the_full_table(tmp_path, run, draw):
    from napari_herbarium import read_sheet
    from napari_herbarium.measure.table import SheetFacts, leaf_table

    path = draw(tmp_path / "K000123456.tif", mm_per_px=1.0)
    out = tmp_path / "out"
    result = run("segment", path, "--out", out, "--measure")
    assert result.exit_code == 0, result.stderr
    assert str(out / "traits.csv") in result.stdout
    labels = tifffile.imread(out / "K000123456.leaves.tif")
    facts = SheetFacts("K000123456", "K000123456", 1.0, "resolution tag", "trusted")
    expected = leaf_table(labels, facts, read_sheet(path).image)
    rows = traits(out)
    assert list(rows.columns) == list(expected.columns)
    for name in expected.select_dtypes("number").dropna(axis=1):
        assert rows[name].tolist() == pytest.approx(expected[name].tolist(), rel=1e-8)
    assert rows["length_mm"].tolist() == pytest.approx([30, 60], rel=0.05)
    assert rows["sheet"].tolist() == ["K000123456"] * 2


def test_traits_never_stay_those_of_earlier_labels(tmp_path, run, draw):
    out = tmp_path / "out"
    for stem in "ab":
        draw(tmp_path / f"{stem}.png")
    run("segment", tmp_path, "--out", out, "--measure")
    args = ("--min-area-px", 1000, "--overwrite")
    run("segment", tmp_path / "a.png", "--out", out, *args)
    assert traits(out)["sheet"].tolist() == ["b", "b", "a"]


def test_scale_that_is_given_counts_most_and_is_told(tmp_path, run, draw):
    path = draw(tmp_path / "a.tif", mm_per_px=1.0)
    out = tmp_path / "out"
    result = run("segment", path, "--out", out, "--mm-per-px", 0.5)
    assert result.exit_code == 0, result.stderr
    rows = table(out)
    assert rows["area_mm2"].astype(float).tolist() == pytest.approx([150, 600])
    assert rows["scale_source"].tolist() == ["user"] * 2
    told = json.loads((out / "a.leaves.json").read_text())["scale"]
    assert told["source"] == "user"
    assert told["reason"] == "0.5 mm per px was given."


def test_ruler_gives_the_scale_where_the_file_gives_none(tmp_path, run, monkeypatch):
    from napari_herbarium import drawn_sheet

    drawn = drawn_sheet(dpi=100)
    path = tmp_path / "a.png"
    Image.fromarray(np.asarray(drawn.sheet.image)).save(path)
    said = run("segment", path, "--out", tmp_path / "out").stdout
    assert "No scale" not in said
    told = json.loads((tmp_path / "out" / "a.leaves.json").read_text())["scale"]
    assert told["source"] == "ruler"
    assert told["mm_per_px"] == pytest.approx(drawn.mm_per_px, rel=0.01)
    said = run("segment", path, "--out", tmp_path / "bare", "--no-ruler").stdout
    assert "No scale on 1 of 1, so areas are in px; --mm-per-px gives one." in said
    told = json.loads((tmp_path / "bare" / "a.leaves.json").read_text())["scale"]
    assert told["source"] == "none"
    assert told["mm_per_px"] is None


def test_overlay_is_written_when_asked_for(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    result = run("segment", tmp_path / "a.png", "--out", out, "--overlay")
    assert Image.open(out / "a.overlay.png").size == (4 * 280, 4 * 420)
    assert str(out / "a.overlay.png") in result.stdout


def test_says_where_the_results_of_one_sheet_are(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    result = run("segment", tmp_path / "a.png", "--out", out)
    *lines, last = result.stdout.splitlines()
    assert lines == [
        "Found 2 leaves on 1 sheet.",
        f"Labels:  {out / 'a.leaves.tif'}",
        f"Table:   {out / 'leaves.csv'}",
    ]
    assert last.startswith("No scale on 1 of 1")


def test_sheets_without_leaves_are_named(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    for name in ("b", "c"):
        Image.new("RGB", (280, 420), (240, 236, 225)).save(tmp_path / f"{name}.png")
    said = run("segment", tmp_path, "--out", tmp_path / "out").stdout
    assert "Found 2 leaves on 3 sheets." in said
    assert "No leaves on 2 of 3: b, c." in said
    table = pd.read_csv(tmp_path / "out" / "leaves.csv")
    assert set(table["sheet"]) == {"a"}


def test_sheet_that_fails_is_named_and_the_others_go_on(tmp_path, run, draw):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 not a sheet")
    draw(tmp_path / "good.png")
    out = tmp_path / "out"
    result = run("segment", tmp_path, tmp_path / "gone.tif", "--out", out)
    assert result.exit_code == 1
    assert table(out)["sheet"].tolist() == ["good", "good"]
    told = result.stderr.splitlines()
    assert len(told) == 2
    assert "broken.tif" in told[0]
    assert "gone.tif" in told[1]
    assert "Traceback" not in result.output


@pytest.fixture
def open_in_excel(monkeypatch):
    """Let some tables not be replaced, by name, as Windows does not."""
    names, replace = set(), os.replace

    def refusing(source, target):
        if Path(target).name in names:
            error = PermissionError(13, "The file is in use", str(target))
            error.winerror = 32
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return names


@pytest.mark.parametrize("command", ["segment", "measure"])
def test_rows_lie_beside_a_table_that_is_never_closed(
    tmp_path, run, draw, open_in_excel, command
):
    inputs = [draw(tmp_path / f"K{n}.png") for n in (1, 2)]
    table = "leaves"
    if command == "measure":
        run("segment", *inputs, "--out", tmp_path)
        inputs, table = [tmp_path / f"K{n}.leaves.tif" for n in (1, 2)], "traits"
    open_in_excel.add(f"{table}.csv")
    result = run(command, *inputs, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.count("is open in another program, such as Excel") == 1
    assert f"Rows of K1, K2 are in {table}.rest.csv beside it" in result.stderr
    rest = pd.read_csv(tmp_path / "out" / f"{table}.rest.csv")
    assert rest["sheet"].tolist() == ["K1", "K1", "K2", "K2"]
    assert not (tmp_path / "out" / f"{table}.csv").exists()


def test_rows_that_wait_are_added_after_ctrl_c(
    tmp_path, run, draw, open_in_excel, monkeypatch
):
    from napari_herbarium.cli import segment

    sheets = [draw(tmp_path / f"K{n}.png") for n in (1, 2)]
    honest = segment.iter_sheet
    open_in_excel.add("leaves.csv")

    def stopped(task, work):
        if task.stem == "K2":
            open_in_excel.clear()
            raise KeyboardInterrupt
        return honest(task, work)

    monkeypatch.setattr(segment, "iter_sheet", stopped)
    assert run("segment", *sheets, "--out", tmp_path / "out").exit_code == 130
    assert set(pd.read_csv(tmp_path / "out" / "leaves.csv")["sheet"]) == {"K1"}
    assert not (tmp_path / "out" / "leaves.rest.csv").exists()


def test_rows_that_wait_may_be_looked_at(tmp_path, open_in_excel, monkeypatch):
    late, table = LateRows(), tmp_path / "leaves.csv"

    def put(sheet):
        rows = pd.DataFrame({"sheet": [sheet]})
        late.put(table, sheet, partial(replace_rows, rows=rows, sheet=sheet))

    open_in_excel.add("leaves.csv")
    put("K1")
    open_in_excel.add("leaves.rest.csv")
    put("K2")
    assert "leaves.rest2.csv" in late.news()[-1]
    (lacking,) = late.settle()
    assert "K1, K2 are in leaves.rest.csv and leaves.rest2.csv" in lacking
    open_in_excel.clear()
    unlink = Path.unlink

    def refusing(path, *, missing_ok=False):
        if path.name == "leaves.rest.csv":
            raise PermissionError
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    assert list(late.settle()) == []
    assert pd.read_csv(table)["sheet"].tolist() == ["K1", "K2"]
    assert not (tmp_path / "leaves.rest2.csv").exists()
    assert "leaves.rest.csv are in leaves.csv now" in late.news()[0]


def test_fault_of_ours_costs_one_sheet_only(tmp_path, run, draw, monkeypatch):
    from napari_herbarium.cli import work

    honest = work.write_labels

    def faulty(path, labels, mm_per_px):
        if path.name.startswith("a"):
            raise RuntimeError("a bug")
        honest(path, labels, mm_per_px)

    monkeypatch.setattr(work, "write_labels", faulty)
    for stem in "ab":
        draw(tmp_path / f"{stem}.png")
    result = run("segment", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "unexpected RuntimeError: a bug" in result.stderr
    assert set(table(tmp_path / "out")["sheet"]) == {"b"}


def test_results_that_exist_are_all_named_before_any_work(tmp_path, run, draw):
    for stem in "ab":
        draw(tmp_path / f"{stem}.png")
    out = tmp_path / "out"
    run("segment", tmp_path, "--out", out)
    draw(tmp_path / "c.png")
    before = {path: path.read_bytes() for path in out.iterdir()}
    result = run("segment", tmp_path, "--out", out)
    assert result.exit_code == 2
    for name in ("a.leaves.tif", "b.leaves.tif", "a.leaves.json", "rows of b"):
        assert name in result.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_overwrite_replaces_this_sheet_and_keeps_the_others(tmp_path, run, draw):
    for stem in "ab":
        draw(tmp_path / f"{stem}.png")
    out = tmp_path / "out"
    run("segment", tmp_path, "--out", out)
    kept = (out / "b.leaves.tif").read_bytes()
    args = ("--min-area-px", 1000, "--overwrite")
    result = run("segment", tmp_path / "a.png", "--out", out, *args)
    assert result.exit_code == 0, result.stderr
    assert table(out)["sheet"].tolist() == ["b", "b", "a"]
    assert (out / "b.leaves.tif").read_bytes() == kept


def test_second_sheet_joins_the_table_of_the_first(tmp_path, run, draw):
    out = tmp_path / "out"
    for stem in "ab":
        draw(tmp_path / f"{stem}.png")
        assert run("segment", tmp_path / f"{stem}.png", "--out", out).exit_code == 0
    assert table(out)["sheet"].tolist() == ["a", "a", "b", "b"]


def test_earlier_overlay_never_shows_other_labels(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    run("segment", tmp_path / "a.png", "--out", out, "--overlay")
    old = (out / "a.overlay.png").read_bytes()
    args = ("--min-area-px", 1000, "--overwrite")
    run("segment", tmp_path / "a.png", "--out", out, *args)
    assert (out / "a.overlay.png").read_bytes() != old


def test_foreign_table_is_not_touched(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "leaves.csv").write_text("my,own\n1,2\n")
    result = run("segment", tmp_path / "a.png", "--out", out, "--overwrite")
    assert result.exit_code == 1
    assert "leaves.csv" in result.stderr
    assert (out / "leaves.csv").read_text() == "my,own\n1,2\n"
    assert listing(out) == ["leaves.csv"]


def test_sheet_is_never_written_over(tmp_path, run, draw):
    first, second = draw(tmp_path / "a.png"), draw(tmp_path / "a.leaves.tif", 1.0)
    before = second.read_bytes()
    result = run("segment", first, second, "--out", tmp_path, "--overwrite")
    assert result.exit_code == 2
    assert "would replace a sheet" in result.stderr
    assert second.read_bytes() == before


def test_folder_can_hold_sheets_and_results(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    assert run("segment", tmp_path, "--out", tmp_path, "--overlay").exit_code == 0
    again = run("segment", tmp_path, "--out", tmp_path, "--overlay", "--overwrite")
    assert again.exit_code == 0
    assert set(table(tmp_path)["sheet"]) == {"a"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--threshold", "1.5"), "--threshold is 1.5"),
        (("--tile", "500"), "--tile is 500"),
        (("--min-area-px", "-1"), "--min-area-px is -1"),
        (("--mm-per-px", "0"), "--mm-per-px is 0"),
        (("--detail", "closest"), "closest"),
    ],
)
def test_option_that_makes_no_sense(tmp_path, run, draw, options, said):
    draw(tmp_path / "a.png")
    result = run("segment", tmp_path / "a.png", "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_no_sheet_is_a_misuse(tmp_path, run):
    result = run("segment", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "--sample" in result.stderr


def test_missing_model_is_one_sentence(tmp_path, run, draw, monkeypatch):
    def missing(name):
        raise ModelError(f"There is no model {name}.")

    monkeypatch.setattr("napari_herbarium.cli.segment.load_model", missing)
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    result = run("segment", tmp_path / "a.png", "--out", out, "--model", "nix")
    assert result.exit_code == 2
    assert result.stderr == "Error: There is no model nix.\n"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_folder_without_permission_is_said(tmp_path, run, draw):
    draw(tmp_path / "a.png")
    (tmp_path / "locked").mkdir(mode=0o555)
    result = run("segment", tmp_path / "a.png", "--out", tmp_path / "locked" / "out")
    assert result.exit_code == 2
    assert "Permission denied" in result.stderr


def test_same_pixels_as_the_functions_in_a_script(tmp_path, run, draw):
    from napari_herbarium import finish, read_sheet
    from napari_herbarium.batch.one_sheet import iter_segment
    from napari_herbarium.measure.whole.judge import quick_whole_probability
    from napari_herbarium.segment.leaves import extract_leaves

    path = draw(tmp_path / "a.tif", mm_per_px=1.0)
    run("segment", path, "--out", tmp_path / "out")
    sheet = read_sheet(path)
    probability = finish(iter_segment(sheet.image))
    expected = extract_leaves(
        probability,
        mm_per_px=sheet.mm_per_px,
        image=sheet.image,
        judge=quick_whole_probability,
    )
    labels = tifffile.imread(tmp_path / "out" / "a.leaves.tif")
    np.testing.assert_array_equal(labels, expected)


def test_sample_needs_no_sheet_and_draws_an_overlay(tmp_path, run, monkeypatch):
    from napari_herbarium import drawn_sheet

    small = drawn_sheet(dpi=60)
    monkeypatch.setattr("napari_herbarium.cli.inputs.drawn_sheet", lambda: small)
    out = tmp_path / "out"
    result = run("segment", "--sample", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert listing(out) == [
        "leaves.csv",
        "sample-sheet.leaves.json",
        "sample-sheet.leaves.tif",
        "sample-sheet.overlay.png",
    ]
    assert [line.split(":")[0] for line in result.stdout.splitlines()[1:]] == [
        "Labels",
        "Table",
        "Overlay",
    ]
    labels = tifffile.imread(out / "sample-sheet.leaves.tif")
    assert labels.shape == small.labels.shape


@pytest.mark.parametrize("command", ["segment", "measure"])
def test_out_within_a_file_is_refused_before_any_work(tmp_path, run, draw, command):
    path = draw(tmp_path / "a.png")
    (tmp_path / "note").touch()
    result = run(command, path, "--out", tmp_path / "note" / "out")
    assert result.exit_code == 2
    assert "note is no folder" in result.stderr


@pytest.mark.parametrize("command", ["segment", "measure"])
def test_a_name_that_is_no_text(tmp_path, run, draw, command):
    path = os.fsencode(tmp_path / "a") + b"\xe4.png"
    try:
        shutil.copy(draw(tmp_path / "a.png"), path)
    except OSError:
        pytest.skip("names are text here")
    out = tmp_path / "out"
    result = run(command, os.fsdecode(path), tmp_path / "a.png", "--out", out)
    assert result.exit_code == 1
    assert "a\\udce4.png has a name with bytes that are no UTF-8" in result.stderr
    assert "unexpected" not in result.stderr
    if command == "segment":
        names = sorted(file.name for file in out.iterdir())
        assert names == ["a.leaves.json", "a.leaves.tif", "leaves.csv"]


@pytest.mark.parametrize("which", ["sheet", "out"])
def test_a_name_longer_than_any_is_one_sentence(tmp_path, run, draw, which):
    sheet, out = draw(tmp_path / "a.png"), tmp_path / "out"
    endless = tmp_path / ("n" * 300 + ".tif")
    chosen = (endless, out) if which == "sheet" else (sheet, endless)
    result = run("segment", chosen[0], "--out", chosen[1])
    # A folder that cannot be made is refused before any work; a sheet is one of many.
    assert result.exit_code == (1 if which == "sheet" else 2)
    assert result.stderr.startswith(("Error: ", "Failed: "))
    assert result.stderr.count("\n") == 1
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("given", ["1e-12", "1e9", "1e308", "5e-324"])
def test_a_scale_no_sheet_can_have(tmp_path, run, draw, given):
    draw(tmp_path / "a.png")
    out = tmp_path / "out"
    result = run("segment", tmp_path / "a.png", "--out", out, "--mm-per-px", given)
    assert result.exit_code == 2
    assert "--mm-per-px is" in result.stderr
    assert not out.exists()


def test_another_classifier_judges_what_is_measured(
    tmp_path, run, draw, yes_sayer, monkeypatch
):
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(yes_sayer.parent))
    sheet, out = draw(tmp_path / "a.png"), tmp_path / "out"
    chosen = ("segment", sheet, "--out", out, "--whole-model", "yes sayer")
    refused = run(*chosen)
    assert refused.exit_code == 2
    assert "add --measure" in refused.stderr
    assert not out.exists()
    assert run(*chosen, "--measure").exit_code == 0
    traits = pd.read_csv(out / "traits.csv")
    assert (traits["whole_probability"] > 0.99).all()
    told = json.loads((out / "a.leaves.json").read_text())
    assert told["whole_model"]["name"] == "yes sayer"
    assert run(*chosen, "--overwrite").exit_code == 0  # they are measured anew
