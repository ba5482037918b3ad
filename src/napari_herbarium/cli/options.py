"""Options that subcommands share, and how they become settings."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import Detail, Device, LeafMethod, Touching

S = TypeVar("S", bound=BaseModel)

Model = Annotated[
    str, typer.Option(help="Name of an installed model, or the folder of one.")
]
DetailOption = Annotated[
    Detail,
    typer.Option(
        help="paper: the whole sheet at 512 x 512 px, as published; fast: one working "
        "resolution; full: coarse to fine."
    ),
]
DeviceOption = Annotated[
    Device, typer.Option(help="Where the network runs; auto takes the fastest.")
]
Tile = Annotated[
    int, typer.Option(help="Side of the tiles in px; smaller needs less memory.")
]
Batch = Annotated[
    int,
    typer.Option(
        help="Most tiles at a time; fewer need less memory. Without a GPU it is never "
        "more than 2 tiles of 512 px, as many pixels in smaller ones, or 1 larger one."
    ),
]
Method = Annotated[
    LeafMethod,
    typer.Option(help="default, or paper: the paper's Algorithms 1 and 2."),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Leaf where the probability (0 to 1) is at least this.",
        show_default="the model's own",
    ),
]
MinAreaMm2 = Annotated[
    float, typer.Option(help="Smallest leaf in mm2, on sheets with a scale.")
]
MinAreaPx = Annotated[
    int | None,
    typer.Option(
        help="Smallest leaf in px, on sheets without a scale.",
        show_default="--min-area-mm2 on a sheet 420 mm long",
    ),
]
FillHoles = Annotated[bool, typer.Option("--fill-holes", help="Count holes as leaf.")]
TouchingOption = Annotated[
    Touching,
    typer.Option(
        help="Leaves that touch. keep: one label, as published; necks: cut at narrow "
        "necks; judge: cut where shape, a network that sees where leaves meet, and the "
        "classifier of whole leaves speak for it."
    ),
]
Ruler = Annotated[
    bool,
    typer.Option(
        "--ruler/--no-ruler",
        help="Read the scale from the ruler on the sheet, and check the file's "
        "resolution with it.",
    ),
]
MmPerPx = Annotated[
    float | None,
    typer.Option(
        help="Size of a pixel in mm, for all sheets of this run; counts more than "
        "ruler and file.",
        show_default="from the ruler, else the file",
    ),
]
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


def parsed(kind: type[S], **values: Any) -> S:
    """Make a settings object from options.

    Raises
    ------
    SettingsError
        Options that make no sense, all in one sentence.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        faults = "; ".join(
            f"--{str(fault['loc'][0]).replace('_', '-')} is {fault['input']}: "
            f"{fault['msg'].lower()}"
            for fault in error.errors()
        )
        msg = f"{faults}."
        raise SettingsError(msg) from error
