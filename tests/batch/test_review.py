"""Looking through a run: order, verdicts, repairs that keep the original."""

from __future__ import annotations

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from PIL import Image

from napari_herbarium.batch import review
from napari_herbarium.batch.reviewed import open_run
from napari_herbarium.errors import SettingsError
from napari_herbarium.train.pairs.preflight import find_training_pairs


@pytest.fixture
def out(tmp_path, draw, run):
    """A run over a good sheet, one without leaves, and one that cannot be read."""
    scans = tmp_path / "scans"
    draw(scans / "full.png")
    Image.new("RGB", (280, 420), (235, 228, 210)).save(scans / "bare.png")
    (scans / "bad.png").touch()
    manifest = scans / "list.csv"
    manifest.write_text(
        "path,catalogNumber,family,mm_per_px\nfull.png,B 1,Fagaceae,0.5\n"
        "bare.png,B 2,Salicaceae,\nbad.png,B 3,x,\n"
    )
    run([manifest], tmp_path / "out")
    return tmp_path / "out"


def rows(out, name):
    return pq.read_table(out / "traits" / f"{name}.parquet").to_pandas()


def test_doubtful_sheets_come_first_and_failed_ones_not_at_all(out):
    opened = open_run(out)
    assert [sheet.name for sheet in opened.sheets] == ["bare", "full"]
    assert [sheet.confidence for sheet in opened.sheets] == [0.0, 1.0]


def test_picture_and_labels_of_a_sheet(out):
    opened = open_run(out)
    sheet = review.read_image(opened.sheets[1])
    assert sheet.image.shape == (420, 280, 3)
    assert sheet.mm_per_px == 0.5
    assert sheet.catalog_number == "B 1"
    assert review.read_run_labels(opened, opened.sheets[1]).max() == 2


def test_verdicts_stay_and_stand_in_the_rows(out):
    opened = open_run(out)
    review.accept(opened, opened.sheets[0])
    review.accept(opened, opened.sheets[1])
    review.reject(opened, opened.sheets[1])
    again = open_run(out)
    assert [sheet.verdict.value for sheet in again.sheets] == ["accepted", "rejected"]
    assert set(rows(out, "full")["verdict"]) == {"rejected"}


def test_repair_keeps_the_original_and_makes_new_rows(out):
    opened = open_run(out)
    bare = opened.sheets[0]
    repaired = np.zeros((420, 280), np.int32)
    repaired[10:20, 10:20] = 7
    assert review.save_repair(opened, bare, repaired).verdict.value == "repaired"
    found = rows(out, "bare")
    assert found[["label", "area_px", "verdict"]].to_numpy().tolist() == [
        [7, 100, "repaired"]
    ]
    assert found["family"].tolist() == ["Salicaceae"]
    assert found["catalog_number"].tolist() == ["B 2"]
    labels = tifffile.imread(out / "labels" / "bare.leaves.tif")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, repaired)
    assert not review.read_run_labels(opened, bare, original=True).any()
    review.save_repair(opened, bare, repaired * 2)
    assert not review.read_run_labels(opened, bare, original=True).any()


def test_repair_of_a_measured_run_is_measured_and_drawn(tmp_path, draw, run, settings):
    draw(tmp_path / "full.png")
    given = settings.model_copy(update={"measure": True, "overlay": True})
    run([tmp_path / "full.png"], tmp_path / "out", given)
    opened = open_run(tmp_path / "out")
    before = (tmp_path / "out" / "overlays" / "full.overlay.png").read_bytes()
    labels = review.read_run_labels(opened, opened.sheets[0])
    review.save_repair(opened, opened.sheets[0], np.where(labels == 2, 2, 0))
    found = rows(tmp_path / "out", "full")
    assert found["label"].tolist() == [2]
    assert found["length_px"].tolist() == pytest.approx([60], abs=2)
    assert found["whole_probability"].notna().all()
    assert (tmp_path / "out" / "overlays" / "full.overlay.png").read_bytes() != before


def test_a_sheet_from_a_url_is_looked_at_without_a_file(tmp_path, draw, run):
    url = "memory://review/K1.png"
    content = draw(tmp_path / "K1.png").read_bytes()
    fsspec.filesystem("memory").pipe("/review/K1.png", content)
    run([url], tmp_path / "out")
    opened = open_run(tmp_path / "out")
    sheet = review.read_image(opened.sheets[0])
    assert sheet.path is None
    np.testing.assert_array_equal(
        sheet.image, np.asarray(Image.open(tmp_path / "K1.png"))
    )
    review.save_for_training(opened, opened.sheets[0], tmp_path / "pairs")
    assert [pair.name for pair in find_training_pairs(tmp_path / "pairs")] == ["K1"]


def test_labels_below_nought_are_refused(out):
    opened = open_run(out)
    with pytest.raises(SettingsError, match="whole numbers from 0"):
        review.save_repair(opened, opened.sheets[0], np.full((420, 280), -1))


def test_repair_survives_the_next_run(out, run, tmp_path):
    opened = open_run(out)
    review.save_repair(opened, opened.sheets[0], np.ones((420, 280), np.uint8))
    assert run([tmp_path / "scans" / "list.csv"], out).done_now == 0
    assert review.read_run_labels(opened, opened.sheets[0]).min() == 1


def test_labels_of_another_size_are_refused(out):
    opened = open_run(out)
    with pytest.raises(SettingsError, match="but sheet bare is"):
        review.save_repair(opened, opened.sheets[0], np.ones((10, 10), int))


def test_sheet_becomes_a_training_pair(out, tmp_path):
    opened = open_run(out)
    folder = tmp_path / "pairs"
    review.save_for_training(opened, opened.sheets[1], folder)
    assert [pair.name for pair in find_training_pairs(folder)] == ["full"]
    assert open_run(out).sheets[1].training == folder
    with pytest.raises(SettingsError, match="already"):
        review.save_for_training(opened, opened.sheets[1], folder)


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(SettingsError, match="holds no batch run"):
        open_run(tmp_path)


def test_a_repair_counts_from_then_on(out, run, tmp_path):
    opened = open_run(out)
    assert opened.sheets[1].leaves == 2
    repaired = np.zeros((420, 280), np.uint8)
    repaired[10:20, 10:20] = 7
    assert review.save_repair(opened, opened.sheets[1], repaired).leaves == 1
    again = open_run(out).sheets[1]
    assert (again.leaves, again.leaves_of_model) == (1, 2)
    report = run([tmp_path / "scans" / "list.csv"], out)
    assert (report.done_now, report.leaves) == (0, 1)
    sheets = pq.read_table(out / "sheets.parquet").to_pandas().set_index("sheet")
    assert sheets.loc["full", ["leaves", "verdict"]].tolist() == [1, "repaired"]
    page = report.page.read_text(encoding="utf-8")
    assert "Looked at in Batch review: 1 repaired." in page
