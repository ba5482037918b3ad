"""Files are written whole or not at all."""

from __future__ import annotations

import os
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
        msg = (
            f"Cannot write {path} ({error.strerror or error}); free the space or "
            "choose another output folder."
        )
        raise HerbariumError(msg) from error
    finally:
        with suppress(OSError):  # where there is no folder there is nothing to remove
            temporary.unlink(missing_ok=True)
