"""What a click on "Fine-tune" does in the background, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from napari_herbarium import words
from napari_herbarium._napari import graphics
from napari_herbarium._napari.finetune.pairs import OpenPair, gather
from napari_herbarium._napari.turn import iter_in_turn
from napari_herbarium.errors import ModelError
from napari_herbarium.model.catalogue import new_model_folder
from napari_herbarium.model.checkpoint import CONFIG, read_config
from napari_herbarium.progress import Job, Progress
from napari_herbarium.settings import Device
from napari_herbarium.train import train
from napari_herbarium.train.crops.others import find_other_sheets
from napari_herbarium.train.files.workplace import Workplace

if TYPE_CHECKING:
    from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe

_HIGHEST = 1000


@dataclass(frozen=True)
class Request:
    """What is to be trained.

    Attributes
    ----------
    recipe : PaperRecipe or FewSheetsRecipe
    pairs : sequence of OpenPair
        Open sheets.
    folder : Path or None
        A training folder with more pairs.
    base : str
        The model to start from.
    others : Path or None
        A folder of sheets of other plants, without labels.
    device : Device
    out : Path
        The model folder to make.
    resume : bool
        Go on with the unfinished training of it.
    """

    recipe: PaperRecipe | FewSheetsRecipe
    pairs: Sequence[OpenPair]
    folder: Path | None
    base: str
    others: Path | None
    device: Device
    out: Path
    resume: bool = False


@dataclass(frozen=True)
class FineTuned:
    """What came of it.

    Attributes
    ----------
    folder : Path
        The new model.
    before, after : float
        IoU on the held-out crops, 0..1: of the model it started from, and of the one
        that was kept; NaN where there was nothing to count.
    ended : str
        Why it ended; see `napari_herbarium.train.report.TrainedModel`.
    """

    folder: Path
    before: float
    after: float
    ended: str

    @property
    def name(self) -> str:
        """Name of the new model."""
        return self.folder.name


def iter_fine_tune(request: Request, stop: Event) -> Job[FineTuned | None]:
    """Fine-tune a model.

    Parameters
    ----------
    request : Request
    stop : threading.Event
        Set it, and the training ends after the step it is in; the best model so far is
        kept. Closing the job does the same, but without a result.

    Returns
    -------
    FineTuned or None
        None when it was stopped before there was anything to keep.

    Raises
    ------
    HerbariumError
        Pairs, name, base model or settings are not fit for training, or the model
        cannot be written; the message says which and why.
    """
    yield Progress(0, 0, "looking at the pairs")
    graphics.load_torch()
    start = partial(
        train.iter_train,
        request.recipe,
        gather(request.pairs, request.folder),
        request.out,
        base=request.base,
        device=request.device,
        resume=request.resume,
        others=find_other_sheets(request.others),
    )
    with graphics.settled_memory(), closing(iter_in_turn(start)) as job:
        while not stop.is_set():
            try:
                yield next(job)
            except StopIteration as end:
                made = end.value
                return FineTuned(
                    made.folder, made.before.iou, made.after.iou, made.ended
                )
    # Closing the job has kept the best so far.
    return _kept(request.out)


def _kept(out: Path) -> FineTuned | None:
    if not (out / CONFIG).is_file():
        return None
    figures = read_config(out).figures
    return FineTuned(out, _iou(figures, "before"), _iou(figures, "after"), "stopped")


def _iou(figures: dict, when: str) -> float:
    value = figures.get(when, {}).get("iou")
    return math.nan if value is None else float(value)


def out_folder(name: str, models: Path | None) -> Path:
    """Folder of a new model of that name; it is not created.

    Parameters
    ----------
    name : str
    models : Path or None
        Where the user keeps models; None for the usual place.

    Raises
    ------
    ModelError
        The name is taken, is the bundled model's, or is none.
    """
    if not name:
        msg = "Give the new model a name."
        raise ModelError(msg)
    usual = new_model_folder(name)
    out = usual if models is None else models / name
    if out.exists():
        msg = f"There is a model {name!r} already; choose another name."
        raise ModelError(msg)
    return out


def free_name(stem: str, models: Path | None) -> str:
    """Find a name that no model has, nor a training that was cut short."""
    for number in range(1, _HIGHEST):
        name = stem if number == 1 else f"{stem} {number}"
        try:
            if not Workplace(out_folder(name, models)).folder.exists():
                return name
        except ModelError:
            continue
    return ""


def outcome(made: FineTuned | None) -> str:
    """Say what was gained, in words."""
    if made is None:
        return "Stopped before the first step, so there is no new model."
    lead = "Stopped; the best so far" if made.ended == "stopped" else "The new model"
    gain = f"IoU on held-out crops: {made.before:.3f} before, {made.after:.3f} now."
    if not made.after > made.before:
        return (
            f"{lead} is “{made.name}”, but it is no better than the model it started "
            f"from. {gain} More sheets, or sheets with other mistakes, may help."
        )
    return f"{lead} is “{made.name}”, ready in Segment leaves. {gain}{_why(made)}"


def _why(made: FineTuned) -> str:
    if made.ended == "no better":
        return " It ended early, as it got no better any more."
    return ""


def time_left(seconds: float | None) -> str:
    """Say how long it will take, roughly; empty when not known."""
    if seconds is None:
        return ""
    step = 5 if seconds < 60 else 60
    return f"about {words.duration(max(5, step * round(seconds / step)))} left"
