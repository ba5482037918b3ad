"""Files are written whole or not at all, and by one run at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from napari_herbarium.errors import HerbariumError

PATIENCE_S = 60.0


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place on success.

    A reader sees the old file or the new one, never half of one; on failure the old
    file stays and the temporary one goes.

    Raises
    ------
    HerbariumError
        The folder cannot be written, or the disk is full.
    """
    # The suffix stays: writers choose the format by it.
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise HerbariumError(_cannot_write(path, error)) from error
    finally:
        with suppress(OSError):  # where there is no folder there is nothing to remove
            temporary.unlink(missing_ok=True)


@contextmanager
def staging(place: Path) -> Iterator[Path]:
    """Give a new hidden folder in `place`; what is left of it at the end goes.

    Fill it and rename it within the block: others see the whole folder or none.

    Raises
    ------
    OSError
        The place cannot be written.
    """
    staged = place / f".{uuid4().hex}"
    try:
        staged.mkdir(parents=True)
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


@contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Wait until no other run changes a file; others wait until the end of this.

    For files that are read, added to and written again. A file beside it shows that it
    is taken, which works on network file systems, too.

    Raises
    ------
    HerbariumError
        It is taken for longer than a minute, or the folder cannot be written.
    """
    from filelock import SoftFileLock, Timeout  # slow to import

    mark = path.with_name(f".{path.name}.lock")
    lock = SoftFileLock(mark, timeout=PATIENCE_S)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        msg = (
            f"Another run has {path} in hand; try again when it has ended, or remove "
            f"{mark} if you are sure that it has ended."
        )
        raise HerbariumError(msg) from error
    except OSError as error:
        raise HerbariumError(_cannot_write(path, error)) from error
    try:
        yield
    finally:
        lock.release()


def _cannot_write(path: Path, error: OSError) -> str:
    return (
        f"Cannot write {path} ({error.strerror or error}); free the space or "
        "choose another output folder."
    )
