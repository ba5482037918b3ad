"""What the command says: one sentence per error, a bar while it works."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from napari_herbarium.errors import DataError, HerbariumError, ModelError, SettingsError
from napari_herbarium.progress import Job, finish
from napari_herbarium.progress import Progress as Step
from napari_herbarium.words import printable

T = TypeVar("T")
logger = logging.getLogger(__name__)
FAILED, MISUSED = 1, 2
_BEFORE_WORK = (SettingsError, ModelError, DataError)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn errors that the user can put right into a sentence and an exit code.

    A model or data that are not there or cannot be used are noticed before any work,
    as other options that make no sense are. What the system refuses, such as a folder
    that may not be looked into, is said in its words.
    """
    try:
        yield
    except HerbariumError as error:
        logger.debug("refused", exc_info=True)
        typer.echo(f"Error: {error}", err=True)
        code = MISUSED if isinstance(error, _BEFORE_WORK) else FAILED
        raise typer.Exit(code) from None
    except BrokenPipeError:  # a reader that has seen enough, as `head` has
        raise
    except OSError as error:
        logger.debug("refused", exc_info=True)
        place = f"{printable(str(error.filename))}: " if error.filename else ""
        typer.echo(f"Error: {place}{error.strerror or error}.", err=True)
        raise typer.Exit(FAILED) from None


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a bar on stderr, if that is a terminal; what is piped stays clean."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        redirect_stdout=False,
    ) as bar:
        yield bar


def with_bar(job: Job[T]) -> T:
    """Run a job over sheets to its end behind a bar, and give its result."""
    with progress_bar() as bar:
        row = bar.add_task("Sheets", total=None, unit="")

        def show(step: Step) -> None:
            bar.update(row, completed=step.done, total=step.total)

        return finish(job, show)


def complain(bar: Progress, sentence: str) -> None:
    """Print a sentence on stderr, above the bar."""
    bar.console.print(sentence, markup=False, highlight=False, soft_wrap=True)
