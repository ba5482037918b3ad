"""One leader per run: two would do every sheet twice and mix up the ledger.

The lock is a file with the leader's name. It does not rely on locks of the file
system, which network file systems get wrong, but on the leader being alive: its
process on the same machine, or its touch of the file elsewhere.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.files import write_text
from napari_herbarium.locks import taking_turns
from napari_herbarium.plain_json import parsed

TOUCHED_EVERY_S = 30.0
DEAD_AFTER_S = 600.0


@contextmanager
def leading(path: Path) -> Iterator[None]:
    """Be the only leader of a run.

    Raises
    ------
    SettingsError
        Somebody else is, or the folder cannot be written.
    """
    try:
        with taking_turns(path):  # of two that find a dead leader, one follows it
            _take(path)
    except SettingsError:
        raise
    except HerbariumError as error:
        raise SettingsError(str(error)) from error
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_touching, args=(path, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        with suppress(OSError):  # one that is left is of a leader that is dead
            path.unlink()
        with suppress(OSError):
            path.parent.rmdir()  # a run that was refused leaves no empty folder


def _take(path: Path) -> None:
    me = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": psutil.Process().create_time(),
    }
    _refuse_if_alive(path)
    write_text(path, json.dumps(me))


def _refuse_if_alive(path: Path) -> None:
    try:
        leader = parsed(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
        host, pid, since = leader["host"], int(leader["pid"]), float(leader["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # nobody is, or what is there was cut short
    if host == socket.gethostname():
        alive = _is_alive(pid, since)
    else:
        alive = age < DEAD_AFTER_S
    if alive:
        msg = (
            f"A run is at work in {path.parent} (process {pid} on {host}); wait for it "
            f"to end, or remove {path} if you are sure that it has ended."
        )
        raise SettingsError(msg)


def _is_alive(pid: int, since: float) -> bool:
    try:
        # Numbers of processes are used again; the time of their start is not.
        return abs(psutil.Process(pid).create_time() - since) < 1
    except psutil.Error:
        return False


def _keep_touching(path: Path, stop: threading.Event) -> None:
    while not stop.wait(TOUCHED_EVERY_S):
        with suppress(OSError):
            os.utime(path)
