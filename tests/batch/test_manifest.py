"""Folders, patterns, tables, URLs: which sheets are meant, and what they are called."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pandas as pd
import pytest

from napari_herbarium.batch.inputs import places
from napari_herbarium.batch.inputs.manifest import SheetRow, read_manifest
from napari_herbarium.batch.inputs.names import output_names, safe_name
from napari_herbarium.errors import SettingsError

RESULTS = ("a.leaves.tif", "a.overlay.png", "a.leaves.original.tif", "a.errors.png")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def stems(manifest):
    return [row.stem for row in manifest.rows]


def test_folder_gives_its_sheets_and_names_the_rest(tmp_path):
    for name in ("b.tif", "a.JPG", ".c.tif", "d.pdf", *RESULTS):
        touch(tmp_path / name)
    touch(tmp_path / "deeper" / "e.tif")
    manifest = read_manifest([tmp_path])
    assert stems(manifest) == ["a", "b"]
    assert list(manifest.skipped) == [str(tmp_path / "d.pdf")]


def test_pattern_goes_deeper_but_not_into_the_run(tmp_path):
    touch(tmp_path / "x" / "y" / "e.tif")
    touch(tmp_path / "run" / "other" / "f.tif")
    manifest = read_manifest([tmp_path / "**"], tmp_path / "run")
    assert stems(manifest) == ["e"]


@pytest.mark.parametrize("end", ["", "*.*"])
def test_results_are_no_sheets_at_a_url_either(end):
    memory = fsspec.filesystem("memory")
    for name in ("a.tif", *RESULTS):
        memory.pipe(f"/of-results/{name}", b"")
    manifest = read_manifest([f"memory://of-results/{end}"])
    assert stems(manifest) == ["a"]


def test_sheet_given_twice_is_done_once(tmp_path):
    sheet = touch(tmp_path / "a.tif")
    manifest = read_manifest([sheet, tmp_path, tmp_path / "*.tif"])
    assert stems(manifest) == ["a"]
    assert manifest.repeated == 2


def test_folder_without_sheets_tells_of_the_pattern(tmp_path):
    touch(tmp_path / "x" / "e.tif")
    with pytest.raises(SettingsError, match=r"in its subfolders give the pattern"):
        read_manifest([tmp_path])


@pytest.mark.parametrize("kind", ["Int64", "float64"])
def test_numbers_of_a_parquet_column_with_gaps_stay_whole(tmp_path, kind):
    table = pd.DataFrame({"path": ["a.tif", "b.tif"], "year": [1998, None]})
    table["catalogNumber"] = pd.array([12345678901, None], kind)
    table.to_parquet(tmp_path / "sheets.parquet")
    first, second = read_manifest([tmp_path / "sheets.parquet"]).rows
    assert (first.catalog_number, first.carried) == ("12345678901", ("1998",))
    assert (second.catalog_number, second.carried) == (None, ("",))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_table_of_any_kind(tmp_path, suffix):
    table = pd.DataFrame(
        {
            "catalogNumber": ["00123", "B 2"],
            "accessURI": ["scans/a.tif", "https://herbarium.test/b.jpg"],
            "mm_per_px": ["0.0423", ""],
            "dwc:family": ["Fagaceae", ""],
        }
    )
    path = tmp_path / f"list{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="," if suffix == ".csv" else "\t", index=False)
    first, second = read_manifest([path]).rows
    scan = str(tmp_path / "scans" / "a.tif")
    assert first == SheetRow(scan, "a", "00123", 0.0423, ("Fagaceae",))
    url = "https://herbarium.test/b.jpg"
    assert second == SheetRow(url, "B 2", "B 2", None, ("",))


@pytest.mark.parametrize(
    ("name", "separator", "encoding"),
    [
        ("list.csv", ";", "utf-8-sig"),
        ("list.csv", ",", "utf-8"),
        ("list.csv", "\t", "utf-16"),
        ("list.txt", "\t", "utf-16"),
        ("list.txt", ";", "utf-8"),
    ],
)
def test_table_that_excel_saved(tmp_path, name, separator, encoding):
    head, cells = ["path", "mm_per_px", "leg."], ['"Été.tif"', '"0,0423"', "Müller"]
    text = "\r\n".join(separator.join(line) for line in (head, cells)) + "\r\n"
    (tmp_path / name).write_bytes(text.encode(encoding))
    (row,) = read_manifest([tmp_path / name]).rows
    scan = str(tmp_path / "Été.tif")
    assert row == SheetRow(scan, "Été", None, 0.0423, ("Müller",))


def test_letters_of_a_table_are_not_guessed(tmp_path):
    (tmp_path / "list.csv").write_bytes(
        "path;leg.\r\na.tif;Müller\r\n".encode("cp1252")
    )
    with pytest.raises(SettingsError, match=r"list\.csv is not in UTF-8; in Excel"):
        read_manifest([tmp_path / "list.csv"])


def test_table_of_windows_is_read_on_a_cluster(tmp_path):
    touch(tmp_path / "Scans" / "Été 2024" / "K1.tif")
    table = tmp_path / "list.csv"
    table.write_text("path\nScans\\Été 2024\\K1.tif\n", encoding="utf-8")
    (row,) = read_manifest([table]).rows
    assert row.source == str(tmp_path / "Scans" / "Été 2024" / "K1.tif")


def test_url_of_a_file_is_its_path(tmp_path):
    scan = tmp_path / "Été 2024" / "K1.tif"
    touch(scan)
    assert places.as_path(scan.as_uri()) == scan.as_posix()
    assert places.as_path(f"file://{scan.as_posix()}") == scan.as_posix()
    for url in ("file:///D:/Scans/K1.tif", "file://D:/Scans/K1.tif"):
        assert places.as_path(url) == "D:/Scans/K1.tif"
    assert places.as_path(r"\\server\share\K1.tif") == r"\\server\share\K1.tif"
    assert places.as_path("file:///a:b/K1.tif") == "/a:b/K1.tif"


def test_percent_signs_of_a_folder_that_is_there_are_its_own(tmp_path):
    touch(tmp_path / "x%20y" / "K1.tif")
    table = tmp_path / "list.csv"
    table.write_text("path\nfile://x%20y/K1.tif\n")
    expected = str(tmp_path / "x%20y" / "K1.tif")
    for given in (table, f"file://{tmp_path}/x%20y/*.tif"):
        assert [row.source for row in read_manifest([given]).rows] == [expected]


def test_table_may_be_given_as_url_of_a_file(tmp_path):
    touch(tmp_path / "K1.tif")
    table = tmp_path / "list.csv"
    table.write_text("path\nK1.tif\n")
    (row,) = read_manifest([table.as_uri()]).rows
    assert row.source == str(tmp_path / "K1.tif")


def test_rows_with_more_cells_than_names_are_refused_and_not_moved(tmp_path):
    (tmp_path / "list.csv").write_text("path;catalogNumber\nK1.tif;B 1;\n")
    with pytest.raises(SettingsError, match="more cells than its first line names"):
        read_manifest([tmp_path / "list.csv"])


def test_first_line_in_which_excel_names_the_separator_is_no_head(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("sep=;\npath;catalogNumber\nK1.tif;B 1\nK2.tif;B 2\n")
    found = [
        (Path(r.source).name, r.catalog_number) for r in read_manifest([table]).rows
    ]
    assert found == [("K1.tif", "B 1"), ("K2.tif", "B 2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_table_at_a_url_is_fetched_once(monkeypatch, encoding):
    memory = fsspec.filesystem("memory")
    text = "sep=;\nurl;leg.\nK1.tif;Müller\n"
    memory.pipe("/tables/list.csv", text.encode(encoding))
    fetched = []
    opened = type(memory)._open
    monkeypatch.setattr(
        type(memory),
        "_open",
        lambda self, path, *args, **kwargs: (
            fetched.append(path) or opened(self, path, *args, **kwargs)
        ),
    )
    (row,) = read_manifest(["memory://tables/list.csv"]).rows
    assert row.carried == ("Müller",)
    assert fetched == ["/tables/list.csv"]


def test_tables_with_other_columns_are_put_together(tmp_path):
    (tmp_path / "one.csv").write_text("path,family\na.tif,Fagaceae\n")
    (tmp_path / "two.csv").write_text("path,genus,family\nb.tif,Salix,Salicaceae\n")
    manifest = read_manifest([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert manifest.columns == ("family", "genus")
    carried = [row.carried for row in manifest.rows]
    assert carried == [("Fagaceae", ""), ("Salicaceae", "Salix")]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("path,family\na.tif,x\n,y\n", 3),
        ("path,family\n\na.tif,x\n,\n,y\n", 5),
        ("sep=,\n\npath,family\na.tif,x\n,y\n", 5),
    ],
)
def test_row_without_sheet_is_skipped_by_its_number_in_a_spreadsheet(
    tmp_path, text, row
):
    (tmp_path / "list.csv").write_text(text)
    manifest = read_manifest([tmp_path / "list.csv"])
    assert stems(manifest) == ["a"]
    (skipped,) = manifest.skipped.values()
    assert f"Row {row} of" in skipped


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,family\na,b\n", "no column 'path' or 'url'"),
        ("path,mm_per_px\na.tif,0\nb.tif,x\n", r"row 2: '0', row 3: 'x'"),
        ("path\nnowhere://a.tif\n", "nowhere:// is no kind of URL"),
        ("", "cannot be read as a table"),
    ],
)
def test_table_that_makes_no_sense(tmp_path, text, said):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_manifest([tmp_path / "list.csv"])


def rows(*sources):
    return [SheetRow(source, source.rsplit("/")[-1]) for source in sources]


def test_names_differ_on_every_file_system():
    names = output_names(rows("x/K1", "y/k1", "z/K1", "x/K1__2"), {})
    assert list(names.values()) == ["K1", "k1__2", "K1__3", "K1__2__2"]


def test_names_given_earlier_stay_whatever_comes_first():
    known = {"y/K1": "K1__2"}
    names = output_names(rows("y/K1", "x/K1", "w/K1"), known)
    assert names == {"y/K1": "K1__2", "x/K1": "K1", "w/K1": "K1__3"}


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("Kräuter ☘", "Kräuter ☘"),
        ("B 10/0012:3", "B 10_0012_3"),
        ("con", "sheet_con"),
        ("CON.2024.17", "sheet_CON.2024.17"),
        ("com¹", "sheet_com¹"),
        ("..", "sheet"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_name_that_any_file_system_takes(stem, name):
    assert safe_name(stem) == name


def test_long_names_stay_short_and_apart():
    first, second = (safe_name("押" * 200 + end) for end in "ab")
    assert first != second
    assert len(first.encode()) < 200


def test_url_of_a_kind_that_needs_a_package_names_it(monkeypatch):
    def missing(protocol):
        raise ImportError("Install it")

    places._check_protocol.cache_clear()
    monkeypatch.setattr(places.fsspec, "get_filesystem_class", missing)
    with pytest.raises(SettingsError, match="python -m pip install s3fs"):
        read_manifest(["s3://bucket/sheets/"])
    places._check_protocol.cache_clear()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("memory://holds-none/*.png", "holds no sheet; sheets are"),
        ("memory://holds-none/", "cannot be listed"),
        ("none/*.png", "matches no sheet; sheets are"),
    ],
)
def test_what_holds_no_sheet_is_refused(given, said):
    with pytest.raises(SettingsError, match=said):
        read_manifest([given])
    with pytest.raises(SettingsError, match="at least one sheet, folder"):
        read_manifest([])


def test_a_web_address_is_one_sheet_whatever_is_in_it():
    url = "http://herbarium.test/image?id=1"
    assert [row.source for row in read_manifest([url]).rows] == [url]


def test_url_of_no_known_kind_is_refused():
    with pytest.raises(SettingsError, match="jpeg2000:// is no kind of URL"):
        read_manifest(["jpeg2000://host/K1.tif"])


def test_link_to_nothing_is_listed(tmp_path, link):
    touch(tmp_path / "K1.png")
    link(tmp_path / "K2.png", tmp_path / "moved" / "K2.png")
    assert stems(read_manifest([tmp_path])) == ["K1", "K2"]
