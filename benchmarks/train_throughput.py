"""Steps per second of `iter_train` against a bare PyTorch loop, in one run.

Run: ``python benchmarks/train_throughput.py``. Trains the bundled model's network on
drawn sheets with the few-sheets recipe (crops cut, augmented and stacked as for a
user), and the same network at the same batch, precision, frozen layers and optimiser
in a loop of forward, backward and step on one batch that is there already. The two
take turns, so that what else the machine does hits both; exits with 1 where
`iter_train` does less than 0.9 of the steps.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch

from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.normalise import normaliser
from napari_herbarium.settings import Device
from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.network.losses import bce_dice_loss
from napari_herbarium.train.network.optimiser import freeze, make_optimiser
from napari_herbarium.train.pairs.pair import Pair
from napari_herbarium.train.recipes import recipe_of
from napari_herbarium.train.start import copied_network, few_settings
from napari_herbarium.train.train import iter_train

LIMIT = 0.9
WARM = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="per turn")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = recipe_of("few-sheets", minutes=None, epoch_steps=1000, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = ours_steps(recipe, Path(folder) / "m"), bare_steps(recipe)
        times: dict[str, list[float]] = {"ours": [], "bare": []}
        for _ in range(options.turns):
            for name, steps in (("bare", bare), ("ours", ours)):
                times[name] += [timed(steps) for _ in range(options.steps)][1:]
        ours.close()
    ratio = median(times["bare"]) / median(times["ours"])
    for name, seconds in times.items():
        print(f"{name}: {median(seconds):.3f} s a step (median of {len(seconds)})")
    print(f"iter_train does {ratio:.3f} of the steps of a bare loop (aim {LIMIT}).")
    sys.exit(ratio < LIMIT)


def timed(steps) -> float:  # noqa: ANN001
    began = perf_counter()
    next(steps)
    return perf_counter() - began


def ours_steps(recipe, out: Path):  # noqa: ANN001, ANN201
    """Give steps of `iter_train`, after reading, scoring and a few steps."""
    sheets = [drawn_sheet(125, seed) for seed in range(3)]
    pairs = [
        Pair(f"drawn{i}", np.asarray(s.sheet.image), s.labels)
        for i, s in enumerate(sheets)
    ]
    job = iter_train(recipe, pairs, out)
    while True:
        report = next(job)
        if report.what == "steps" and report.done == WARM:
            return job


def bare_steps(recipe):  # noqa: ANN001, ANN201
    """Forward, backward and step on one batch; nothing else."""
    model = load_model()
    settings: LoopSettings = few_settings(recipe, model.config.encoder, Device.CPU)
    network = copied_network(model).to(memory_format=torch.channels_last).train()
    freeze(network, settings)
    optimiser = make_optimiser(network, settings)
    normalise = normaliser(model.config.mean, model.config.std)
    size = (recipe.batch, 3, recipe.size, recipe.size)
    images = normalise(torch.randint(0, 256, size, dtype=torch.uint8))
    images = images.contiguous(memory_format=torch.channels_last)
    masks = torch.randint(0, 2, (recipe.batch, recipe.size, recipe.size))
    half = settings.precision.startswith("bf16")
    while True:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(images)
        bce_dice_loss(logits.float(), masks).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        yield


if __name__ == "__main__":
    main()
