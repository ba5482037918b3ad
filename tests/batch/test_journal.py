"""What is added to a journal survives whatever happens to its writer."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from napari_herbarium.batch.records.journal import Journal, read_lines
from napari_herbarium.batch.records.ledger import Entry, Ledger, State, last_entries
from napari_herbarium.errors import HerbariumError


def test_half_a_line_is_dropped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Journal(path) as journal:
        journal.add({"n": 1})
        journal.add({"n": 2})
    content = path.read_bytes()
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        assert [line["n"] for line in read_lines(path)] == [1, 2][:whole]
        with Journal(path) as journal:
            journal.add({"n": 3})
        assert [line["n"] for line in read_lines(path)] == [*[1, 2][:whole], 3]


def test_long_half_line_is_dropped(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"n":1}\n{"text":"' + b"x" * 200_000)
    with Journal(path) as journal:
        journal.add({"n": 2})
    assert [line["n"] for line in read_lines(path)] == [1, 2]


def test_of_a_long_journal_only_the_half_line_is_dropped(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"n":1}\n' * 20_000 + b'{"n":')
    with Journal(path) as journal:
        journal.add({"n": 2})
    assert [line["n"] for line in read_lines(path)] == [1] * 20_000 + [2]


@pytest.mark.parametrize("damaged", [b"\0\0\0\0", b"2", b'["n", 2]'])
def test_damaged_line_in_the_middle_costs_itself_only(tmp_path, damaged):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"n":1}\n' + damaged + b'\n{"n":3}\n')
    assert [line["n"] for line in read_lines(path)] == [1, 3]


def test_name_that_is_no_unicode_travels(tmp_path):
    path = tmp_path / "ledger.jsonl"
    name = b"B\xe4ume".decode("utf-8", "surrogateescape")
    with Ledger(path) as ledger:
        ledger.add(Entry(f"/scans/{name}.tif", "B_ume", State.DONE))
    assert list(last_entries(path)) == [f"/scans/{name}.tif"]


def test_last_line_of_a_sheet_counts(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.add(Entry("a", "a", State.FAILED, "It was empty."))
        ledger.add(Entry("b", "b", State.SKIPPED, "No sheet."))
        ledger.add(Entry("a", "a", State.DONE, facts={"leaves": 3}))
    known = last_entries(path)
    assert known["a"].state is State.DONE
    assert known["a"].facts == {"leaves": 3}
    assert known["a"].reason == ""
    assert known["b"].reason == "No sheet."
    assert json.loads(path.read_text().splitlines()[0])["state"] == "failed"


def test_disk_that_fills_up_within_a_line_is_said(tmp_path, monkeypatch):
    class Full(io.RawIOBase):
        def write(self, line):
            return len(line) // 2

    monkeypatch.setattr(Path, "open", lambda *_, **__: Full())
    journal = Journal(tmp_path / "ledger.jsonl")
    with pytest.raises(HerbariumError, match=r"no space left.*free the space"):
        journal.add({"n": 1})


def test_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HerbariumError, match="Cannot write"):
        Journal(tmp_path / "file" / "ledger.jsonl")
