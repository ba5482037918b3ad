"""Small files that tell which sheets were in work when a worker died.

A scheduler knows which sheets a dead worker had been given, but not which of them it
had begun. Only those may be to blame.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_herbarium.files import unwritable


class BegunBeforeError(Exception):
    """The sheet was begun in this session and its worker never came back."""


@contextmanager
def marked(folder: Path, name: str, session: str) -> Iterator[None]:
    """Keep a mark for as long as a sheet is in work.

    Parameters
    ----------
    folder : Path
        Where marks lie.
    name : str
        Of the sheet.
    session : str
        Who leads the run; marks of earlier leaders mean nothing.

    Raises
    ------
    BegunBeforeError
        There is a mark of this session.
    HerbariumError
        The mark cannot be written.
    """
    mark = folder / name
    if _session_of(mark) == session:
        raise BegunBeforeError
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(session, encoding="utf-8")
    except OSError as error:
        raise unwritable(mark, error) from error
    yield
    with suppress(OSError):  # held by a virus scanner; what is left means nothing
        mark.unlink()


def _session_of(mark: Path) -> str:
    try:
        return mark.read_text(encoding="utf-8")
    except OSError:
        return ""


def was_begun(folder: Path, name: str) -> bool:
    """Tell whether a sheet's worker died on it, and forget it."""
    mark = folder / name
    there = mark.exists()
    mark.unlink(missing_ok=True)
    return there


def left_behind(folder: Path) -> set[str]:
    """Names of sheets that were in work when an earlier leader died; forgets them."""
    if not folder.is_dir():
        return set()
    names = {mark.name for mark in folder.iterdir()}
    for name in names:
        (folder / name).unlink(missing_ok=True)
    return names
