"""What Windows does otherwise, played here: files that are text, held, or read only."""

from __future__ import annotations

import os

import pytest

from napari_herbarium.batch.journal import Journal
from napari_herbarium.batch.worker import _to_disk

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
