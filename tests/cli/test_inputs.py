"""What the user types stands for these sheets."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from napari_herbarium.cli.inputs import check_file, check_folder, find_sheets
from napari_herbarium.errors import SettingsError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.tif", "a.JPG", "notes.txt", "._b.tif", "c.leaves.tif"):
        (tmp_path / name).write_bytes(b"")
    for name in ("c.overlay.png", "c.leaves.original.tif", "c.errors.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "deeper.tif").mkdir()
    return tmp_path


def names(sheets):
    return [sheet.path.name for sheet in sheets]


def test_folder_stands_for_its_sheets_without_earlier_results(folder):
    assert names(find_sheets([str(folder)])) == ["a.JPG", "b.tif"]


def test_pattern_is_expanded_where_the_shell_does_not(folder):
    assert names(find_sheets([str(folder / "*.tif")])) == ["b.tif"]


def test_brackets_in_a_file_name_are_no_pattern(tmp_path):
    path = tmp_path / "K[1].tif"
    path.write_bytes(b"")
    assert names(find_sheets([str(path)])) == ["K[1].tif"]


def test_each_sheet_once_in_the_order_given(folder):
    sheets = find_sheets([str(folder / "b.tif"), str(folder)])
    assert names(sheets) == ["b.tif", "a.JPG"]


def test_named_file_is_taken_even_if_absent(tmp_path):
    assert names(find_sheets([str(tmp_path / "gone.tif")])) == ["gone.tif"]


@pytest.mark.parametrize("text", ["empty", "*.tif"])
def test_nothing_found_is_said(tmp_path, text):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="holds no sheet"):
        find_sheets([str(tmp_path / text)])


def test_nothing_given_is_said():
    with pytest.raises(SettingsError, match="--sample"):
        find_sheets([])


@pytest.mark.parametrize(
    ("first", "second"), [("K1.tif", "K1.jpg"), ("k1.tif", "K1.png")]
)
def test_sheets_that_would_write_the_same_files_are_named(tmp_path, first, second):
    paths = [tmp_path / "x" / first, tmp_path / "y" / second]
    with pytest.raises(SettingsError, match="same files") as caught:
        find_sheets([str(path) for path in paths])
    assert all(str(path) in str(caught.value) for path in paths)


def test_an_empty_name_is_not_this_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(SettingsError, match="variable in the command not set"):
        find_sheets([""])


@pytest.mark.parametrize("place", ["note.txt", "note.txt/deeper", "note.txt/a/b"])
def test_a_folder_within_a_file_cannot_be_written(tmp_path, place):
    (tmp_path / "note.txt").touch()
    with pytest.raises(SettingsError, match=r"note\.txt is no folder"):
        check_folder(tmp_path / place)
    assert check_folder(tmp_path / "new" / "deeper") is None


def test_a_file_to_be_written_is_named_whole(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"--out is .*scores\.csv, but .*file is"):
        check_file(tmp_path / "file" / "scores.csv", overwrite=False)


def test_a_read_only_folder(tmp_path, monkeypatch):
    def mkdir(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    said = r"--out is .*out, but .* cannot be written \(Permission denied\)"
    with pytest.raises(SettingsError, match=said):
        check_folder(tmp_path / "out")


def test_a_name_that_is_too_long_for_a_folder(tmp_path):
    with pytest.raises(SettingsError, match="cannot be written"):
        check_folder(tmp_path / ("x" * 300) / "deeper")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no such folder here")
@pytest.mark.parametrize("place", ["/proc", "/proc/new", "/proc/new/deeper"])
def test_a_folder_that_only_looks_as_if_it_could_be_written(place):
    with pytest.raises(SettingsError, match="/proc cannot be written"):
        check_folder(Path(place))
