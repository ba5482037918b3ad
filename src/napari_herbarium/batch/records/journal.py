"""A file to which lines are only ever added.

It is chosen over a database because runs live on network file systems, where locks
cannot be relied upon and SQLite's WAL mode does not work at all. One process writes;
a line that was cut short by a crash is dropped, and everything before it is good.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from napari_herbarium.errors import HerbariumError
from napari_herbarium.files import unwritable
from napari_herbarium.plain_json import parsed

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_SYNCS = 1.0


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Give the whole lines of a journal, one after the other.

    Raises
    ------
    HerbariumError
        The file cannot be read.
    """
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            for line in file:
                content = _parsed(line)
                if content is not None:
                    yield content
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}); check its permissions."
        raise HerbariumError(msg) from error


def _line(content: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # a name that is no Unicode, as on old disks
        return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        content = parsed(line)
    except ValueError:
        logger.warning("A damaged line of a journal is passed over.")
        return None
    return content if isinstance(content, dict) else None


class Journal:
    """Adds lines to a journal; what is added survives the death of the process.

    Every line goes to the operating system at once, and to the disk at most a second
    later, so that a loss of power costs a second of lines.

    Parameters
    ----------
    path : Path
        Made when it does not exist.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synced = time.monotonic()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop_half_line(path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def add(self, content: Mapping[str, Any]) -> None:
        """Add a line.

        Raises
        ------
        HerbariumError
            The line cannot be written, as when the disk is full.
        """
        line = _line(content)
        try:
            if self._file.write(line) != len(line):
                msg = "no space left"
                raise OSError(None, msg)
            if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
                self.sync()
        except OSError as error:
            raise unwritable(self._path, error) from error

    def sync(self) -> None:
        """Wait until every line is on the disk."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        """Bring everything to the disk and let go of the file."""
        try:
            self.sync()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _drop_half_line(path: Path) -> None:
    """Cut off what a crash left after the last whole line."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                end = start + last + 1
                break
            end = start
        file.truncate(end)
