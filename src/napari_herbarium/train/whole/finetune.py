"""Go on training the whole-leaf classifier with leaves that a user flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_herbarium import words
from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.evaluate.whole import score_whole
from napari_herbarium.files import put_in_place, staging, unwritable
from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.whole.judge import BUNDLED
from napari_herbarium.model.catalogue import being_trained, is_bundled
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.model.whole_network import WholeConfig, load_whole_model
from napari_herbarium.progress import Job, Progress, told_as
from napari_herbarium.segment.mask import numbered_boxes
from napari_herbarium.sheet.drawn.leaf import DrawnLeaf, Form
from napari_herbarium.train.loop import StepReport
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.whole.instances import Instance, cut_window
from napari_herbarium.train.whole.learn import learn_whole
from napari_herbarium.train.whole.mix import iter_held_to, iter_judged, mixed
from napari_herbarium.train.whole.silhouettes import Silhouette, make_silhouette

STEPS = 30
"""Optimiser steps, unless told otherwise."""
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
        for label, box in numbered_boxes(labels)
        if label in flipped
    ]


def iter_finetune_whole(
    examples: Sequence[Instance],
    out: Path,
    base: Path = BUNDLED,
    *,
    steps: int = STEPS,
    seed: int = 0,
    unsaid: Sequence[Instance] = (),
    held_back: Sequence[Instance] = (),
) -> Job[Path]:
    """Teach the classifier a user's own judgement, on the CPU, in a minute or two.

    It sees the examples, turned and stretched, as often as they are among the leaves of
    their sheets, but at most half of the time. Of the others, and of leaves drawn by
    code, it is to go on saying what the base says, so it does not forget the rest. Only
    the last layers learn.

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
    unsaid : sequence of Instance
        Leaves to which it is to say what the base says.
    held_back : sequence of Instance
        Judged leaves that it does not learn from, to be scored on.

    Returns
    -------
    Path
        The folder `out`.

    Raises
    ------
    SettingsError
        Without examples, where `out` is the folder of the base, or while another run
        trains a model of that name.
    ModelError
        When the base is damaged, or `out` exists or would hide a bundled model.
    HerbariumError
        When `out` cannot be written.
    """
    _check(examples, out, base)
    with _staged(out) as folder:
        lesson = Lesson(examples, unsaid, held_back, steps, seed)
        yield from _iter_write(lesson, folder, out.name, base)
    return out


def _iter_write(lesson: Lesson, folder: Path, name: str, base: Path) -> Job[None]:
    import torch

    model = load_whole_model(base)
    torch.manual_seed(lesson.seed)
    drawn = drawn_silhouettes(lesson.seed)
    held = yield from iter_held_to(model, lesson.unsaid, drawn, lesson.seed)
    before = yield from iter_judged(model, lesson.held_back)
    draw = mixed(lesson.examples, held, model.config)
    average = yield from told_as(learn_whole(model.network, draw, _loop(lesson)), _step)
    made = replace(model, network=average.network.eval())
    after = yield from iter_judged(made, lesson.held_back)
    figures = _figures(lesson, before, after, model.config)
    config = model.config.model_copy(
        update={
            "name": name,
            "version": f"{model.config.version}+",
            "figures": figures,
        }
    )
    save_model(folder, made.network, config, _card(config, model.sha256, lesson))


def _step(report: StepReport) -> Progress:
    return Progress(report.step, report.steps, "steps")


def _loop(lesson: Lesson) -> LoopSettings:
    return LoopSettings(
        steps=lesson.steps,
        batch=32,
        frozen=("encoder",),  # quicker, and a few leaves teach it nothing new
        decoder_rate=2e-3,
        warmup=5,
        average=0.9,
        precision="32-true",
        workers=0,
        seed=lesson.seed,
        checkpoint_every=lesson.steps,
    )


def _figures(
    lesson: Lesson, before: Sequence[float], after: Sequence[float], config: WholeConfig
) -> dict[str, Any]:
    """Share of the leaves held back that are judged as the user says; empty without."""
    if not lesson.held_back:
        return {}
    truth = [leaf.whole for leaf in lesson.held_back]
    return {
        "held_back_leaves": len(truth),
        "agrees_before": score_whole(before, truth, config.threshold).accuracy,
        "agrees_after": score_whole(after, truth, config.threshold).accuracy,
    }


@dataclass(frozen=True)
class Lesson:
    """What is learnt from; see `iter_finetune_whole`."""

    examples: Sequence[Instance]
    unsaid: Sequence[Instance]
    held_back: Sequence[Instance]
    steps: int
    seed: int


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """Give a hidden folder that becomes `out` on success; else nothing stays of it."""
    try:
        with being_trained(out), staging(out.parent) as staged:
            yield staged
            _refuse_existing(out)  # another may have come meanwhile
            put_in_place(staged, out)
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


def _card(config: WholeConfig, base: str, lesson: Lesson) -> str:
    whole = sum(example.whole for example in lesson.examples)
    return (
        f"# {config.name}\n\n"
        f"Classifier of single whole leaves, fine-tuned from the one with the SHA-256 "
        f"{base} on {words.leaves(len(lesson.examples))} judged by a user, {whole} of "
        f"them whole. {_scored(config.figures)}\n"
    )


def _scored(figures: Mapping[str, Any]) -> str:
    if not figures:
        return "It has not been scored."
    return (
        f"Of {figures['held_back_leaves']} more, which it has not seen, it judges "
        f"{figures['agrees_after']:.0%} as the user does by their silhouettes, and "
        f"that one {figures['agrees_before']:.0%}."
    )
