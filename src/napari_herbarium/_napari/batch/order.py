"""What the user asks of "Segment a folder", and the job that does it."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_herbarium.batch.settings import BatchSettings, Workforce

if TYPE_CHECKING:
    from napari_herbarium.batch.run import BatchJob


@dataclass(frozen=True)
class Order:
    """A run as the user wants it.

    Attributes
    ----------
    inputs : tuple of str
        Files, folders, patterns, tables.
    out : Path
        Folder of the run.
    settings : BatchSettings
        What decides the results.
    workforce : Workforce
        Who does the work.
    csv : bool
        Write the table as CSV, too.
    anew : bool
        Set aside the run that is in the folder.
    retry : bool
        Do sheets again that failed.
    """

    inputs: tuple[str, ...]
    out: Path
    settings: BatchSettings = field(default_factory=BatchSettings)
    workforce: Workforce = field(default_factory=Workforce)
    csv: bool = True
    anew: bool = False
    retry: bool = False


def with_subfolders(inputs: Sequence[str]) -> tuple[str, ...]:
    """Give inputs in which every folder stands for its subfolders, too."""
    return tuple(
        str(Path(glob.escape(text)) / "**") if Path(text).is_dir() else text
        for text in inputs
    )


def iter_order(order: Order) -> BatchJob:
    """Do a run in worker processes.

    Raises
    ------
    HerbariumError
        See `napari_herbarium.batch.run.iter_batch`.
    """
    from napari_herbarium.batch.run import iter_batch

    with without_main():
        return (
            yield from iter_batch(
                order.inputs,
                order.out,
                order.settings,
                order.workforce,
                new_run=order.anew,
                retry_failed=order.retry,
                csv=order.csv,
            )
        )


@contextmanager
def without_main() -> Iterator[None]:
    """Hide the main program from processes that are started meanwhile.

    Python begins a new process by running the file of the main program once more. Here
    that is napari, or a script of the user that opens a window; a worker needs neither,
    and without the usual guard in the script each worker would open a window.
    """
    main = sys.modules["__main__"].__dict__
    names = ("__file__", "__spec__")
    hidden: dict[str, Any] = {name: main[name] for name in names if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)
