"""Files and folders are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from napari_herbarium.errors import HerbariumError, SettingsError

_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
_DENIED, _HELD = 5, 32
"""What Windows says of a file that another program has open."""
_ON_WINDOWS = os.name == "nt"
_LONGEST_ON_WINDOWS = 247
"""Letters of a path; longer ones only where the system was told to take them."""
FREE_SPACE = "free the space or choose another folder"
"""What to do where a folder takes nothing."""


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
        put_in_place(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):  # where there is no folder there is nothing to remove
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; what was there is replaced by the whole of it or stays.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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


def put_in_place(made: Path, path: Path) -> None:
    """Rename a file or folder; a file that is there is replaced.

    On Windows nothing can be renamed that a program has open. Virus scanners and
    OneDrive look at what is new and let go of it in a moment, which is waited for.

    Raises
    ------
    OSError
        It cannot be renamed.
    """
    _patiently(os.replace, made, path)


def refuse_held(path: Path) -> None:
    """Refuse, before any work, a file that could not be replaced after it.

    Renaming a file to its own name changes nothing, and Windows refuses it where a
    program has the file open.

    Raises
    ------
    SettingsError
        A program has it open, or it cannot be written.
    """
    try:
        _patiently(os.rename, path, path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(str(unwritable(path, error))) from error


def _patiently(rename: Callable[[Path, Path], None], made: Path, path: Path) -> None:
    for pause in _PAUSES_S:
        try:
            rename(made, path)
        except PermissionError as error:
            if not is_held(error):
                raise
            time.sleep(pause)
        else:
            return
    rename(made, path)


def is_held(error: OSError) -> bool:
    """Tell whether another program has the file open, as Windows says."""
    return getattr(error, "winerror", None) in (_DENIED, _HELD)


def is_long_for_windows(path: str | Path) -> bool:
    """Tell a path that Windows may say is not there because it is too long."""
    return _ON_WINDOWS and len(os.path.abspath(path)) > _LONGEST_ON_WINDOWS


def unwritable(path: Path, error: OSError) -> HerbariumError:
    """Give the error that says what cannot be written, why, and what to do."""
    why, advice = error.strerror or str(error), FREE_SPACE
    if is_held(error) and path.is_file():
        advice = "close what has it open, such as Excel, or choose another folder"
    elif error.errno == errno.ENAMETOOLONG:
        advice = "choose a shorter name"
    elif error.errno == errno.ENOENT and is_long_for_windows(error.filename or path):
        why = "its path is too long for Windows"
        advice = "choose a shorter name, or a folder whose path is shorter"
    return HerbariumError(f"Cannot write {path} ({why}); {advice}.")
