"""What Windows does otherwise, played here: files that are text, held, or read only."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from filelock import SoftFileLock, Timeout
from PIL import Image

from napari_herbarium.batch.earlier import set_aside
from napari_herbarium.batch.inputs.fetch import local_file
from napari_herbarium.batch.records.begun import left_behind, marked
from napari_herbarium.batch.records.journal import Journal
from napari_herbarium.batch.records.layout import Layout
from napari_herbarium.batch.worker import _to_disk
from napari_herbarium.cli import app
from napari_herbarium.cli.labels_inputs import LabelsInput
from napari_herbarium.cli.late_rows import LateRows
from napari_herbarium.cli.measure_outputs import (
    Format,
    MeasureOutputs,
    check_measure_outputs,
)
from napari_herbarium.cli.outputs import Outputs, check_outputs
from napari_herbarium.errors import HerbariumError, SettingsError, SheetError
from napari_herbarium.files import replacing
from napari_herbarium.measure.dictionary import column_names
from napari_herbarium.measure.files.export import replace_rows
from napari_herbarium.measure.files.labels_file import flips_beside
from napari_herbarium.measure.rows import COLUMNS
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.train.files.workplace import Workplace

IN_USE = 32
END_OF_TEXT = b"\x1a"


@pytest.fixture
def text_mode(monkeypatch):
    """Have `os.open` treat files as Windows does where it is not told `O_BINARY`."""
    posix_open, posix_write = os.open, os.write

    def opened(path, flags, *more, **named):
        if flags & os.O_RDWR and os.path.isfile(path):
            with open(path, "rb+") as file:
                content = file.read()
                file.truncate(len(content) - content.endswith(END_OF_TEXT))
        return posix_open(path, flags, *more, **named)

    def written(file, content):
        posix_write(file, content.replace(b"\n", b"\r\n"))
        return len(content)

    with monkeypatch.context() as windows:
        windows.setattr(os, "open", opened)
        windows.setattr(os, "write", written)
        yield


@pytest.mark.usefixtures("text_mode")
def test_a_result_is_whole_after_it_was_waited_for(tmp_path):
    labels = tmp_path / "K1.leaves.tif"
    labels.write_bytes(b"compressed" + END_OF_TEXT)
    _to_disk(labels)
    assert labels.read_bytes() == b"compressed" + END_OF_TEXT


@pytest.mark.usefixtures("text_mode")
def test_lines_of_a_ledger_are_the_same_everywhere(tmp_path):
    with Journal(tmp_path / "ledger.jsonl") as journal:
        journal.add({"sheet": "K1"})
    assert (tmp_path / "ledger.jsonl").read_bytes() == b'{"sheet":"K1"}\n'


@pytest.fixture
def held(monkeypatch):
    """Have files, by name, open in another program for so many tries to rename them."""
    left: dict[str, int] = {}
    posix_replace, posix_rename = os.replace, os.rename

    def replace(source, target, rename=posix_replace):
        for name in {Path(source).name, Path(target).name} & left.keys():
            if left[name]:
                left[name] -= 1
                error = PermissionError(13, "The file is in use", str(source))
                error.winerror = IN_USE
                raise error
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "rename", partial(replace, rename=posix_rename))
    monkeypatch.setattr("time.sleep", lambda _: None)
    return left


def test_a_virus_scanner_that_looks_at_a_file_is_waited_for(tmp_path, held):
    held["traits.csv"] = 3
    with replacing(tmp_path / "traits.csv") as temporary:
        temporary.write_text("sheet\nK1\n", encoding="utf-8")
    assert (tmp_path / "traits.csv").read_text(encoding="utf-8") == "sheet\nK1\n"


def test_a_table_open_in_excel_stays_and_the_user_is_told_to_close_it(tmp_path, held):
    table = tmp_path / "leaves.csv"
    replace_rows(table, pd.DataFrame({"sheet": ["K1"]}), "K1")
    held["leaves.csv"] = 1_000
    with pytest.raises(HerbariumError, match=r"leaves\.csv .*close .* Excel"):
        replace_rows(table, pd.DataFrame({"sheet": ["K2"]}), "K2")
    assert table.read_text(encoding="utf-8").split() == ["sheet", "K1"]
    assert [path.name for path in tmp_path.iterdir()] == ["leaves.csv"]


def test_a_path_too_long_for_windows_is_to_be_shortened(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_herbarium.files._ON_WINDOWS", True)

    def write(table):
        with replacing(table):
            raise FileNotFoundError(2, "No such file or directory", str(table))

    with pytest.raises(HerbariumError, match=r"too long for Windows.* shorter"):
        write(tmp_path / ("x" * 240) / "leaves.csv")
    with pytest.raises(HerbariumError, match=r"No such file or directory.* free the"):
        write(tmp_path / "leaves.csv")
    with pytest.raises(SheetError, match=r"too long for Windows: move it"):
        read_sheet(tmp_path / ("x" * 240) / "K1.tif")
    with pytest.raises(SheetError, match="is not there: check its name"):
        read_sheet(tmp_path / "K1.tif")


def late_rows(late, table, *sheets):
    for sheet in sheets:
        rows = pd.DataFrame({"sheet": [sheet]})
        late.put(table, sheet, partial(replace_rows, rows=rows, sheet=sheet))


def test_rows_of_a_table_open_in_excel_are_added_when_it_is_closed(tmp_path, held):
    table, late = tmp_path / "leaves.csv", LateRows()
    (tmp_path / "leaves.rest.csv").write_text("of a run before", encoding="utf-8")
    held["leaves.csv"] = 1_000
    late_rows(late, table, "K1", "K2")
    assert set(pd.read_csv(tmp_path / "leaves.rest2.csv")["sheet"]) == {"K1", "K2"}
    (told,) = late.news()
    assert "leaves.csv is open in another program, such as Excel: close it." in told
    assert late.news() == []
    held.clear()
    late_rows(late, table, "K3")
    assert list(late.settle()) == []
    assert set(pd.read_csv(table)["sheet"]) == {"K1", "K2", "K3"}
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["leaves.csv", "leaves.rest.csv"]


def test_rows_of_a_table_that_is_never_closed_lie_beside_it(tmp_path, held):
    table, late = tmp_path / "leaves.csv", LateRows()
    late_rows(late, table, "K1")
    held["leaves.csv"] = 1_000
    late_rows(late, table, "K2")
    (told,) = late.settle()
    assert "Rows of K2 are in leaves.rest.csv beside it" in told
    assert pd.read_csv(table)["sheet"].tolist() == ["K1"]
    assert pd.read_csv(tmp_path / "leaves.rest.csv")["sheet"].tolist() == ["K2"]


def test_rows_that_are_refused_for_another_reason_fail_at_once(tmp_path):
    table, late = tmp_path / "leaves.csv", LateRows()
    table.write_text("my own notes\n", encoding="utf-8")
    with pytest.raises(HerbariumError, match="other columns"):
        late_rows(late, table, "K1")
    assert late.news() == []


def test_a_model_that_cannot_be_put_in_place_leaves_the_earlier_one(tmp_path, held):
    place = Workplace(tmp_path / "oaks")
    made = place.folder / "model"
    for folder, name in ((place.out, "earlier"), (made, "new")):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(name, encoding="utf-8")
    held["model"] = 1_000
    with pytest.raises(HerbariumError, match="Cannot write"):
        place._replace(made)
    assert (place.out / "config.json").read_text(encoding="utf-8") == "earlier"
    assert (made / "config.json").read_text(encoding="utf-8") == "new"


@pytest.fixture
def undeletable(monkeypatch):
    """Have files open in another program that does not let them be removed."""

    def refuse(path, *_, **__):
        raise PermissionError(13, "The file is in use", str(path))

    with monkeypatch.context() as windows:
        windows.setattr(os, "unlink", refuse)
        windows.setattr(os, "remove", refuse)
        windows.setattr(Path, "unlink", refuse)
        yield windows


def test_a_mark_that_cannot_be_removed_costs_nothing(tmp_path, undeletable):
    with marked(tmp_path, "K1", "session"):
        pass
    undeletable.undo()
    with marked(tmp_path, "K1", "next session"):
        pass
    assert left_behind(tmp_path) == set()


def test_a_fetched_sheet_that_is_held_is_a_sheet_all_the_same(undeletable):
    import fsspec

    fsspec.filesystem("memory").pipe("/K1.png", b"pixels")
    with local_file("memory://K1.png") as path:
        content = path.read_bytes()
    assert content == b"pixels"


def test_a_pattern_is_not_taken_apart_before_it_is_read(tmp_path, monkeypatch, capsys):
    scans = tmp_path / "scans"
    (scans / "Été 2024" / "empty").mkdir(parents=True)
    Image.new("RGB", (40, 60)).save(scans / "Été 2024" / "K1.png")
    (scans / "Thumbs.db").write_bytes(b"of Windows")
    words = ["batch", f"{scans}/**", "--out", f"{tmp_path}/out", "--dry-run"]
    windows = SimpleNamespace(**{**vars(os), "name": "nt"})
    for home in ("typer.core", "click.core"):
        monkeypatch.setattr(f"{home}.os", windows)
    monkeypatch.setattr(sys, "argv", ["napari-herbarium", *words])
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 0
    assert "1 sheet to do" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_name_that_a_pipe_has_no_letters_for_is_told(tmp_path, encoding):
    folder = tmp_path / "Łódź"
    folder.mkdir()
    Image.new("RGB", (40, 60)).save(folder / "K1.png")
    command = [sys.executable, "-m", "napari_herbarium", "batch", folder, "--dry-run"]
    told = subprocess.run(
        [*command, "--out", folder / "out"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert b"1 sheet to do" in told.stdout
    assert rb"\u0141" in told.stdout or "Łódź".encode() in told.stdout


def test_a_run_whose_table_is_open_is_not_set_aside_in_part(tmp_path, held):
    layout = Layout(tmp_path)
    for folder in (layout.labels_folder, layout.traits_folder):
        folder.mkdir()
    for file in (layout.ledger, layout.traits_csv, layout.report, layout.run):
        file.write_text("{}", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    held["traits.csv"] = 1_000
    with pytest.raises(HerbariumError, match="close what is open of it"):
        set_aside(layout)
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "earlier"])
    held.clear()
    kept = set_aside(layout)
    assert kept is not None
    assert len(list(kept.iterdir())) == len(before)


def test_labels_of_a_name_in_other_letters_find_their_picture(tmp_path):
    """macOS takes names apart into letters and marks."""
    picture = tmp_path / "pictures" / "E\u0301te\u0301.png"
    picture.parent.mkdir()
    picture.write_bytes(b"")
    labels = LabelsInput(tmp_path / "\u00c9t\u00e9.leaves.tif", picture.parent)
    assert labels.picture() == picture


def test_a_sidecar_that_notepad_saved_is_heeded(tmp_path):
    sidecar = tmp_path / "K1.leaves.json"
    sidecar.write_text('{"whole_by_user": {"3": true}}', encoding="utf-8-sig")
    assert flips_beside(tmp_path / "K1.leaves.tif") == {3: True}


def test_a_folder_that_cannot_be_written_is_not_waited_for(tmp_path, monkeypatch):
    """A soft lock waits there as if another run had it, as Windows says the same."""

    def wait(*_, **__):
        raise Timeout("leaves.csv.lock")

    def refuse(*_, **__):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(SoftFileLock, "acquire", wait)
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(HerbariumError, match=r"Cannot write .*leaves\.csv"):
        replace_rows(tmp_path / "leaves.csv", pd.DataFrame({"sheet": ["K1"]}), "K1")


def test_a_table_open_in_excel_is_refused_before_any_work(tmp_path, held):
    for name, columns in (("leaves.csv", COLUMNS), ("traits.csv", column_names())):
        pd.DataFrame(columns=columns).to_csv(tmp_path / name, index=False)
    checks = (
        partial(check_outputs, [Outputs(tmp_path, "K1")], [], overlay=False),
        partial(
            check_measure_outputs,
            [MeasureOutputs(tmp_path, "K1", (Format.CSV,), overlay=False)],
            [],
            harmonics=0,
        ),
    )
    for check in checks:
        check(overwrite=True)
        held["traits.csv"] = 1_000
        with pytest.raises(SettingsError, match=r"traits\.csv .*close .* Excel"):
            check(overwrite=True)
        held.clear()
