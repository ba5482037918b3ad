"""One run at a time: by waiting, or by refusing.

Both are locks of `filelock`. A batch run (`napari_herbarium.batch.records.lock`) is led
by machines that may share nothing but a folder, and names its leader; it has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.files import staging, unwritable

PATIENCE_S = 60.0


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
        _refuse_unwritable(path.parent)
        lock.acquire()
    except Timeout as error:
        msg = (
            f"Another run has {path} in hand; try again when it has ended, or remove "
            f"{mark} if you are sure that it has ended."
        )
        raise HerbariumError(msg) from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def holding(mark: Path, busy: str) -> Iterator[None]:
    """Hold a mark for as long as something is at work, and refuse others meanwhile.

    The system takes it from a run that is killed.

    Parameters
    ----------
    mark : path
        File that is there for as long as it is held.
    busy : str
        What others are told.

    Raises
    ------
    SettingsError
        Another holds it.
    HerbariumError
        The folder cannot be written.
    """
    from filelock import FileLock, Timeout  # slow to import

    place = mark.parent
    is_new = not place.exists()
    # Whoever closes a job may do so in another thread than the one it began in.
    lock = FileLock(mark, timeout=0, thread_local=False)
    try:
        place.mkdir(parents=True, exist_ok=True)
        _refuse_unwritable(place)
        lock.acquire()
    except Timeout as error:
        raise SettingsError(busy) from error
    except OSError as error:
        raise unwritable(place, error) from error
    try:
        yield
    finally:
        with suppress(OSError):  # on Windows it goes by itself
            mark.unlink()
        lock.release()
        with suppress(OSError):  # what was refused leaves no empty folder
            if is_new:
                place.rmdir()


def _refuse_unwritable(place: Path) -> None:
    """Try a folder in which nothing can be made: locks look as if another held them.

    A soft one does so on Windows alone.
    """
    with staging(place):
        pass
