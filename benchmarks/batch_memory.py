"""Memory of the workers over many sheets: it has to stay flat.

    python benchmarks/batch_memory.py --data ../shared/data --count 500

Links to real sheets, as often as needed, are done by one worker; what it held after
each sheet stands in the ledger. Given are the median over the first and last tenth
(after 20 sheets to warm up) and the slope of a line through all.
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
from batch_kill import _sheets

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
        _link(_sheets(arguments.data, arguments.count), scans, arguments.count)
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
        tenth = max(1, len(warm) // 10)
        slope = np.polyfit(np.arange(len(warm)), warm, 1)[0] if len(warm) > 1 else 0.0
        told = {
            "worker": worker,
            "sheets": len(values),
            "first_tenth_mib": float(np.median(warm[:tenth])),
            "last_tenth_mib": float(np.median(warm[-tenth:])),
            "highest_mib": float(warm.max()),
            "slope_mib_per_100_sheets": round(100 * float(slope), 2),
        }
        print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
