"""Tables come back as they were written, and nothing is lost by writing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.measure.files.export import write_json
from napari_herbarium.measure.files.table_export import (
    provenance,
    replace_sheet,
    write_table,
)
from napari_herbarium.measure.table import SheetFacts, leaf_table

SUFFIXES = [".csv", ".parquet"]


def labels():
    labels = np.zeros((90, 140), np.uint8)
    labels[10:60, 10:40] = 1
    labels[20:80, 60:100] = 2
    return labels


def table(sheet="a", mm_per_px=0.0423):
    facts = SheetFacts(sheet, "0012", mm_per_px, "ruler", "trusted")
    return leaf_table(labels(), facts)


def read(path):
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype={"catalog_number": str}, keep_default_na=False)
    return pd.read_parquet(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_numbers_and_columns_come_back(tmp_path, suffix):
    path, written = tmp_path / f"t{suffix}", table()
    write_table(path, written)
    back = read(path)
    assert list(back.columns) == list(written.columns)
    assert back["catalog_number"].tolist() == ["0012"] * 2
    for name in written.select_dtypes("number").dropna(axis=1):
        assert back[name].tolist() == pytest.approx(written[name].tolist(), rel=1e-8)


def test_parquet_keeps_numbers_in_full_and_types(tmp_path):
    written = table()
    write_table(tmp_path / "t.parquet", written)
    pd.testing.assert_frame_equal(read(tmp_path / "t.parquet"), written)


def test_value_that_is_not_known_is_an_empty_cell(tmp_path):
    write_table(tmp_path / "t.csv", table(mm_per_px=None))
    assert read(tmp_path / "t.csv")["area_mm2"].tolist() == ["", ""]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_of_other_sheets_stay(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    replace_sheet(path, table("a"), "a")
    replace_sheet(path, table("b"), "b")
    replace_sheet(path, table("a")[:1], "a")
    assert read(path)["sheet"].tolist() == ["b", "b", "a"]


def test_sheet_without_leaves_spoils_no_types(tmp_path):
    path = tmp_path / "t.parquet"
    empty = leaf_table(np.zeros((9, 9), np.uint8), SheetFacts("none"))
    replace_sheet(path, empty, "none")
    replace_sheet(path, table("a"), "a")
    replace_sheet(path, empty, "none")
    pd.testing.assert_frame_equal(read(path), table("a"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_table_of_others_is_not_touched(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, pd.DataFrame({"mine": [1]}))
    before = path.read_bytes()
    with pytest.raises(HerbariumError, match="other columns"):
        replace_sheet(path, table(), "a")
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_table_is_one_sentence(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"\x00\xff")
    with pytest.raises(HerbariumError, match="t\\."):
        replace_sheet(path, table(), "a")


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"\.csv or \.parquet"):
        write_table(tmp_path / "t.xlsx", table())


def test_sidecar_tells_where_the_numbers_are_from(tmp_path):
    content = provenance(
        SheetFacts("K1", "0012", 0.1, "ruler", "trusted"),
        labels="K1.leaves.tif",
        settings={"harmonics": 3},
        flipped={4: True},
    )
    write_json(tmp_path / "t.json", content)
    told = json.loads((tmp_path / "t.json").read_text())
    assert told["scale_source"] == "ruler"
    assert told["mm_per_px"] == 0.1
    assert told["labels"] == "K1.leaves.tif"
    assert told["settings"] == {"harmonics": 3}
    assert told["whole_by_user"] == {"4": True}
    assert set(told["software"]) >= {"napari-herbarium", "numpy"}
