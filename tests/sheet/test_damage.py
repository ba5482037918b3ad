"""What cannot be read is refused in one sentence that names the file and the reason."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest

from napari_herbarium import SheetError, read_sheet
from napari_herbarium.sheet import limits

WIDTH, HEIGHT, STRIP_OFFSETS, STRIP_COUNTS = 256, 257, 273, 279


def refused(path: Path) -> str:
    """The sentence with which a file is refused, at once or when its pixels are."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SheetError) as caught:
        np.asarray(read_sheet(path).image)
    sentence = str(caught.value)
    assert sentence.startswith(path.name)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    if before is not None:
        assert path.read_bytes() == before
    return sentence


def set_tag(path: Path, code: int, value: int) -> None:
    """Overwrite a SHORT or LONG tag of the first page."""
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at)[0] == code:
            struct.pack_into("<HII", data, at + 2, 4, 1, value)
    path.write_bytes(data)


def test_a_missing_file_is_said(tmp_path):
    assert "is not there" in refused(tmp_path / "none.tif")


def test_a_name_too_long_to_exist(tmp_path):
    with pytest.raises(SheetError, match="is not there"):
        read_sheet(tmp_path / ("a" * 300 + ".tif"))


def test_a_folder_that_may_not_be_looked_into(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(SheetError, match=r"sheet\.tif may not be read: check"):
        read_sheet(tmp_path / "sheet.tif")


def test_remarks_of_the_decoder_are_not_for_the_user(save, scan, caplog):
    path = save(scan)
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    data[data.index(struct.pack("<HH", 262, 3), directory) + 2] = 99  # no such type
    path.write_bytes(data)
    with pytest.raises(SheetError):
        read_sheet(path)
    assert not caplog.records


def test_a_folder_is_no_sheet(tmp_path):
    assert "is a folder" in refused(tmp_path)


def test_an_empty_file_is_said(tmp_path):
    path = tmp_path / "empty.tif"
    path.touch()
    assert "is empty (0 bytes)" in refused(path)


@pytest.mark.parametrize("data", [b"hello", b"II*", b"\0" * 100, b"<html>" * 20])
def test_what_is_no_picture_is_said(tmp_path, data):
    path = tmp_path / "note.tif"
    path.write_bytes(data)
    assert "is no TIFF, JPEG, PNG or JPEG 2000 file" in refused(path)


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\0\0\0\0", b"MM\0*\0\0\0\x08"])
def test_a_header_and_nothing_else(tmp_path, data):
    path = tmp_path / "head.tif"
    path.write_bytes(data)
    refused(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw", "rowsperstrip": 10},
        {"compression": "deflate", "tile": (32, 32)},
        {"compression": "jpeg", "rowsperstrip": 16},
        {"bigtiff": True, "compression": "lzw"},
    ],
    ids=str,
)
def test_truncated_anywhere(save, scan, options):
    path = save(scan, **options)
    whole = path.read_bytes()
    for part in (0.02, 0.1, 0.5, 0.9, 0.99, 1):
        path.write_bytes(whole[: int(len(whole) * part) - 1])
        sentence = refused(path)
        assert "damaged" in sentence or "is no TIFF" in sentence


def test_truncation_is_noticed_before_any_pixel_is_decoded(save):
    pixels = np.zeros((4000, 1000, 3), np.uint8)
    path = save(pixels, rowsperstrip=4000)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(SheetError, match="ends before 1 of its 1 strips"):
        read_sheet(path)


def test_a_page_of_no_bytes(save, scan):
    path = save(scan, rowsperstrip=97)
    set_tag(path, STRIP_COUNTS, 0)
    assert "strips or tiles are empty" in refused(path)


@pytest.mark.parametrize(("width", "height"), [(0, 97), (70, 0)])
def test_a_page_of_no_pixels(save, scan, width, height):
    path = save(scan, rowsperstrip=97)
    set_tag(path, WIDTH, width)
    set_tag(path, HEIGHT, height)
    refused(path)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "jpeg"])
@pytest.mark.parametrize("side", [WIDTH, HEIGHT])
def test_absurd_dimensions(save, scan, side, compression):
    path = save(scan, compression=compression, rowsperstrip=97)
    for value in (2**32 - 1, 2**24, 70_000):
        set_tag(path, side, value)
        refused(path)


def test_both_dimensions_absurd(save, scan):
    path = save(scan, compression="lzw", rowsperstrip=97)
    set_tag(path, WIDTH, 2**16)
    set_tag(path, HEIGHT, 2**16)
    assert "it claims to be 65536 x 65536 px" in refused(path)


def test_a_bomb_of_deflate(save_bare):
    side = 40_000
    data = imagecodecs.zlib_encode(b"\0" * 10_000)
    tags = {
        WIDTH: (4, [side]),
        HEIGHT: (4, [side]),
        258: (3, [8]),
        259: (3, [8]),
        262: (3, [1]),
        278: (4, [side]),
    }
    assert "cannot come from so few bytes" in refused(save_bare(tags, data))


def test_a_bomb_of_shared_chroma(save_bare):
    tags = {
        WIDTH: (3, [100]),
        HEIGHT: (3, [100]),
        258: (3, [8, 8, 8]),
        259: (3, [8]),
        262: (3, [6]),
        277: (3, [3]),
        278: (3, [100]),
        530: (3, [2, 2]),
    }
    path = save_bare(tags, imagecodecs.zlib_encode(b"\0" * (64 << 20)))
    tracemalloc.start()
    assert "cannot be decoded" in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_stream_larger_than_its_tile(save_bare):
    bomb = bytearray(imagecodecs.jpeg_encode(np.zeros((16, 16), np.uint8)))
    frame = bomb.index(b"\xff\xc0")
    bomb[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    tags = {
        WIDTH: (3, [16]),
        HEIGHT: (3, [16]),
        258: (3, [8]),
        259: (3, [7]),
        262: (3, [1]),
        278: (3, [16]),
    }
    assert "claims to be 65000 x 65000 px" in refused(save_bare(tags, bytes(bomb)))


def test_what_does_not_fit_in_memory_is_refused_before_trying(save, scan, monkeypatch):
    path = save(scan, compression="lzw", rowsperstrip=97)
    free = SimpleNamespace(available=1000)
    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: free)
    assert "GiB of memory" in refused(path)


def test_a_jpeg_strip_that_ends_early_is_not_filled_with_grey(save, scan):
    path = save(scan, compression="jpeg", rowsperstrip=97, subsampling=(1, 1))
    data = bytearray(path.read_bytes())
    scan_start = data.index(b"\xff\xda")
    data[scan_start + 200 : scan_start + 202] = b"\xff\xd9"
    path.write_bytes(data)
    assert "ends too early" in refused(path)


def test_strips_that_are_not_listed_are_counted(save, scan):
    path = save(scan, compression="lzw", rowsperstrip=10)
    set_tag(path, HEIGHT, 970)
    assert "10 of its 97 strips or tiles are listed" in refused(path)


def test_a_damaged_tag_that_colours_hang_on(save, scan):
    path = save(scan)
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    entry = data.index(struct.pack("<HH", 262, 3), directory)
    data[entry + 2] = 99  # no such type
    path.write_bytes(data)
    assert "tag 262 of a page cannot be read" in refused(path)


def test_a_compression_no_scanner_uses(save, scan):
    path = save(scan, rowsperstrip=97)
    set_tag(path, 259, 65000)
    assert "is stored with compression 65000: save it with LZW" in refused(path)


def test_errors_are_chained_for_programmers(save, scan):
    path = save(scan, compression="lzw", rowsperstrip=97)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(data)
    with pytest.raises(SheetError, match="cannot be decoded") as caught:
        read_sheet(path)
    assert caught.value.__cause__ is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of POSIX")
def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    path = tmp_path / "pipe.tif"
    os.mkfifo(path)
    command = f"from napari_herbarium import read_sheet; read_sheet({str(path)!r})"
    asked = [sys.executable, "-c", command]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert "pipe.tif is a pipe or a device: open a file." in told.stderr


def test_a_link_to_itself(tmp_path):
    path = tmp_path / "loop.tif"
    try:
        path.symlink_to(path)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(SheetError, match=r"loop\.tif is not there"):
        read_sheet(path)


def test_this_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SheetError, match=f"{tmp_path.name} is a folder"):
        read_sheet("")


def test_old_jpeg_in_pieces_is_no_damage(save_bare, scan):
    """As the first writers of TIFF did, with the tables elsewhere in the file."""
    jpeg = imagecodecs.jpeg_encode(scan)
    entropy = jpeg[jpeg.index(b"\xff\xda") + 14 : -2]
    tags = {
        WIDTH: (3, [70]),
        HEIGHT: (3, [97]),
        258: (3, [8, 8, 8]),
        259: (3, [6]),
        262: (3, [6]),
        277: (3, [3]),
        278: (3, [97]),
        530: (3, [2, 2]),
    }
    assert "is stored with old JPEG: save it with" in refused(save_bare(tags, entropy))
