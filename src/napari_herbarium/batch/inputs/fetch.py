"""A sheet as a file on this machine, wherever it is kept."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from napari_herbarium.batch.inputs.names import safe_name
from napari_herbarium.batch.inputs.places import file_system, is_url
from napari_herbarium.errors import SheetError

PAUSES_S = (2.0, 10.0)
"""Networks fail for moments; so long is waited before trying again."""
NOT_FETCHED = "cannot be fetched"


@contextmanager
def local_file(source: str) -> Iterator[Path]:
    """Give the path of a sheet; what a URL stands for is fetched and goes afterwards.

    Raises
    ------
    SheetError
        It cannot be fetched.
    """
    if not is_url(source):
        yield Path(source)
        return
    # Cleaning up may fail on Windows, where a virus scanner looks at what is new.
    with tempfile.TemporaryDirectory(
        prefix="herbarium-", ignore_cleanup_errors=True
    ) as folder:
        path = Path(folder) / _file_name(source)
        _fetch(source, path)
        yield path


def _file_name(source: str) -> str:
    # The name is kept, because it may be the catalogue number.
    path = PurePosixPath(unquote(urlsplit(source).path))
    return safe_name(path.stem) + path.suffix[:8]


def _fetch(source: str, path: Path) -> None:
    for pause in (*PAUSES_S, None):
        try:
            system, remote = file_system(source)
            system.get_file(remote, str(path))
        except Exception as error:  # every file system has its own errors
            if pause is None or isinstance(error, FileNotFoundError | PermissionError):
                msg = f"{source} {NOT_FETCHED} ({_why(error)})."
                raise SheetError(msg) from error
            time.sleep(pause)
        else:
            return


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, PermissionError):
        return "access is denied"
    return f"{type(error).__name__}: {error}"
