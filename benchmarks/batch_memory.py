"""Memory of the workers over many sheets: it has to stay flat.

    python benchmarks/batch_memory.py --data ../shared/data --count 500

Links to real sheets, as often as needed, are done by one worker; what it held after
each sheet stands in the ledger. Given are the median of each tenth of the sheets (after
20 to warm up), and the slopes of lines through all of them and through the second half.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from batch_kill import sheets_in

WARM_UP = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--workers", default="1")
    parser.add_argument("--detail", default="paper")
    parser.add_argument("--run", type=Path, help="Look at the ledger of this run.")
    arguments = parser.parse_args()
    if arguments.run:
        _tell(arguments.run)
        return
    with tempfile.TemporaryDirectory() as folder:
        scans, out = Path(folder) / "scans", Path(folder) / "out"
        _link(sheets_in(arguments.data, arguments.count), scans, arguments.count)
        command = [str(Path(sys.executable).with_name("napari-herbarium")), "batch"]
        command += [str(scans), "--out", str(out), "--no-ruler", "--detail"]
        command += [arguments.detail, "--workers", arguments.workers]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        _tell(out)


def _link(sheets: list[Path], folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        sheet = sheets[number % len(sheets)]
        (folder / f"{number:04}_{sheet.name}").symlink_to(sheet)


def _tell(run: Path) -> None:
    held = defaultdict(list)
    for line in (run / "ledger.jsonl").read_text().splitlines():
        facts = json.loads(line).get("facts", {})
        if "memory_mib" in facts:
            held[facts["worker"]].append(facts["memory_mib"])
    for worker, values in held.items():
        warm = np.array(values[WARM_UP:], float)
        half = warm[len(warm) // 2 :]
        told = {
            "worker": worker,
            "sheets": len(values),
            "median_mib_of_each_tenth": [
                float(np.median(part)) for part in np.array_split(warm, 10) if len(part)
            ],
            "highest_mib": float(warm.max()),
            "mib_per_100_sheets": _slope(warm),
            "mib_per_100_sheets_in_the_second_half": _slope(half),
        }
        print(json.dumps(told, indent=2))


def _slope(mib: np.ndarray) -> float:
    if len(mib) < 2:
        return 0.0
    return round(100 * float(np.polyfit(np.arange(len(mib)), mib, 1)[0]), 2)


if __name__ == "__main__":
    main()
