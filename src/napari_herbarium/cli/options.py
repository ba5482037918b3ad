"""Options that subcommands share, and how they become settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_origin, get_type_hints

import typer
from pydantic import BaseModel, ValidationError

from napari_herbarium.cli.show import sentences
from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import (
    Device,
    LeafSettings,
    ScaleSettings,
    SegmentSettings,
)

# By the name of the value that they set, which has their type and default.
_LOOK = {
    "model": typer.Option(help="Name of an installed model, or the folder of one."),
    "detail": typer.Option(
        help="paper: the whole sheet at 512 x 512 px, as published; fast: one working "
        "resolution; full: coarse to fine; thorough: the same from four sides, a "
        "little better on small leaves, slower."
    ),
    "device": typer.Option(help="Where the network runs; auto takes the fastest."),
}
_TILES = {
    "tile": typer.Option(help="Side of the tiles in px; smaller needs less memory."),
    "batch": typer.Option(
        help="Most tiles at a time; fewer need less memory. Without a GPU it is never "
        "more than 2 tiles of 512 px, as many pixels in smaller ones, or 1 larger one."
    ),
}
_LEAVES = {
    "method": typer.Option(help="default, or paper: the paper's Algorithms 1 and 2."),
    "threshold": typer.Option(
        help="Leaf where the probability (0 to 1) is at least this.",
        show_default="the model's own",
    ),
    "min_area_mm2": typer.Option(help="Smallest leaf in mm2, on sheets with a scale."),
    "min_area_px": typer.Option(
        help="Smallest leaf in px, on sheets without a scale.",
        show_default="--min-area-mm2 on a sheet 420 mm long",
    ),
    "fill_holes": typer.Option("--fill-holes", help="Count holes as leaf."),
}
_TOUCHING = {
    "touching": typer.Option(
        help="Leaves that touch. keep: one label, as published; necks: cut at narrow "
        "necks; judge: cut where shape, a network that sees where leaves meet, and the "
        "classifier of whole leaves speak for it."
    ),
}
_SCALE = {
    "ruler": typer.Option(
        "--ruler/--no-ruler",
        help="Read the scale from the ruler on the sheet, and check the file's "
        "resolution with it.",
    ),
    "mm_per_px": typer.Option(
        help="Size of a pixel in mm, for all sheets of this run; counts more than "
        "ruler and file.",
        show_default="from the ruler, else the file",
    ),
}
Look = Annotated[SegmentSettings, _LOOK]
Segment = Annotated[SegmentSettings, _LOOK | _TILES]
Touching = Annotated[LeafSettings, _TOUCHING]
Leaves = Annotated[LeafSettings, _LEAVES | _TOUCHING]
Scale = Annotated[ScaleSettings, _SCALE]

DeviceOption = Annotated[Device, _LOOK["device"]]
WholeModel = Annotated[
    str,
    typer.Option(
        help="Classifier that tells whole leaves from partial ones: a name that "
        "`models list` calls one, or the folder of one."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist already.")
]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command options in place of the settings that it takes.

    Parameters
    ----------
    command : callable
        A parameter annotated with settings and their options, as `Segment` is, gets
        the settings made from them. Options that make no sense are refused before the
        command is called.
    """
    hints = get_type_hints(command, include_extras=True)
    settings = {name: hint for name, hint in hints.items() if _options_of(hint)}
    parameters = [
        option
        for parameter in inspect.signature(command).parameters.values()
        for option in _in_place_of(parameter, hints[parameter.name])
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        with sentences():
            made = {name: _made(hint, given) for name, hint in settings.items()}
        command(**given, **made)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in parameters}
    return run


def _options_of(hint: Any) -> dict[str, Any]:
    """Options of settings by the names of their values; none of anything else."""
    is_settings = get_origin(hint) is Annotated and isinstance(
        hint.__metadata__[0], dict
    )
    return hint.__metadata__[0] if is_settings else {}


def _in_place_of(parameter: inspect.Parameter, hint: Any) -> list[inspect.Parameter]:
    plain = parameter.replace(annotation=hint, kind=parameter.KEYWORD_ONLY)
    options = _options_of(hint)
    if not options:
        return [plain]
    fields = {name: hint.__origin__.model_fields[name] for name in options}
    return [
        plain.replace(
            name=name,
            annotation=Annotated[field.annotation, options[name]],
            default=field.default,
        )
        for name, field in fields.items()
    ]


def _made(hint: Any, given: dict[str, Any]) -> BaseModel:
    """Make settings of what was given for their options, and take that away.

    Raises
    ------
    SettingsError
        Options that make no sense, all in one sentence.
    """
    kind: type[BaseModel] = hint.__origin__
    try:
        return kind(**{name: given.pop(name) for name in _options_of(hint)})
    except ValidationError as error:
        faults = "; ".join(
            f"--{str(fault['loc'][0]).replace('_', '-')} is {fault['input']}: "
            f"{fault['msg'].lower()}"
            for fault in error.errors()
        )
        msg = f"{faults}."
        raise SettingsError(msg) from error
