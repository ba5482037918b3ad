"""`napari-herbarium train`: a model from sheets whose leaves are labelled."""

from __future__ import annotations

import math
import shlex
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import rich.progress
import typer

from napari_herbarium import words
from napari_herbarium.cli import options
from napari_herbarium.cli.inputs import check_folder, check_text
from napari_herbarium.cli.interrupt import STOPPED, finish_unless_stopped
from napari_herbarium.cli.show import complain, progress_bar, sentences
from napari_herbarium.errors import SettingsError
from napari_herbarium.memory import freed_is_kept
from napari_herbarium.model.catalogue import new_model_folder, user_models_folder
from napari_herbarium.model.network import ENCODERS
from napari_herbarium.settings import DEFAULT_MODEL, Device
from napari_herbarium.train.crops.others import find_other_sheets
from napari_herbarium.train.files.workplace import Workplace
from napari_herbarium.train.pairs.preflight import training_pairs_at
from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe, recipe_of
from napari_herbarium.train.train import iter_train

if TYPE_CHECKING:
    from napari_herbarium.train.report import TrainedModel, TrainProgress

    Training: TypeAlias = Generator[TrainProgress, None, TrainedModel]

Data = Annotated[
    Path,
    typer.Option(
        help="Folder with images/ and masks/ (PNG or TIFF; 0 background, leaves above) "
        "by stem, or a COCO JSON file beside its images; of several categories in it "
        "those called leaf, leaves or lamina are leaves."
    ),
]
Out = Annotated[
    str, typer.Option(help="Name of the new model, or a folder for it (with a slash).")
]
RecipeName = Annotated[
    str,
    typer.Option(
        help="few-sheets: adapt a model to 3 to 30 sheets; paper: as published."
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        help="Model that few-sheets starts from: a name or a folder.",
        show_default=DEFAULT_MODEL,
    ),
]
Others = Annotated[
    Path | None,
    typer.Option(
        help="Folder of sheets of other plants, without labels: few-sheets holds the "
        "new model to what the base sees on up to 16 of them, so that it forgets less."
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        help=f"Encoder of the paper's network, as {', '.join(ENCODERS)}.",
        show_default="resnet101",
    ),
]
EncoderWeights = Annotated[
    str | None,
    typer.Option(
        help="Start of the paper's encoder: imagenet, random, or a state-dict file.",
        show_default="imagenet",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Longest time to train.", show_default="few-sheets 10, paper no bound"
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(help="Most epochs.", show_default="few-sheets 40, paper 100"),
]
Batch = Annotated[
    int | None,
    typer.Option(help="Crops per step.", show_default="few-sheets 4, paper 3"),
]
MicroBatch = Annotated[
    int | None,
    typer.Option(help="Crops at a time; fewer need less memory."),
]
Seed = Annotated[int, typer.Option(help="Decides split, crops and random start.")]
Devices = Annotated[int, typer.Option(help="Devices per machine.")]
Nodes = Annotated[int, typer.Option(help="Machines; start with `fabric run`.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that was cut short.")
]

_NO_BASE = "--base is for --recipe few-sheets; paper starts from its --encoder-weights."


def train_model(
    data: Data,
    out: Out,
    recipe: RecipeName = "few-sheets",
    base: Base = None,
    others: Others = None,
    encoder: Encoder = None,
    encoder_weights: EncoderWeights = None,
    minutes: Minutes = None,
    epochs: Epochs = None,
    batch: Batch = None,
    micro_batch: MicroBatch = None,
    seed: Seed = 0,
    device: options.DeviceOption = Device.AUTO,
    devices: Devices = 1,
    num_nodes: Nodes = 1,
    resume: Resume = False,
) -> None:
    """Train a model; Ctrl-C (or SIGTERM) ends it between two steps, the best kept."""
    with sentences():
        settings = _recipe(
            recipe,
            encoder=encoder,
            encoder_weights=encoder_weights,
            minutes=minutes,
            epochs=epochs,
            batch=batch,
            micro_batch=micro_batch,
            seed=seed,
            devices=devices,
            num_nodes=num_nodes,
        )
        if recipe == "paper" and base is not None:
            raise SettingsError(_NO_BASE)
        folder = out_folder(out, resume=resume)
        pairs = training_pairs_at(data)
        job = iter_train(
            settings,
            pairs,
            folder,
            base=base or DEFAULT_MODEL,
            device=device,
            resume=resume,
            others=find_other_sheets(others),
        )
        made = _with_bar(job)
    if made is None:
        _say_stopped(folder)
    _say(made, folder, out)


def _recipe(name: str, **given: Any) -> PaperRecipe | FewSheetsRecipe:
    changes = {key: value for key, value in given.items() if value is not None}
    starts = sorted({"encoder", "encoder_weights"} & changes.keys())
    if name == "few-sheets" and starts:
        option = f"--{starts[0].replace('_', '-')}"
        msg = f"{option} is for --recipe paper; few-sheets takes its --base as it is."
        raise SettingsError(msg)
    return recipe_of(name, **changes)


def out_folder(out: str, *, resume: bool = False) -> Path:
    """Take a plain name for a model of the user's, anything else for a folder."""
    path = Path(out).expanduser()
    if path.name != out:
        _refuse_folder(path)
        return path
    folder = user_models_folder() / out if resume else new_model_folder(out)
    check_folder(folder.parent, path)
    return folder


def _refuse_folder(path: Path) -> None:
    """Refuse, before any work, a folder that could not be made.

    Raises
    ------
    SettingsError
        It has no name of its own or one that is no text, or it cannot be written.
    """
    check_text(path)
    if not path.name:
        msg = f"--out is {path}, which cannot be a new model's folder; name another."
        raise SettingsError(msg)
    check_folder(path.parent, path)


def _with_bar(job: Training) -> TrainedModel | None:
    """Run a training; None when it was stopped."""
    with freed_is_kept(), progress_bar() as bar:
        row = bar.add_task("Sheets", total=None, unit="")
        return finish_unless_stopped(
            job, partial(_show, bar, row), partial(complain, bar, "Stopping ...")
        )


def _show(
    bar: rich.progress.Progress, row: rich.progress.TaskID, report: TrainProgress
) -> None:
    what = "Training" if report.what == "steps" else "Reading"
    total = report.total or None
    unit = words.unit(report.what, total)
    bar.update(row, description=what, completed=report.done, total=total, unit=unit)
    if report.note:
        complain(bar, report.note)
    if report.scored:
        loss = "" if report.loss is None else f"loss {report.loss:.4f}, "
        best = " (best so far)" if report.best else ""
        complain(
            bar,
            f"Epoch {report.epoch}: {loss}held-out loss {report.val_loss:.4f}, "
            f"IoU {report.iou:.4f}{best}",
        )


def _say_stopped(folder: Path) -> NoReturn:
    if folder.exists():
        typer.echo(f"Stopped; the best so far is {folder}. --resume goes on.")
    elif Workplace(folder).checkpoint.exists():
        typer.echo("Stopped; what was done before is kept. --resume goes on.")
    else:
        typer.echo("Stopped before the first step; nothing was kept.")
    raise typer.Exit(STOPPED)


def _say(made: TrainedModel, folder: Path, out: str) -> None:
    typer.echo(f"Ended: {made.ended}, after {words.counted(made.steps, 'step')}.")
    typer.echo(
        f"IoU on held-out crops: {_figure(made.before.iou)} before, "
        f"{_figure(made.after.iou)} after."
    )
    if made.test is not None:
        typer.echo(f"IoU on test sheets: {_figure(made.test.iou)}.")
    typer.echo(f"Model: {folder}")
    typer.echo(f"Use it: napari-herbarium segment --model {shlex.quote(out)} ...")


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
