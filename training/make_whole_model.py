"""Train the classifier of single whole leaves. See WHOLE_LEAVES.md in this folder."""

from __future__ import annotations

import argparse
import csv
import logging
from collections import Counter
from pathlib import Path

import torch
from watch import watched

from napari_herbarium.evaluate.whole import most_accurate_threshold, score_whole
from napari_herbarium.model.checkpoint import fill_network, save_model
from napari_herbarium.model.whole_network import (
    WholeConfig,
    WholeModel,
    build_whole_network,
    load_whole_model,
)
from napari_herbarium.train.loop import LoopSettings
from napari_herbarium.train.whole.held_out import (
    judge_made,
    judge_sheets,
    known_truth,
)
from napari_herbarium.train.whole.instances import read_instances
from napari_herbarium.train.whole.learn import learn_whole
from napari_herbarium.train.whole.silhouettes import read_silhouettes
from napari_herbarium.train.whole.squares import sampler

log = logging.getLogger("make_whole_model")

MADE = 2000
HELD_OUT = Path(__file__).with_name("whole_held_out.csv")
# The first two groups of convolutions, as "early layers frozen" is taken.
VGG_FROZEN = tuple(f"encoder.{layer}" for layer in (0, 2, 5, 7))


def held_out(kind: str, use: str | None = None) -> set[str]:
    """Names of the species, or sheets, that are not trained on."""
    with HELD_OUT.open() as file:
        rows = list(csv.DictReader(file))
    return {r["name"] for r in rows if r["kind"] == kind and use in (None, r["use"])}


def training_data(data: Path) -> tuple[list, list]:
    """Silhouettes and instances that are trained on."""
    species, sheets = held_out("species"), held_out("sheet")
    silhouettes = [s for s in read_silhouettes(data) if s.species not in species]
    instances = read_instances(data / "sheets" / "train")
    return silhouettes, [i for i in instances if i.sheet not in sheets]


def score(model: WholeModel, data: Path) -> None:
    """Print figures on what was not trained on, and the threshold to use.

    The threshold is the most accurate one on the ``tune`` species and sheets of the
    file of held-out names; nothing of ``test`` or `sheets/val` has a say in it.
    """
    silhouettes = read_silhouettes(data)
    sheets = data / "sheets"
    names = {use: held_out("species", use) for use in ("tune", "test")}
    made = {u: [s for s in silhouettes if s.species in names[u]] for u in names}
    sets = {
        "tune, made": judge_made(model, made["tune"], MADE, seed=1),
        "tune, sheets": judge_sheets(model, sheets / "train", held_out("sheet")),
        "held-out species, made": judge_made(model, made["test"], MADE),
        "the same with doubtful examples": judge_made(
            model, made["test"], MADE, doubtful=True
        ),
        "sheets/val": judge_sheets(model, sheets / "val"),
    }
    known = {name: known_truth(judged) for name, judged in sets.items()}
    best = most_accurate_threshold([known["tune, made"], known["tune, sheets"]])
    print(f"most accurate threshold on tune: {best}; in use: {model.config.threshold}")
    for name, (given, truth) in known.items():
        print(name, score_whole(given, truth, model.config.threshold))
    wrong = Counter(
        leaf.what
        for leaf in sets["held-out species, made"]
        if (leaf.probability >= model.config.threshold) != leaf.whole
    )
    print("wrong by kind:", dict(wrong))
    print("of:", dict(Counter(leaf.what for leaf in sets["held-out species, made"])))


def main() -> None:
    """Parse the command and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--real", type=float, default=0.45, help="share of instances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--architecture", default="outline")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--start", type=Path, help="folder, or VGG16 state dict")
    parser.add_argument("--score", type=Path, help="only score this model folder")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    if options.score:
        score(load_whole_model(options.score), options.data)
    else:
        train(options)


def train(options: argparse.Namespace) -> None:
    """Train and write the model folder."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    config = WholeConfig(
        name="whole-leaves",
        architecture=options.architecture,
        size=options.size,
    )
    network = build_whole_network(config)
    if options.start and options.start.is_dir():
        fill_network(network, options.start)
    elif options.start:
        state = torch.load(options.start, weights_only=True)
        features = {k[9:]: v for k, v in state.items() if k.startswith("features.")}
        network.encoder.load_state_dict(features)
    draw = sampler(*training_data(options.data), config, options.real)
    average = _run(network, draw, _settings(options), options.out)
    save_model(options.out / "model", average.network, config, "See WHOLE_LEAVES.md")


def _settings(options: argparse.Namespace) -> LoopSettings:
    return LoopSettings(
        steps=options.steps,
        batch=options.batch,
        encoder_rate=options.rate,
        decoder_rate=options.rate,
        weight_decay=0.02,
        schedule="late",
        precision="bf16-mixed",
        workers=2,
        seed=options.seed,
        checkpoint_every=100,
        frozen=VGG_FROZEN if options.architecture == "vgg16" else (),
    )


def _run(network, draw, settings, out):  # noqa: ANN001, ANN202
    job = learn_whole(network, draw, settings, out / "checkpoint.pt")
    return watched(job, log, every=20)


if __name__ == "__main__":
    main()
