"""What is written can be read back, and a failed write harms nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_herbarium import locks
from napari_herbarium.errors import HerbariumError
from napari_herbarium.files import replacing
from napari_herbarium.measure.files.export import (
    replace_rows,
    write_json,
    write_labels,
)
from napari_herbarium.measure.files.overlay import draw_overlay
from napari_herbarium.measure.files.table_export import replace_sheet
from napari_herbarium.measure.rows import leaf_rows
from napari_herbarium.measure.table import SheetFacts


def blocks(dtype=np.uint16, shape=(300, 200)):
    labels = np.zeros(shape, dtype)
    labels[20:120, 30:90] = 1
    labels[150:260, 100:180] = 2
    return labels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_labels_come_back_pixel_for_pixel(tmp_path, dtype):
    path = tmp_path / "a.leaves.tif"
    write_labels(path, blocks(dtype))
    back = tifffile.imread(path)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, blocks(dtype))
    assert path.stat().st_size < blocks(dtype).nbytes / 10


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_labels_of_64_bits_are_written_smaller(tmp_path, dtype):
    write_labels(tmp_path / "a.leaves.tif", blocks(dtype))
    back = tifffile.imread(tmp_path / "a.leaves.tif")
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, blocks(dtype))


def test_labels_carry_the_scale(tmp_path):
    write_labels(tmp_path / "a.tif", blocks(), mm_per_px=25.4 / 600)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages[0]
        assert page.get_resolution("MILLIMETER")[0] == pytest.approx(600 / 25.4)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_labels_without_scale_claim_none(tmp_path):
    write_labels(tmp_path / "a.tif", blocks())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages[0].resolutionunit == tifffile.RESUNIT.NONE


def test_table_keeps_rows_of_other_sheets_as_they_were(tmp_path):
    path = tmp_path / "leaves.csv"
    replace_rows(path, leaf_rows(blocks(), SheetFacts("b", "0012", 0.1)), "b")
    replace_rows(path, leaf_rows(blocks(), SheetFacts("a")), "a")
    first = path.read_text().splitlines()[1]
    replace_rows(
        path, leaf_rows((blocks() == 1).astype(np.uint8), SheetFacts("a")), "a"
    )
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert table["sheet"].tolist() == ["b", "b", "a"]
    assert table["catalog_number"].tolist() == ["0012", "0012", ""]
    assert table["area_mm2"].tolist() == ["60.0000", "88.0000", ""]
    assert path.read_text().splitlines()[1] == first


def add_sheets(path, name):
    for number in range(8):
        sheet = f"{name}{number}"
        replace_rows(path, leaf_rows(blocks(), SheetFacts(sheet)), sheet)


def test_runs_that_add_to_one_table_at_once_lose_nothing(tmp_path):
    path = tmp_path / "leaves.csv"
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(partial(add_sheets, path), "abc"))
    sheets = pd.read_csv(path)["sheet"]
    assert sorted(sheets.unique()) == [f"{n}{i}" for n in "abc" for i in range(8)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["leaves.csv", "leaves.parquet"])
def test_a_table_that_another_run_has_in_hand_is_waited_for_and_kept(
    tmp_path, monkeypatch, name
):
    path = tmp_path / name
    rows = leaf_rows(blocks(), SheetFacts("a"))
    replace_sheet(path, rows, "a")
    before = path.read_bytes()
    monkeypatch.setattr(locks, "PATIENCE_S", 0.1)
    other = leaf_rows(blocks(), SheetFacts("b"))
    with locks.taking_turns(path), pytest.raises(HerbariumError, match="in hand"):
        replace_sheet(path, other, "b")
    assert path.read_bytes() == before
    replace_sheet(path, other, "b")
    assert path.read_bytes() != before


def test_sheet_without_leaves_leaves_a_table_with_header(tmp_path):
    path = tmp_path / "leaves.csv"
    replace_rows(path, leaf_rows(np.zeros((5, 5), np.uint8), SheetFacts("a")), "a")
    assert path.read_text().startswith("sheet,label,")
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("content", ["name,length\nx,3\n", "", "\x00\x01\x02"])
def test_foreign_table_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "leaves.csv"
    path.write_text(content)
    with pytest.raises(HerbariumError, match=r"leaves\.csv"):
        replace_rows(path, leaf_rows(blocks(), SheetFacts("a")), "a")
    assert path.read_text() == content


def test_failed_write_keeps_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"leaves": 1})

    def stopped():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == [path]
    assert '"leaves": 1' in path.read_text()


def test_full_disk_is_said_in_words(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(HerbariumError, match="No space left on device"):
        write_labels(tmp_path / "a.tif", blocks())
    assert not list(tmp_path.iterdir())


def test_overlay_of_a_large_sheet_is_reduced():
    image = np.full((300, 200, 3), 240, np.uint8)
    assert draw_overlay(image, blocks(), long_side=150).shape == (150, 100, 3)


@pytest.mark.parametrize(
    ("long_side", "times"), [(300, 1), (599, 1), (600, 2), (1000, 3), (2000, 4)]
)
def test_overlay_of_a_small_scan_is_enlarged_so_that_numbers_have_room(
    long_side, times
):
    image = np.full((300, 200, 3), 240, np.uint8)
    drawn = draw_overlay(image, blocks(), long_side)
    assert drawn.shape == (300 * times, 200 * times, 3)
    # Outlines are where the leaves are: the first one starts at row 20, column 30.
    strong = np.abs(drawn.astype(int) - 240).max(axis=2) > 100
    assert np.flatnonzero(strong[:, 60 * times])[0] == 20 * times


def test_numbers_of_leaves_that_lie_close_can_all_be_read():
    """Edges of numbers are white; under another number they would be lost."""
    image = np.full((200, 200, 3), 200, np.uint8)
    labels = np.zeros((200, 200), np.uint8)
    for leaf in range(12):
        row, column = divmod(leaf, 4)
        labels[80 + 8 * row : 83 + 8 * row, 85 + 7 * column : 88 + 7 * column] = (
            leaf + 1
        )

    def white(shown):
        return (draw_overlay(image, shown, 200) == 255).all(axis=2).sum()

    alone = sum(white(np.where(labels == leaf, labels, 0)) for leaf in range(1, 13))
    assert white(labels) > 0.93 * alone


def test_number_of_a_thin_slanting_leaf_stands_beside_the_leaf():
    image = np.full((200, 200, 3), 200, np.uint8)
    labels = np.zeros((200, 200), np.uint8)
    for step in range(150):
        labels[20 + step, 20 + step : 24 + step] = 1
    rows, columns = np.nonzero((draw_overlay(image, labels, 200) == 255).all(axis=2))
    off = np.abs(rows - columns) / np.sqrt(2)
    assert len(off)
    assert off.max() < 35


def test_overlay_marks_leaves_and_leaves_paper_alone():
    image = np.full((300, 200, 3), 240, np.uint8)
    drawn = draw_overlay(image, blocks(), 300)
    outline = drawn[20, 30:90].astype(int)
    assert (np.abs(outline - 240).max(axis=1) > 100).all()
    assert (drawn[270:] == 240).all()
    # The numbers: white inside a dark edge, in the middle of each leaf.
    for row, column in [(70, 60), (205, 140)]:
        patch = drawn[row - 25 : row + 25, column - 25 : column + 25]
        assert patch.min() == 0
        assert patch.max() == 255


def test_overlay_tells_partial_leaves_from_whole_ones():
    image = np.full((300, 200, 3), 240, np.uint8)
    drawn = draw_overlay(image, blocks(), 300, partial={2})
    plain = draw_overlay(image, blocks(), 300)
    whole, partial = np.s_[15:125, 25:95], np.s_[145:265, 95:185]
    np.testing.assert_array_equal(drawn[whole], plain[whole])
    # Half of every side is left out, and the number is grey.
    for side in (drawn[150, 100:180], drawn[259, 100:180], drawn[150:260, 100]):
        strong = np.abs(side.astype(int) - 240).max(axis=1) > 100
        assert 0.35 < strong.mean() < 0.65
    assert drawn[partial].max() == 240 < plain[partial].max() == 255


def test_tiny_leaf_is_numbered_beside_itself():
    labels = np.zeros((100, 100), np.uint8)
    labels[50:54, 20:24] = 1
    image = np.full((100, 100, 3), 200, np.uint8)
    drawn = draw_overlay(image, labels, 100)
    assert (drawn[40:60, 26:50] != 200).any()


@pytest.mark.parametrize("rows", [slice(0, 4), slice(50, 54), slice(96, 100)])
@pytest.mark.parametrize("columns", [slice(0, 4), slice(96, 100), slice(0, 100)])
def test_number_of_a_leaf_at_the_edge_is_on_the_picture(rows, columns):
    def edge_of_number(*place):
        labels = np.zeros((100, 100), np.uint8)
        labels[place] = 123
        drawn = draw_overlay(np.full((100, 100, 3), 200, np.uint8), labels, 100)
        return (drawn == 255).all(axis=2).sum()

    free = edge_of_number(slice(50, 54), slice(40, 44))
    assert edge_of_number(rows, columns) > 0.9 * free


def test_overlay_of_a_sheet_without_leaves_is_the_sheet():
    image = np.full((60, 40, 3), 200, np.uint8)
    np.testing.assert_array_equal(
        draw_overlay(image, np.zeros((60, 40), np.uint8), 60), image
    )
