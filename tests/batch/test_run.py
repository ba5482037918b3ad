"""A run over a folder: what it leaves, what it names, and what it does not do again."""

from __future__ import annotations

import json
import os
import struct
import zlib

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import tifffile

from napari_herbarium.batch.records.ledger import State, last_entries
from napari_herbarium.batch.run import iter_batch
from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import LeafSettings


def huge_png():
    """A few bytes that claim to be 90,000 x 90,000 px."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 90_000, 90_000, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + check


def entries(out):
    return {e.name: e for e in last_entries(out / "ledger.jsonl").values()}


@pytest.fixture
def scans(tmp_path, draw):
    for stem in ("K1", "K2", "K3"):
        draw(tmp_path / "scans" / f"{stem}.png")
    return tmp_path / "scans"


def test_labels_rows_and_ledger_of_a_folder(scans, run, tmp_path):
    out = tmp_path / "out"
    before = {path: path.read_bytes() for path in scans.iterdir()}
    report = run([scans], out, csv=True)
    assert (report.done, report.failed, report.leaves) == (3, 0, 6)
    for stem in ("K1", "K2", "K3"):
        labels = tifffile.imread(out / "labels" / f"{stem}.leaves.tif")
        assert np.bincount(labels.ravel()).tolist() == [420 * 280 - 3000, 600, 2400]
    rows = ds.dataset(out / "traits").to_table().to_pandas()
    assert sorted(rows["sheet"]) == ["K1", "K1", "K2", "K2", "K3", "K3"]
    assert set(rows["area_px"]) == {600, 2400}
    assert set(rows["model_sha256"]) == {"ab" * 32}
    assert (rows["seconds"] > 0).all()
    assert len(pd.read_csv(out / "traits.csv")) == 6
    done = entries(out)["K1"]
    assert done.state is State.DONE
    assert done.facts["confidence"] == 1.0
    assert {path: path.read_bytes() for path in scans.iterdir()} == before
    assert not list((out / ".begun").iterdir())
    assert report.page.exists()


def test_second_run_does_only_what_is_missing(scans, run, tmp_path, draw):
    out = tmp_path / "out"
    run([scans], out)
    times = {p.name: p.stat().st_mtime_ns for p in (out / "labels").iterdir()}
    (out / "labels" / "K2.leaves.tif").unlink()
    draw(scans / "K4.png")
    report = run([scans], out)
    assert (report.done, report.done_now) == (4, 2)
    now = {p.name: p.stat().st_mtime_ns for p in (out / "labels").iterdir()}
    assert now["K1.leaves.tif"] == times["K1.leaves.tif"]
    assert now["K2.leaves.tif"] != times["K2.leaves.tif"]


def test_stopped_run_goes_on(scans, crew, run, tmp_path, draw, settings):
    for number in range(30):
        draw(scans / f"M{number}.png")
    out = tmp_path / "out"
    job = iter_batch([scans], out, settings, crew=crew)
    while next(job).done < 5:
        pass
    job.close()
    early = len(entries(out))
    assert 5 <= early < 33
    report = run([scans], out)
    assert report.done == 33
    assert report.done_now == 33 - early


def test_a_run_goes_on_under_another_spelling_of_its_sheets(
    scans, run, tmp_path, monkeypatch
):
    """On Windows who types d:/scans means D:/Scans."""
    run([scans], tmp_path / "out")
    monkeypatch.setattr(os.path, "normcase", str.lower)
    again = run([str(scans / "K1.png").swapcase()], tmp_path / "out")
    assert (again.done, again.done_now, again.failed) == (3, 0, 0)


def test_other_settings_are_refused_and_named(scans, run, tmp_path, settings):
    out = tmp_path / "out"
    run([scans], out)
    labels = (out / "labels" / "K1.leaves.tif").read_bytes()
    other = settings.model_copy(update={"leaves": LeafSettings(min_area_px=1000)})
    with pytest.raises(SettingsError, match=r"leaves\.min_area_px \(None to 1000\)"):
        run([scans], out, other)
    assert (out / "labels" / "K1.leaves.tif").read_bytes() == labels
    report = run([scans], out, other, new_run=True)
    assert report.leaves == 3
    old = list((out / "earlier").glob("*/labels/K1.leaves.tif"))
    assert [path.read_bytes() for path in old] == [labels]


@pytest.mark.parametrize("content", ["{ cut off", '{"digits": 0}', "[]"])
def test_a_new_run_sets_one_aside_that_cannot_be_read(scans, run, tmp_path, content):
    out = tmp_path / "out"
    run([scans], out)
    (out / "run.json").write_text(content)
    with pytest.raises(SettingsError, match=r"does not describe .* begin a new run"):
        run([scans], out)
    assert run([scans], out, new_run=True).done_now == 3
    (old,) = (out / "earlier").iterdir()
    assert (old / "run.json").read_text() == content
    assert (old / "labels" / "K1.leaves.tif").exists()


def test_a_run_goes_on_with_fewer_tiles_at_a_time(scans, run, tmp_path, settings):
    out = tmp_path / "out"
    run([scans / "K1.png"], out)
    begun = json.loads((out / "run.json").read_text())
    segment = settings.segment.model_copy(update={"batch": 1})
    given = settings.model_copy(update={"segment": segment})
    assert run([scans], out, given, csv=True).done_now == 2
    now = json.loads((out / "run.json").read_text())
    assert now["settings"]["segment"]["batch"] == 1
    assert (now["started"], now["fingerprint"]) == (
        begun["started"],
        begun["fingerprint"],
    )
    rows = ds.dataset(out / "traits").to_table().to_pandas()
    assert set(rows["settings"]) == {begun["fingerprint"]}
    smaller = segment.model_copy(update={"tile": 256})
    with pytest.raises(SettingsError, match=r"segment\.tile \(512 to 256\)"):
        run([scans], out, settings.model_copy(update={"segment": smaller}))


def test_other_model_is_refused(scans, run, tmp_path, monkeypatch):
    run([scans], tmp_path / "out")
    monkeypatch.setattr("napari_herbarium.batch.plan._sha256", lambda path: "cd" * 32)
    with pytest.raises(SettingsError, match="the model"):
        run([scans], tmp_path / "out")


def test_worker_with_another_model_stops_the_run(scans, run, tmp_path, stub_model):
    from napari_herbarium.errors import HerbariumError

    stub_model.sha256 = "cd" * 32
    with pytest.raises(HerbariumError, match="not the one that the run was begun"):
        run([scans], tmp_path / "out")
    assert not entries(tmp_path / "out")


def test_bad_inputs_are_named_and_nothing_else_is_affected(scans, run, tmp_path, draw):
    (scans / "corrupt.tif").write_bytes(b"II*\0 not a sheet")
    whole = draw(tmp_path / "whole.jpg").read_bytes()
    (scans / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (scans / "empty.tif").touch()
    (scans / "text.jpg").write_text("no picture at all")
    (scans / "notes.txt").write_text("cupboard 4")
    (scans / "huge.png").write_bytes(huge_png())
    draw(scans / "Kräuter ☘ 押し葉.png")
    draw(scans / "K1.tif")
    draw(tmp_path / "more" / "k1.png", extra=20)
    out = tmp_path / "out"
    gone = tmp_path / "gone.tif"
    report = run([scans, tmp_path / "more", gone], out)
    known = entries(out)
    failed = {n: e.reason for n, e in known.items() if e.state is State.FAILED}
    assert sorted(failed) == ["corrupt", "cut", "empty", "gone", "huge", "text"]
    assert "empty.tif is empty" in failed["empty"]
    assert "text.jpg is no TIFF" in failed["text"]
    assert "huge.png" in failed["huge"]
    assert "not there" in failed["gone"]
    assert known["notes.txt"].state is State.SKIPPED
    assert (report.done, report.failed, report.skipped) == (6, 6, 1)
    assert "Kräuter ☘ 押し葉" in known
    twins = [e for n, e in known.items() if n.casefold().startswith("k1")]
    assert len({e.name.casefold() for e in twins}) == 3
    assert sorted(e.facts["leaves"] for e in twins) == [2, 2, 3]
    for entry in twins:
        labels = tifffile.imread(out / "labels" / f"{entry.name}.leaves.tif")
        assert labels.max() == entry.facts["leaves"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read anything"
)
def test_sheet_without_permission_is_named(scans, run, tmp_path):
    (scans / "K2.png").chmod(0)
    report = run([scans], tmp_path / "out")
    assert (report.done, report.failed) == (2, 1)
    assert "may not be read" in report.failures[0].reason


def test_failed_sheets_are_done_again_when_asked_for(scans, run, tmp_path, draw):
    (scans / "K9.png").write_bytes(b"")
    assert run([scans], tmp_path / "out").failed == 1
    draw(scans / "K9.png")
    assert run([scans], tmp_path / "out").failed == 1
    report = run([scans], tmp_path / "out", retry_failed=True)
    assert (report.failed, report.done, report.done_now) == (0, 4, 1)


def test_manifest_is_carried_into_both_tables(scans, run, tmp_path):
    manifest = scans / "list.csv"
    manifest.write_text(
        "dwc:catalogNumber,path,mm_per_px,dwc:scientificName,label\n"
        "BR 0001,K1.png,0.5,Quercus robur L.,left\n"
        "BR 0002,K2.png,,Salix ☘,right\n"
    )
    out = tmp_path / "out"
    report = run([manifest], out)
    assert report.done == 2
    rows = ds.dataset(out / "traits").to_table().to_pandas()
    first = rows[rows["sheet"] == "K1"]
    assert set(first["catalog_number"]) == {"BR 0001"}
    assert set(first["dwc:scientificName"]) == {"Quercus robur L."}
    assert set(first["manifest_label"]) == {"left"}
    assert first["area_mm2"].tolist() == [150.0, 600.0]
    assert set(first["scale_source"]) == {"user"}
    assert rows[rows["sheet"] == "K2"]["area_mm2"].isna().all()
    sheets = pq.read_table(out / "sheets.parquet").to_pandas().set_index("sheet")
    assert sheets.loc["K2", "dwc:scientificName"] == "Salix ☘"
    assert sheets.loc["K1", "catalog_number"] == "BR 0001"
    assert sheets.loc["K1", "seconds_total"] > sheets.loc["K1", "seconds_segment"] > 0


def test_a_run_goes_on_with_fewer_columns_but_not_with_others(scans, run, tmp_path):
    manifest, out = scans / "list.csv", tmp_path / "out"
    manifest.write_text("path,family,label\nK1.png,Rosaceae,left\n")
    run([manifest], out)
    assert run([scans / "K2.png"], out).done == 2
    sheets = pq.read_table(out / "sheets.parquet").to_pandas().set_index("sheet")
    assert sheets["family"].to_dict() == {"K1": "Rosaceae", "K2": ""}
    manifest.write_text("path,family,country\nK3.png,Rosaceae,Peru\n")
    with pytest.raises(SettingsError, match=r"columns of the manifest \(country are"):
        run([manifest], out)


def test_columns_called_like_ours_get_a_prefix_in_both_tables(scans, run, tmp_path):
    manifest = scans / "list.csv"
    manifest.write_text("path,state,height,manifest_state\nK1.png,Texas,2 m,y\n")
    out = tmp_path / "out"
    assert run([manifest], out).done == 1
    (sheet,) = pq.read_table(out / "sheets.parquet").to_pylist()
    rows = pq.read_table(out / "traits" / "K1.parquet").to_pylist()
    assert (sheet["state"], sheet["height"]) == ("done", 420)
    for row in (sheet, rows[0]):
        assert row["manifest_state"] == "Texas"
        assert row["manifest_height"] == "2 m"
        assert row["manifest_manifest_state"] == "y"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("K1.png,0.1,BR 1,Rosa", r"K1 \(mm_per_px: 0.5 to 0.1\)"),
        ("K1.png,,BR 1,Rosa", r"K1 \(mm_per_px: 0.5 to none\)"),
        ("K1.png,0.5,BR 2,Salix", r"K1 \(catalog_number: BR 1 to BR 2, family: Rosa"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(
    scans, run, tmp_path, now, said
):
    manifest, out = scans / "list.csv", tmp_path / "out"
    columns = "path,mm_per_px,catalogNumber,family\n"
    manifest.write_text(f"{columns}K1.png,0.5,BR 1,Rosa\nK2.png,,,\n")
    run([manifest], out)
    assert run([manifest], out).done_now == 0
    manifest.write_text(f"{columns}{now}\nK2.png,,,\n")
    with pytest.raises(SettingsError, match=said):
        run([manifest], out)
    (out / "labels" / "K1.leaves.tif").unlink()
    assert run([manifest], out).done_now == 1


def test_sheet_without_leaves_has_a_part_of_the_same_schema(run, tmp_path, draw):
    from PIL import Image

    draw(tmp_path / "scans" / "full.png")
    Image.new("RGB", (280, 420), (235, 228, 210)).save(tmp_path / "scans" / "bare.png")
    out = tmp_path / "out"
    run([tmp_path / "scans"], out)
    parts = out / "traits"
    bare, full = (pq.read_schema(parts / f"{n}.parquet") for n in ("bare", "full"))
    assert bare.equals(full, check_metadata=True)
    told = json.loads(bare.metadata[b"napari-herbarium"])
    assert told["settings"]["segment"]["detail"] == "full"
    assert entries(out)["bare"].facts["confidence"] == 0.0


def test_full_traits_and_overlays_when_asked_for(scans, run, tmp_path, settings):
    given = settings.model_copy(update={"measure": True, "overlay": True})
    out = tmp_path / "out"
    run([scans / "K1.png"], out, given)
    rows = pq.read_table(out / "traits" / "K1.parquet").to_pandas()
    assert rows["length_px"].tolist() == pytest.approx([30, 60], abs=2)
    assert (out / "overlays" / "K1.overlay.png").exists()


def test_url_is_fetched_and_named_by_its_catalogue_number(run, tmp_path, draw):
    import fsspec

    content = draw(tmp_path / "a.png").read_bytes()
    memory = fsspec.filesystem("memory")
    memory.pipe("/iiif/1/default.png", content)
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        "catalogNumber,accessURI\nB 10,memory://iiif/1/default.png\n"
        "B 11,memory://iiif/2/default.png\n"
    )
    out = tmp_path / "out"
    report = run([manifest], out)
    assert (report.done, report.failed) == (1, 1)
    known = entries(out)
    assert known["B 10"].source == "memory://iiif/1/default.png"
    assert "cannot be fetched" in known["B 11"].reason


def test_full_disk_stops_the_run_and_blames_no_sheet(scans, run, tmp_path, monkeypatch):
    from napari_herbarium.errors import HerbariumError

    def full(path, labels, mm_per_px):
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise HerbariumError("Cannot write (No space left on device).") from error

    with monkeypatch.context() as patch:
        patch.setattr("napari_herbarium.batch.worker.write_labels", full)
        with pytest.raises(HerbariumError, match=r"No space left.*Run again"):
            run([scans], tmp_path / "out")
    assert not entries(tmp_path / "out")
    assert run([scans], tmp_path / "out").done == 3


def test_two_runs_in_one_folder_are_refused(scans, crew, run, tmp_path, settings):
    job = iter_batch([scans], tmp_path / "out", settings, crew=crew)
    next(job)
    with pytest.raises(SettingsError, match="A run is at work"):
        run([scans], tmp_path / "out")
    job.close()
    assert run([scans], tmp_path / "out").done == 3


def test_large_run_lies_in_subfolders_and_goes_on(scans, run, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_herbarium.batch.records.layout.MOST_IN_ONE_FOLDER", 2)
    out = tmp_path / "out"
    assert run([scans], out).done == 3
    labels = sorted((out / "labels").glob("??/*.leaves.tif"))
    assert len(labels) == 3
    labels[0].unlink()
    (labels[1].parent / f".{'0' * 32}.tif").write_bytes(b"half")
    monkeypatch.setattr(
        "napari_herbarium.batch.records.layout.MOST_IN_ONE_FOLDER", 5000
    )
    assert run([scans], out, csv=True).done_now == 1
    assert sorted((out / "labels").rglob("*.tif")) == labels
    assert len(pd.read_parquet(out / "traits")) == len(pd.read_csv(out / "traits.csv"))
