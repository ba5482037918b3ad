"""Do one of many; what fails is said in a sentence and does not stop the others."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeVar

import rich.progress

from napari_herbarium.cli.show import complain
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Job, Progress, finish

logger = logging.getLogger(__name__)
T = TypeVar("T")


def attempt(bar: rich.progress.Progress, path: Path, job: Job[T]) -> T | None:
    """Run the job of one file with its own row in the bar.

    Returns
    -------
    What the job gives, or None when it failed; then a sentence on stderr names the
    file.
    """
    row = bar.add_task(path.stem, total=None, unit="")

    def show(step: Progress) -> None:
        bar.update(row, completed=step.done, total=step.total or None, unit=step.what)

    try:
        return finish(job, show)
    except HerbariumError as error:
        complain(bar, _named(path, str(error)))
    except MemoryError:
        complain(bar, _named(path, "out of memory; free some or use another machine."))
    except Exception as error:
        # One file that meets a fault of ours must not cost the user the others.
        logger.debug("%s failed", path, exc_info=True)
        fault = f"unexpected {type(error).__name__}: {error} (--verbose tells more)."
        complain(bar, _named(path, fault))
    finally:
        bar.remove_task(row)
    return None


def _named(path: Path, sentence: str) -> str:
    known = path.name in sentence
    return f"Failed: {sentence}" if known else f"Failed: {path}: {sentence}"
