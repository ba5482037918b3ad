"""One leader per run, and none that is dead."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress

import pytest

from napari_herbarium.batch.records import lock
from napari_herbarium.batch.records.lock import DEAD_AFTER_S, leading
from napari_herbarium.errors import SettingsError


def test_second_leader_is_refused_and_the_lock_goes_with_the_first(tmp_path):
    lock = tmp_path / ".running"
    with (
        leading(lock),
        pytest.raises(SettingsError, match="A run is at work"),
        leading(lock),
    ):
        pass
    assert not lock.exists()


def test_a_run_that_wrote_nothing_leaves_no_folder(tmp_path):
    with leading(tmp_path / "run" / ".running"):
        pass
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(SettingsError, match=r"Cannot write .*choose another folder"),
        leading(tmp_path / "file" / "run" / ".running"),
    ):
        pass


@pytest.mark.parametrize(
    "leader",
    [
        {"host": socket.gethostname(), "pid": os.getpid(), "since": 12.0},
        {"host": socket.gethostname(), "pid": 2**22 + 1, "since": 12.0},
    ],
    ids=["number used again", "process gone"],
)
def test_dead_leader_on_this_machine_does_not_count(tmp_path, leader):
    lock = tmp_path / ".running"
    lock.write_text(json.dumps(leader))
    with leading(lock):
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_leader_elsewhere_counts_while_it_touches_its_lock(tmp_path):
    lock = tmp_path / ".running"
    lock.write_text(json.dumps({"host": "node7", "pid": 1, "since": 1.0}))
    with pytest.raises(SettingsError, match="process 1 on node7"), leading(lock):
        pass
    long_ago = lock.stat().st_mtime - DEAD_AFTER_S - 1
    os.utime(lock, (long_ago, long_ago))
    with leading(lock):
        pass


def test_leader_touches_its_lock_so_that_other_machines_see_it_alive(
    tmp_path, monkeypatch
):
    path, touched = tmp_path / ".running", threading.Event()
    monkeypatch.setattr(lock, "TOUCHED_EVERY_S", 0.01)
    monkeypatch.setattr(
        lock.os, "utime", lambda found, *_: found == path and touched.set()
    )
    with leading(path):
        assert touched.wait(20)


def test_lock_that_was_cut_short_does_not_count(tmp_path):
    (tmp_path / ".running").write_text('{"host": "no')
    with leading(tmp_path / ".running"):
        pass


def test_of_two_that_find_a_dead_leader_one_follows_it(tmp_path, monkeypatch):
    path = tmp_path / ".running"
    path.write_text(json.dumps({"host": "node7", "pid": 1, "since": 1.0}))
    os.utime(path, (0, 0))
    judge, both_have_judged = lock._refuse_if_alive, threading.Barrier(2)

    def slowly(path):
        judge(path)
        with suppress(threading.BrokenBarrierError):
            both_have_judged.wait(0.5)

    monkeypatch.setattr(lock, "_refuse_if_alive", slowly)
    refused, ended = [], threading.Event()

    def lead():
        try:
            with leading(path):
                ended.wait()
        except SettingsError as error:
            refused.append(str(error))
            ended.set()

    threads = [threading.Thread(target=lead) for _ in range(2)]
    for thread in threads:
        thread.start()
    ended.wait(20)
    ended.set()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert "A run is at work" in refused[0]
