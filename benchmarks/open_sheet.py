"""How long opening a sheet takes, against `tifffile.imread` of the same file.

One run writes a made-up A3 sheet (600 ppi, or another resolution) as five kinds of
TIFF and times, best of several, alternating with the reference:

- open: `read_sheet`, which checks the file and decodes nothing that can wait;
- first view: the same, and the level that napari shows first;
- all pixels: the same, and every pixel at full resolution in sRGB;
- imread: `tifffile.imread`, the whole picture as stored.

Peak memory is that of a process of its own, above what the imports take.

    python benchmarks/open_sheet.py [--ppi 600] [--repeat 3]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from napari_herbarium import read_sheet

KINDS = {
    "flat, uncompressed": {},
    "flat, LZW": {"compression": "lzw", "predictor": True, "rowsperstrip": 16},
    "tiles, deflate": {"compression": "deflate", "predictor": True, "tile": (256, 256)},
    "flat, JPEG": {"compression": "jpeg", "rowsperstrip": 16},
    "SubIFD pyramid": {"compression": "jpeg", "tile": (256, 256)},
}
IMREAD = "imread"


def imread(path: Path) -> None:
    tifffile.imread(path)


def open_only(path: Path) -> None:
    read_sheet(path)


def first_view(path: Path) -> None:
    np.asarray(read_sheet(path).levels[-1])


def all_pixels(path: Path) -> None:
    np.asarray(read_sheet(path).image)


STEPS: dict[str, Callable[[Path], None]] = {
    IMREAD: imread,
    "open": open_only,
    "first view": first_view,
    "all pixels": all_pixels,
}


def draw(ppi: int) -> np.ndarray:
    """A3 paper with grain and leaves; compresses about as a scan does."""
    height, width = round(420 / 25.4 * ppi), round(297 / 25.4 * ppi)
    rng = np.random.default_rng(0)
    sheet = np.empty((height, width, 3), np.uint8)
    x = np.arange(width, dtype=np.float32) / ppi
    for top in range(0, height, 512):
        y = np.arange(top, min(top + 512, height), dtype=np.float32)[:, None] / ppi
        leaf = (np.sin(2.1 * x) * np.sin(1.7 * y) > 0.35).astype(np.float32)
        for channel, (paper, dark) in enumerate([(232, 90), (224, 96), (200, 52)]):
            grain = rng.integers(-3, 4, leaf.shape, dtype=np.int8)
            tone = paper + (dark - paper) * leaf + 6 * np.sin(9 * x + 7 * y) * leaf
            sheet[top : top + 512, :, channel] = np.clip(tone + grain, 0, 255)
    return sheet


def write(folder: Path, ppi: int) -> dict[str, Path]:
    sheet = draw(ppi)
    paths = {kind: folder / f"{index}.tif" for index, kind in enumerate(KINDS)}
    for kind, options in KINDS.items():
        levels = [sheet]
        while kind == "SubIFD pyramid" and max(levels[-1].shape) > 1024:
            levels.append(levels[-1][::2, ::2])
        common = {"photometric": "rgb", "resolution": (ppi, ppi), "metadata": None}
        with tifffile.TiffWriter(paths[kind]) as tif:
            tif.write(sheet, **common, **options, subifds=len(levels) - 1)
            for level in levels[1:]:
                tif.write(level, subfiletype=1, **common, **options)
    return paths


def times(path: Path, repeat: int) -> dict[str, float]:
    """Best time of each step in seconds, steps taking turns."""
    best = dict.fromkeys(STEPS, float("inf"))
    for _ in range(repeat):
        for name, step in STEPS.items():
            start = time.perf_counter()
            step(path)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def peak(path: Path, step: str) -> float:
    """MiB that a step takes at its peak, in a process of its own."""
    command = [sys.executable, __file__, "--measure", step, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(step: str, path: Path) -> float:
    before = peak_of_process()
    STEPS[step](path)
    return peak_of_process() - before


def peak_of_process() -> float:
    """MiB; on Linux not from getrusage, which counts the parent's peak too."""
    status = Path("/proc/self/status")
    if status.exists():
        words = status.read_text("ascii").partition("VmHWM:")[2].split()
        return int(words[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def report(paths: dict[str, Path], repeat: int) -> None:
    write_line = sys.stdout.write
    header = f"{'file':20}{'MiB':>6}"
    header += "".join(f"{name:>20}" for name in STEPS)
    write_line(header + "      (s, x imread, MiB peak)\n")
    for kind, path in paths.items():
        best = times(path, repeat)
        line = f"{kind:20}{path.stat().st_size / 2**20:6.0f}"
        for step, seconds in best.items():
            ratio = seconds / best[IMREAD]
            line += f"{seconds:8.3f}{ratio:6.2f}{peak(path, step):6.0f}"
        write_line(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ppi", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        step, path = arguments.measure
        sys.stdout.write(f"{measure(step, Path(path))}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        report(write(Path(folder), arguments.ppi), arguments.repeat)


if __name__ == "__main__":
    main()
