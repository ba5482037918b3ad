"""Go on training the whole-leaf classifier with leaves that a user flipped."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import find_objects

from napari_herbarium import words
from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.files import staging, unwritable
from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.whole import BUNDLED
from napari_herbarium.model.catalogue import is_bundled
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.model.whole_network import WholeConfig, load_whole_model
from napari_herbarium.sheet._drawn_leaf import DrawnLeaf, Form
from napari_herbarium.train.batches import Draw
from napari_herbarium.train.loop import LoopSettings, StepReport
from napari_herbarium.train.whole.instances import Instance, cut_window
from napari_herbarium.train.whole.learn import learn_whole
from napari_herbarium.train.whole.silhouettes import Silhouette, make_silhouette
from napari_herbarium.train.whole.squares import sampler

_SHARE_OF_FLIPPED = 0.5
_DRAWN = 90


def flipped_leaves(
    labels: NDArray[Any], flipped: Mapping[int, bool], sheet: str = ""
) -> list[Instance]:
    """Cut the leaves that a user judged out of a labels layer.

    Parameters
    ----------
    labels : (H, W) integer
    flipped : mapping
        Label to whether the user says that it is whole; labels that are no longer
        there are passed over.
    sheet : str
        Name of the sheet.
    """
    labels = check_labels(labels)
    return [
        Instance(sheet, label, cut_window(labels, box, label), flipped[label])
        for label, box in enumerate(find_objects(labels), start=1)
        if box is not None and label in flipped
    ]


def iter_finetune_whole(
    examples: Sequence[Instance],
    out: Path,
    base: Path = BUNDLED,
    *,
    steps: int = 60,
    seed: int = 0,
) -> Generator[StepReport, None, Path]:
    """Teach the classifier a user's own judgement, on the CPU, in a minute or two.

    Half of what it sees are the examples, turned and stretched; the other half are
    made from leaves drawn by code, so that it does not forget the rest.

    Parameters
    ----------
    examples : sequence of Instance
        From `flipped_leaves`, of any number of sheets.
    out : path
        Folder of the new classifier; it must not exist, and appears whole.
    base : path
        Folder of the classifier to start from.
    steps : int
        Optimiser steps of 32 examples.
    seed : int
        Of the examples' turns and the drawn leaves.

    Yields
    ------
    StepReport

    Returns
    -------
    Path
        The folder `out`.

    Raises
    ------
    SettingsError
        Without examples, or where `out` is the folder of the base.
    ModelError
        When the base is damaged, or `out` exists or would hide a bundled model.
    HerbariumError
        When `out` cannot be written.
    """
    _check(examples, out, base)
    with _staged(out) as folder:
        yield from _iter_write(examples, folder, out.name, base, steps, seed)
    return out


def _iter_write(
    examples: Sequence[Instance],
    folder: Path,
    name: str,
    base: Path,
    steps: int,
    seed: int,
) -> Generator[StepReport, None, None]:
    model = load_whole_model(base)
    settings = LoopSettings(
        steps=steps,
        batch=32,
        encoder_rate=6e-4,
        decoder_rate=2e-3,
        warmup=5,
        average=0.9,
        precision="32-true",
        workers=0,
        seed=seed,
        checkpoint_every=steps,
    )
    draw = _mixed(examples, drawn_silhouettes(seed), model.config)
    average = yield from learn_whole(model.network, draw, settings)
    config = model.config.model_copy(
        update={"name": name, "version": f"{model.config.version}+", "figures": {}}
    )
    save_model(folder, average.network, config, _card(config, model.sha256, examples))


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """Give a hidden folder that becomes `out` on success; else nothing stays of it."""
    try:
        with staging(out.parent) as staged:
            yield staged
            _refuse_existing(out)  # another may have come meanwhile
            os.replace(staged, out)
    except OSError as error:
        raise unwritable(out, error) from error


def drawn_silhouettes(seed: int = 0) -> list[Silhouette]:
    """Draw whole leaves of all forms, each form as a species."""
    rng = np.random.default_rng((seed, 5))
    forms = list(Form)
    found = [_drawn(forms[i % len(forms)], rng) for i in range(_DRAWN)]
    return [silhouette for silhouette in found if silhouette is not None]


def _drawn(form: Form, rng: np.random.Generator) -> Silhouette | None:
    slender = rng.uniform(0.15, 0.4) if form is Form.LANCEOLATE else rng.uniform(0.4, 1)
    leaf = DrawnLeaf(
        form,
        base=(200, 200),
        angle=float(rng.uniform(0, 6.3)),
        length=150,
        width=150 * slender,
        bend=float(rng.normal(0, 0.1)),
        tone=(0, 0, 0),
    )
    picture = Image.new("L", (400, 400))
    outline = [(float(x), float(y)) for x, y in leaf.outline()]
    ImageDraw.Draw(picture).polygon(outline, fill=255)
    return make_silhouette(form, f"drawn-{form}", np.asarray(picture) > 0)


def _mixed(
    examples: Sequence[Instance], drawn: Sequence[Silhouette], config: WholeConfig
) -> Draw:
    ours = sampler(drawn, examples, config, real=1.0)
    theirs = sampler(drawn, [], config)

    def draw(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        return ours(rng) if rng.random() < _SHARE_OF_FLIPPED else theirs(rng)

    return draw


def _check(examples: Sequence[Instance], out: Path, base: Path) -> None:
    if not examples:
        msg = "There is nothing to learn from; flip some leaves first."
        raise SettingsError(msg)
    if out.resolve() == base.resolve():
        msg = f"{out} holds the classifier to start from; choose another folder."
        raise SettingsError(msg)
    _refuse_existing(out)


def _refuse_existing(out: Path) -> None:
    if is_bundled(out) or out.name == BUNDLED.name:
        msg = f"{out.name!r} is a bundled model's name; choose another one."
        raise ModelError(msg)
    if out.exists():
        msg = f"{out} exists already; choose another name for the new classifier."
        raise ModelError(msg)


def _card(config: WholeConfig, base: str, examples: Sequence[Instance]) -> str:
    whole = sum(example.whole for example in examples)
    return (
        f"# {config.name}\n\n"
        f"Classifier of single whole leaves, fine-tuned from the one with the SHA-256 "
        f"{base} on {words.leaves(len(examples))} judged by a user, {whole} of them "
        "whole. It has not been scored.\n"
    )
