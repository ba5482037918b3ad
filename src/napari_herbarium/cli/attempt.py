"""Do one of many; what fails is said in a sentence and does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import rich.progress

from napari_herbarium import words
from napari_herbarium.cli.late_rows import LateRows
from napari_herbarium.cli.show import complain, progress_bar
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Job, Progress, finish

logger = logging.getLogger(__name__)
Key = TypeVar("Key")
T = TypeVar("T")
OUT_OF_MEMORY = "out of memory; close other programs (--help says what saves some)."


def attempt(bar: rich.progress.Progress, stem: str, name: str, job: Job[T]) -> T | None:
    """Run the job of one file with its own row in the bar.

    Parameters
    ----------
    bar : rich.progress.Progress
    stem, name : str
        What the row is called, and what the user knows the file by.
    job : generator
        What is to be done.

    Returns
    -------
    What the job gives, or None when it failed; then a sentence on stderr names the
    file.
    """
    row = bar.add_task(stem, total=None, unit="")

    def show(step: Progress) -> None:
        unit = words.unit(step.what, step.total)
        bar.update(row, completed=step.done, total=step.total or None, unit=unit)

    try:
        return finish(job, show)
    except HerbariumError as error:
        complain(bar, _named(name, str(error)))
    except MemoryError:
        complain(bar, _named(name, OUT_OF_MEMORY))
    except Exception as error:
        # One file that meets a fault of ours must not cost the user the others.
        logger.debug("%s failed", name, exc_info=True)
        fault = f"unexpected {type(error).__name__}: {error} (--verbose tells more)."
        complain(bar, _named(name, fault))
    finally:
        bar.remove_task(row)
    return None


def attempt_all(
    tasks: Iterable[tuple[Key, str, str, Job[T]]], total: int, late: LateRows
) -> tuple[dict[Key, T], bool]:
    """Do every sheet; give by key what came of those that worked, and if nothing lacks.

    Parameters
    ----------
    tasks : iterable of (key, str, str, Job)
        Key of a sheet, and what `attempt` takes.
    total : int
        How many.
    late : LateRows
        Tables that the jobs write into.
    """
    done = {}
    with progress_bar() as bar:
        sheets = bar.add_task("Sheets", total=total, unit="")
        try:
            for key, stem, name, job in tasks:
                one = attempt(bar, stem, name, job)
                if one is not None:
                    done[key] = one
                _tell_of_late(bar, late)
                bar.advance(sheets)
        finally:  # after Ctrl-C, too
            all_added = _add_late(bar, late)
    return done, all_added and len(done) == total


def _tell_of_late(bar: rich.progress.Progress, late: LateRows) -> None:
    """Name tables that rows wait for."""
    for sentence in late.news():
        complain(bar, sentence)


def _add_late(bar: rich.progress.Progress, late: LateRows) -> bool:
    """Add the rows that waited for their tables; give whether all could be added."""
    lacking = list(late.settle())
    for sentence in lacking:
        complain(bar, f"Failed: {sentence}")
    _tell_of_late(bar, late)
    return not lacking


def _named(name: str, sentence: str) -> str:
    known = words.printable(Path(name).name) in words.printable(sentence)
    told = sentence if known else f"{name}: {sentence}"
    return f"Failed: {words.printable(told)}"
