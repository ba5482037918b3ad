"""`napari-herbarium models`: list, show, remove and import models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_herbarium.cli.show import sentences
from napari_herbarium.errors import ModelError
from napari_herbarium.measure.whole.models import find_whole_model, whole_model_folders
from napari_herbarium.model.catalogue import (
    Kind,
    is_bundled,
    kind_of,
    model_folders,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import ModelConfig, NetworkConfig
from napari_herbarium.model.package_import import import_model
from napari_herbarium.model.packages import config_of, model_info, remove_model
from napari_herbarium.settings import DEFAULT_WHOLE_MODEL

models = typer.Typer(no_args_is_help=True, help="List, show, remove, import models.")

_OPTIONS = {Kind.LEAF: "--model", Kind.WHOLE: "--whole-model"}

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
    """List the installed models, those that find leaves first."""
    installed = [*model_folders().items(), *whole_model_folders().items()]
    with sentences():
        for name, folder in installed:
            whose = "bundled" if is_bundled(folder) else "yours"
            typer.echo(f"{name}\t{whose}\t{_network(folder)}")
    typer.echo(f"Your models are in {user_models_folder()}", err=True)


def _network(folder: Path) -> str:
    try:
        return _kind(config_of(folder))
    except ModelError:
        return "damaged"


def _kind(config: NetworkConfig) -> str:
    if isinstance(config, ModelConfig):
        return f"{config.architecture} on {config.encoder}"
    return "classifier of whole leaves"


@models.command("info")
def show_info(name: Wanted) -> None:
    """Show a model's card and figures."""
    with sentences():
        info = model_info(_known(name))
    config = info.config
    typer.echo(f"Name:     {config.name}, version {config.version}")
    typer.echo(f"Folder:   {info.folder} ({'bundled' if info.bundled else 'yours'})")
    typer.echo(f"Network:  {_kind(config)}")
    typer.echo(f"Weights:  {info.size / 1e6:.1f} MB, SHA-256 {info.sha256}")
    if isinstance(config, ModelConfig):
        typer.echo(f"Looks at sheets {', '.join(map(str, config.scales))} px long")
        typer.echo(f"Leaf at probability {config.threshold:g} and above")
    else:
        typer.echo(f"Whole at probability {config.threshold:g} and above")
    for figure, value in config.figures.items():
        typer.echo(f"  {figure}: {_in_words(value)}")
    if info.card:
        typer.echo(f"\n{info.card.rstrip()}")


def _in_words(figure: Any) -> str:
    """Say a figure, or several that belong together; "-" where there is none."""
    if isinstance(figure, dict):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in figure.items())
    return "-" if figure is None else str(figure)


def _known(name: str) -> str | Path:
    """Give what `model_info` finds; the bundled classifier lies elsewhere."""
    return find_whole_model() if name == DEFAULT_WHOLE_MODEL else name


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
    option = _OPTIONS[kind_of(user_models_folder() / known)]
    typer.echo(f"Imported; use it with {option} {shlex.quote(known)}")
