"""`napari-herbarium train-whole`: a classifier of whole leaves from a user's words."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from napari_herbarium import words
from napari_herbarium.cli.interrupt import STOPPED, finish_unless_stopped
from napari_herbarium.cli.labels_inputs import find_labels
from napari_herbarium.cli.show import progress_bar, sentences
from napari_herbarium.cli.train import out_folder
from napari_herbarium.measure.whole.models import find_whole_model
from napari_herbarium.progress import Job, Progress, finish
from napari_herbarium.settings import DEFAULT_WHOLE_MODEL
from napari_herbarium.train.whole.learnt import Learnt, iter_learn_words
from napari_herbarium.train.whole.said import iter_words_beside

Labels = Annotated[
    list[str],
    typer.Argument(
        help="Labels (TIFF or PNG) that were saved in napari, folders of them, or "
        "patterns; the JSON files beside them hold what you said."
    ),
]
Out = Annotated[
    str,
    typer.Option(help="Name of the new classifier, or a folder for it (with a slash)."),
]
Base = Annotated[
    str, typer.Option(help="Classifier to start from: a name or a folder.")
]
Seed = Annotated[int, typer.Option(help="Decides how examples are turned.")]


def train_classifier(
    labels: Labels,
    out: Out,
    base: Base = DEFAULT_WHOLE_MODEL,
    seed: Seed = 0,
) -> None:
    """Teach the classifier of whole leaves what you said of leaves in napari.

    Ctrl-C (or SIGTERM) stops; nothing is written then.
    """
    with sentences():
        folder, start = out_folder(out), find_whole_model(base)
        files = [task.path for task in find_labels(labels, None)]
        words = finish(iter_words_beside(files))
        typer.echo(f"Learning from {words.summary}.")
        made = _with_bar(iter_learn_words(words, folder, start, seed=seed))
    if made is None:
        typer.echo("Stopped; nothing was written.")
        raise typer.Exit(STOPPED)
    typer.echo(made.summary)
    typer.echo(f"Classifier: {folder}")
    typer.echo(f"Use it: napari-herbarium measure --whole-model {shlex.quote(out)} ...")


def _with_bar(job: Job[Learnt]) -> Learnt | None:
    """Run the job; None when it was stopped."""
    with progress_bar() as bar:
        row = bar.add_task("Learning", total=None, unit="steps")

        def show(step: Progress) -> None:
            unit = words.unit(step.what, step.total)
            bar.update(row, completed=step.done, total=step.total, unit=unit)

        return finish_unless_stopped(job, show)
