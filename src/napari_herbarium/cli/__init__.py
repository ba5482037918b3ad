"""The command `napari-herbarium`: one file per subcommand."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version
from itertools import pairwise
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from napari_herbarium.cli.batch import batch_sheets
from napari_herbarium.cli.evaluate import evaluate_model
from napari_herbarium.cli.evaluate_leaves import score_leaves
from napari_herbarium.cli.inputs import NO_NAME, NOT_SET
from napari_herbarium.cli.measure import measure_labels
from napari_herbarium.cli.models import models
from napari_herbarium.cli.segment import segment_sheets
from napari_herbarium.cli.show import MISUSED
from napari_herbarium.cli.train import train_model
from napari_herbarium.cli.train_whole import train_classifier


class _Herbarium(TyperGroup):
    """Refuses empty words, which as a path are this folder, and files like options."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Leave patterns to the commands, on Windows, too.

        Expanded beforehand, ``scans/**`` would be every folder in it and every file,
        results among them; each would count as named by the user.
        """
        return super().main(*args, **{**settings, "windows_expand_args": False})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if sys.platform == "win32":  # no shell there knows ~
            args = [os.path.expanduser(word) for word in args]
        for before, word in pairwise(["", *args]):
            option, equals, value = word.partition("=")
            if equals and not value and option.startswith("--"):
                _refuse_empty(option)
            if not word:
                is_option = before.startswith("--") and before != "--"
                _refuse_empty(before if is_option else "")
        ends = args.index("--") if "--" in args else len(args)
        for before, word in pairwise(["", *args[:ends]]):
            if not before.startswith("--") and _is_file_like_option(word):
                _refuse(f"{word} looks like an option; write ./{word} for the file.")
        return super().parse_args(ctx, args)


def _is_file_like_option(word: str) -> bool:
    return word.startswith("-") and "." in word and os.path.lexists(word)


def _refuse_empty(option: str) -> NoReturn:
    _refuse(f"{option} is empty; {NOT_SET}" if option else NO_NAME)


def _refuse(sentence: str) -> NoReturn:
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(MISUSED)


app = typer.Typer(
    cls=_Herbarium,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Every leaf of a scanned herbarium sheet, with measurements in mm.",
)
app.command(
    "segment", help="Segment the leaves of sheets; write labels, a table and overlays."
)(segment_sheets)
app.command(
    "batch", help="Segment and measure many sheets; restartable, here or on a cluster."
)(batch_sheets)
app.command("measure", help="Measure the leaves of labels; write tables and outlines.")(
    measure_labels
)
app.command("evaluate", help="Score a model on sheets whose leaves are labelled.")(
    evaluate_model
)
app.command("train", help="Train a model on sheets whose leaves are labelled.")(
    train_model
)
app.command(
    "train-whole",
    help="Teach the classifier of whole leaves what you said of leaves in napari.",
)(train_classifier)
app.add_typer(models, name="models")
app.command(
    "evaluate-leaves",
    help="Score whole leaves and their traits on sheets with labelled leaves.",
)(score_leaves)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("napari-herbarium"))
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version.", callback=_show_version, is_eager=True
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell what is being done, on stderr.")
    ] = False,
) -> None:
    """Set up what all subcommands share."""
    level = logging.DEBUG if verbose else logging.WARNING
    logging.getLogger("napari_herbarium").setLevel(level)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
