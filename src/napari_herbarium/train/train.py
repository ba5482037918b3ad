"""Train a model: recipe and pairs in, progress out, a model folder in the end."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari_herbarium.errors import SettingsError
from napari_herbarium.model.device import choose_device
from napari_herbarium.settings import DEFAULT_MODEL, Device
from napari_herbarium.train.crops.others import chosen_others, refuse_bad_others
from napari_herbarium.train.files.workplace import Workplace
from napari_herbarium.train.pairs.preflight import iter_refuse_bad_pairs
from napari_herbarium.train.plan import iter_plan
from napari_herbarium.train.report import TrainedModel, TrainProgress
from napari_herbarium.train.run import Run

if TYPE_CHECKING:
    from napari_herbarium.train.pairs.pair import Pair
    from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe

log = logging.getLogger(__name__)
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Where launchers say which process this is; what counts is the first that is set."""

Training: TypeAlias = Generator[TrainProgress, None, TrainedModel]


def iter_train(
    recipe: PaperRecipe | FewSheetsRecipe,
    pairs: Sequence[Pair],
    out: Path,
    *,
    base: str = DEFAULT_MODEL,
    name: str | None = None,
    device: Device = Device.AUTO,
    resume: bool = False,
    others: Sequence[Path] = (),
) -> Training:
    """Train a model and write its folder.

    Nothing is written over: an existing model is refused, and the bundled ones are
    never touched. The model folder appears, whole, when the training ends (or is
    stopped); until then its state lies in a hidden folder ``.<name>.training`` beside
    it, from which a killed run is resumed.

    Parameters
    ----------
    recipe : PaperRecipe or FewSheetsRecipe
        See `napari_herbarium.train.recipes.recipe_of`.
    pairs : sequence of Pair
        Sheets with their leaves. They are checked first, all of them.
    out : path
        The model folder to make. A folder that
        `napari_herbarium.model.catalogue.new_model_folder` gives makes the model
        appear in `list_models` under its name.
    base : str
        The model that ``few-sheets`` starts from: a name or a model folder. The
        ``paper`` recipe does not use it.
    name : str, optional
        Name in the model's ``config.json``; that of the folder when None.
    device : Device
        Where to train.
    resume : bool
        Go on with the unfinished training of `out`: the losses are those that the
        run would have had. Recipe, base model, pairs and other sheets must be the
        same; only the bound on minutes may be another (minutes already spent count).
    others : sequence of path
        Sheets of other plants, without labels, for ``few-sheets``: what the base model
        sees on up to 16 of them is trained on as well, so that it is not unlearnt.

    Yields
    ------
    TrainProgress
        After each sheet that is read, each step and each scoring. Closing the
        generator between two of them stops the training and keeps the best model
        so far: the model folder is there when ``close()`` returns, unless no step had
        been done. (An exception thrown in, or Ctrl-C inside a step, keeps only what
        `resume` needs.)

    Returns
    -------
    TrainedModel

    Raises
    ------
    DataError
        Something is wrong with the pairs; the message lists all of it.
    ModelError
        The model exists already (or by the time it is finished, which loses
        nothing), or the base model cannot be loaded.
    SettingsError
        Another run is at work on the same model, an unfinished training stands in the
        way, resuming is asked for where there is none or it was of something else,
        the device is missing, memory does not suffice, the recipe has no use for
        other sheets, or the losses are no numbers any more (the message says what is
        kept: the best epoch, where there is one that beats the start).
    HerbariumError
        The folder cannot be written, which is told first, or the disk is full; the
        last good checkpoint stays, for `resume`.
    """
    started = time.monotonic()
    place = Workplace(Path(out))
    with place.claim(resume=resume, first=_is_first(recipe)):
        choose_device(device)
        known = _others(recipe, pairs, others)
        for done in iter_refuse_bad_pairs(pairs):
            yield TrainProgress(done, len(pairs), "sheets")
        plan = yield from iter_plan(recipe, pairs, base, device, known)
        run = Run(recipe, plan, place, name or place.out.name, started)
        run.begin(resume=resume)
        return (yield from _iter_run(run))


def _iter_run(run: Run) -> Training:
    """Train to the end, or until the job is closed."""
    try:
        yield from run.iter_steps()
    except GeneratorExit:
        if run.trainer.done:
            run.keep("stopped", keep_state=True)
        else:
            run.place.forget()
        raise
    yield run.progress()
    return run.keep(run.ended)


def _is_first(recipe: PaperRecipe | FewSheetsRecipe) -> bool:
    """Tell the first of the processes that several devices need, before they meet."""
    if recipe.devices * recipe.num_nodes == 1:
        return True
    ranks = (os.environ.get(name) for name in _RANKS)
    return next((rank for rank in ranks if rank), "0") == "0"


def _others(
    recipe: PaperRecipe | FewSheetsRecipe, pairs: Sequence[Pair], others: Sequence[Path]
) -> list[Pair]:
    if others and recipe.recipe == "paper":
        msg = "Other sheets are for few-sheets; the paper's recipe knows no base model."
        raise SettingsError(msg)
    known = chosen_others(others, {pair.name for pair in pairs}, recipe.seed)
    refuse_bad_others(known)
    return known
