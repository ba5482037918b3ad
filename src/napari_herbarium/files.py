"""Files and folders are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from napari_herbarium.errors import HerbariumError


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


def as_filed(name: str) -> str:
    """Names for which this is the same are one name to some file systems."""
    return unicodedata.normalize("NFC", name).casefold()


def unwritable(path: Path, error: OSError) -> HerbariumError:
    """Give the error that says what cannot be written, why, and what to do."""
    advice = "free the space or choose another folder"
    if error.errno == errno.ENAMETOOLONG:
        advice = "choose a shorter name"
    return HerbariumError(f"Cannot write {path} ({error.strerror or error}); {advice}.")
