"""Time and memory of a whole sheet, as ratios measured in one run.

A sheet (by default the drawn one, A3 at 600 ppi) is written as a TIFF and taken from
file to labels with the default settings, after a small one that has everything loaded.
Against that stand

- forward: plain forward passes of the same network over the same batches of tiles;
- dense: the same network over the whole sheet in tiles at its own resolution, and
  the share of pixels on which both masks agree.

Peak memory is that of a process of its own that does the job once, imports included.

    python benchmarks/segment_sheet.py [SHEET ...] [--ppi 600] [--model NAME]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from open_sheet import peak_of_process

from napari_herbarium import (
    SegmentSettings,
    drawn_sheet,
    extract_leaves,
    load_model,
    read_sheet,
    segment,
)
from napari_herbarium.measure.whole.judge import quick_whole_probability
from napari_herbarium.model.device import choose_device, fast_dtype
from napari_herbarium.model.normalise import normaliser
from napari_herbarium.segment import forward as forward_module
from napari_herbarium.segment.coarse import WholeLevel
from napari_herbarium.segment.levels import LevelRows
from napari_herbarium.segment.mask import at_least
from napari_herbarium.segment.pixels import SheetRows, in_memory
from napari_herbarium.settings import Device
from napari_herbarium.sheet.write import write_sheet_tiff

say = sys.stdout.write
Batches = list[list[np.ndarray]]


def end_to_end(path: Path, model_name: str) -> np.ndarray:
    """From file to labels, as the command does; gives the probability."""
    sheet = read_sheet(path)
    image = in_memory(sheet.image)
    model = load_model(model_name)
    probability = segment(image, model)
    extract_leaves(
        probability,
        mm_per_px=sheet.mm_per_px,
        image=image,
        judge=quick_whole_probability,
    )
    return probability


def warm_up(path: Path, model_name: str) -> None:
    """One small sheet: libraries and weights are loaded once for many sheets."""
    drawn = drawn_sheet(dpi=100)
    write_sheet_tiff(path, drawn.sheet.image, drawn.mm_per_px)
    end_to_end(path, model_name)


def recorded(path: Path, model_name: str) -> tuple[float, np.ndarray, Batches]:
    """Seconds from file to labels, the probability, and the batches that were run."""
    batches: Batches = []
    run = forward_module.Forward._logits

    def note(self, tiles, sides):  # noqa: ANN001, ANN202
        batches.append([tile.copy() for tile in tiles])
        return run(self, tiles, sides)

    start = time.perf_counter()
    probability = end_to_end(path, model_name)
    seconds = time.perf_counter() - start
    # The tiles are noted in a second run, so that copying them is not timed.
    forward_module.Forward._logits = note
    try:
        segment(read_sheet(path), load_model(model_name))
    finally:
        forward_module.Forward._logits = run
    return seconds, probability, batches


def plain_forward(batches: Batches, model_name: str) -> float:
    """Seconds of bare forward passes over the batches."""
    device = choose_device(Device.AUTO)
    dtype = fast_dtype(device)
    model = load_model(model_name)
    network = model.network.to(device)
    normalise = normaliser(model.config.mean, model.config.std)
    start = time.perf_counter()
    for tiles in batches:
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack(tiles)).to(device).permute(0, 3, 1, 2)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                network(normalise(pixels)).float().cpu()
    return time.perf_counter() - start


def dense(path: Path, model_name: str) -> tuple[float, int, np.ndarray]:
    """Seconds, tiles and logits of the whole sheet at its own resolution."""
    settings = SegmentSettings()
    model = load_model(model_name)
    start = time.perf_counter()
    rows = LevelRows(SheetRows(read_sheet(path).image), 1)
    whole = WholeLevel(rows.level, settings.tile)
    forward = forward_module.Forward(model, choose_device(Device.AUTO), settings.batch)
    for _ in whole.run(forward, rows.read_all()):
        pass
    logits = whole.logits().numpy()
    return time.perf_counter() - start, whole.count, logits


def pixels_of(batches: Batches) -> int:
    return sum(tile.shape[0] * tile.shape[1] for tiles in batches for tile in tiles)


def peak(path: Path, model_name: str) -> float:
    """MiB at the peak of a process that does one sheet."""
    command = [sys.executable, __file__, "--peak-of", str(path), "--model", model_name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def report(path: Path, model_name: str) -> None:
    threshold = load_model(model_name).config.threshold
    seconds, probability, batches = recorded(path, model_name)
    plain = plain_forward(batches, model_name)
    dense_seconds, dense_count, logits = dense(path, model_name)
    ours = at_least(probability, threshold)
    theirs = logits >= np.log(threshold / (1 - threshold))
    tiles = sum(map(len, batches))
    area = pixels_of(batches) / (dense_count * SegmentSettings().tile ** 2)
    both = (ours & theirs).sum() / max(1, (ours | theirs).sum())
    say(f"{path.name}: {ours.shape[0]} x {ours.shape[1]} px\n")
    say(f"  from file to labels      {seconds:8.1f} s, {tiles} tiles\n")
    say(f"  plain forward passes     {plain:8.1f} s; ratio {seconds / plain:.2f}\n")
    say(
        f"  dense at own resolution  {dense_seconds:8.1f} s, {dense_count} tiles; "
        f"ratio {seconds / dense_seconds:.2f}, of tile area {area:.2f}\n"
    )
    say(f"  masks agree on           {(ours == theirs).mean():8.4f} of the sheet")
    say(f" (IoU {both:.4f})\n")
    say(f"  peak memory              {peak(path, model_name):8.0f} MiB\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheets", nargs="*", type=Path)
    parser.add_argument("--ppi", type=int, default=600)
    parser.add_argument("--model", default="herbarium-leaves")
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        end_to_end(options.peak_of, options.model)
        say(f"{peak_of_process()}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        sheets = options.sheets
        if not sheets:
            drawn = drawn_sheet(dpi=options.ppi)
            sheets = [Path(folder) / f"drawn-{options.ppi}-ppi.tif"]
            write_sheet_tiff(sheets[0], drawn.sheet.image, drawn.mm_per_px)
            del drawn
        warm_up(Path(folder) / "small.tif", options.model)
        for sheet in sheets:
            report(sheet, options.model)


if __name__ == "__main__":
    main()
