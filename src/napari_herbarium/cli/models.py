"""`napari-herbarium models`: list, show, remove and import models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_herbarium.cli.show import sentences
from napari_herbarium.errors import ModelError
from napari_herbarium.model.catalogue import (
    is_bundled,
    model_folders,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import read_config
from napari_herbarium.model.packages import import_model, model_info, remove_model

models = typer.Typer(no_args_is_help=True, help="List, show, remove, import models.")

Name = Annotated[str, typer.Argument(help="Name of an installed model.")]
Wanted = Annotated[str, typer.Argument(help="Name of a model, or the folder of one.")]
Source = Annotated[Path, typer.Argument(help="Model folder, or a zip of one.")]
As = Annotated[
    str | None,
    typer.Option("--name", help="Name to give it.", show_default="its own"),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@models.command("list")
def list_installed() -> None:
    """List the installed models, bundled ones first."""
    for name, folder in model_folders().items():
        kind = "bundled" if is_bundled(folder) else "yours"
        typer.echo(f"{name}\t{kind}\t{_network(folder)}")
    typer.echo(f"Your models are in {user_models_folder()}", err=True)


def _network(folder: Path) -> str:
    try:
        config = read_config(folder)
    except ModelError:
        return "damaged"
    return f"{config.architecture} on {config.encoder}"


@models.command("info")
def show_info(name: Wanted) -> None:
    """Show a model's card and figures."""
    with sentences():
        info = model_info(name)
    config = info.config
    typer.echo(f"Name:     {config.name}, version {config.version}")
    typer.echo(f"Folder:   {info.folder} ({'bundled' if info.bundled else 'yours'})")
    typer.echo(f"Network:  {config.architecture} on {config.encoder}")
    typer.echo(f"Weights:  {info.size / 1e6:.1f} MB, SHA-256 {info.sha256}")
    typer.echo(f"Looks at sheets {', '.join(map(str, config.scales))} px long")
    typer.echo(f"Leaf at probability {config.threshold:g} and above")
    for figure, value in config.figures.items():
        typer.echo(f"  {figure}: {_in_words(value)}")
    if info.card:
        typer.echo(f"\n{info.card.rstrip()}")


def _in_words(figure: Any) -> str:
    """Say a figure, or several that belong together; "-" where there is none."""
    if isinstance(figure, dict):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in figure.items())
    return "-" if figure is None else str(figure)


@models.command("remove")
def remove_installed(name: Name, yes: Yes = False) -> None:
    """Remove one of your models; bundled ones stay."""
    with sentences():
        if not yes:
            typer.confirm(f"Remove the model {name!r} for good?", abort=True)
        typer.echo(f"Removed {remove_model(name)}")


@models.command("import")
def import_folder(source: Source, name: As = None) -> None:
    """Take in a model folder, or a zip of one, that a colleague sent."""
    with sentences():
        known = import_model(source, name)
    typer.echo(f"Imported; use it with --model {shlex.quote(known)}")
