"""Turning whatever a decoder raises into one sentence about the file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_herbarium.errors import SheetError
from napari_herbarium.files import is_long_for_windows

_LEAD_NOWHERE = (errno.ENAMETOOLONG, errno.ELOOP)
COPY_AGAIN = "copy it again from its source"


def damaged(path: Path, reason: str) -> SheetError:
    """`SheetError` for a file whose contents are not whole."""
    return SheetError(f"{path.name} is damaged ({reason}): {COPY_AGAIN}.")


def unsupported(path: Path, what: str, remedy: str) -> SheetError:
    """`SheetError` for a file that is whole but of a kind we do not read."""
    return SheetError(f"{path.name} {what}: {remedy}.")


def _missing(path: Path) -> SheetError:
    if is_long_for_windows(path):
        return SheetError(
            f"{path.name} is not there, or its path is too long for Windows: move it "
            "to a folder whose path is shorter."
        )
    return SheetError(
        f"{path.name} is not there: check its name, and the folder "
        f"{path.absolute().parent}."
    )


class DamageError(ValueError):
    """Found by a decoding step that does not know the file; says what is wrong."""


@contextmanager
def reading(path: Path, fault: str) -> Iterator[None]:
    """Turn errors of the decoders into a `SheetError` naming the file.

    Decoders meet damaged bytes with every kind of exception, from ``IndexError``
    to ``struct.error``, so all of them count as damage here. Their words are for
    programmers and stay in the chained cause.

    Parameters
    ----------
    path : Path
        The file being read.
    fault : str
        What is wrong with it when something unforeseen happens.
    """
    try:
        yield
    except SheetError:
        raise
    except MemoryError as error:
        msg = f"{path.name} does not fit in memory: close other programs and try again."
        raise SheetError(msg) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    except PermissionError as error:
        msg = (
            f"{path.name} may not be read: check the permissions of the file and its "
            "folder."
        )
        raise SheetError(msg) from error
    except DamageError as error:
        raise damaged(path, str(error)) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _LEAD_NOWHERE:
            raise _missing(path) from error
        raise damaged(path, fault) from error
