"""Compare a batch with a plain loop: what does handing out sheets cost.

    python benchmarks/batch_efficiency.py --data ../shared/data --count 40

The plain loop reads, segments, extracts and writes one sheet after the other in one
process on one core, by the function that the batch calls. The batch does the same
sheets with one worker on one core, and with two on two. Given are sheets a second while
all workers were busy (without starting and ending), and CPU seconds a sheet, which
other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from batch_kill import sheets_in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--detail", default="fast")
    parser.add_argument("--lanes", default="2")
    parser.add_argument("--loop", type=Path)
    arguments = parser.parse_args()
    sheets = sheets_in(arguments.data, arguments.count)
    if arguments.loop:
        _loop(sheets, arguments.detail, arguments.loop)
        return
    told: dict[str, object] = {"sheets": len(sheets), "detail": arguments.detail}
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        told["loop"] = loop = _timed_loop(arguments, Path(folder), cores[:1])
        for workers in (1, 2):
            run = _timed_batch(
                arguments, sheets, Path(folder), workers, cores[:workers]
            )
            per_core = run["sheets_per_s"] / workers
            run["of_the_loop_per_core"] = round(per_core / loop["sheets_per_s"], 3)
            run["cpu_of_the_loop"] = round(
                loop["cpu_s_per_sheet"] / run["cpu_s_per_sheet"], 3
            )
            told[f"batch_{workers}"] = run
    print(json.dumps(told, indent=2))


def _loop(sheets: list[Path], detail: str, out: Path) -> None:
    """Do the sheets one after the other; the first one warms up and does not count."""
    import torch

    from napari_herbarium import load_model, read_sheet
    from napari_herbarium.batch.one_sheet import iter_leaves
    from napari_herbarium.measure.files.export import write_labels
    from napari_herbarium.progress import finish
    from napari_herbarium.settings import LeafSettings, SegmentSettings

    torch.set_num_threads(1)
    model, settings = load_model(), SegmentSettings(detail=detail, device="cpu")
    start = cpu = 0.0
    for number, path in enumerate([sheets[0], *sheets]):
        if number == 1:
            start, cpu = time.perf_counter(), time.process_time()
        sheet = read_sheet(path)
        job = iter_leaves(
            sheet, path.stem, model, settings, LeafSettings(), measure=False
        )
        write_labels(out / f"{path.stem}.tif", finish(job).labels, sheet.mm_per_px)
    taken, spent = time.perf_counter() - start, time.process_time() - cpu
    result = {
        "sheets_per_s": len(sheets) / taken,
        "cpu_s_per_sheet": spent / len(sheets),
    }
    print(json.dumps(result))


def _timed_loop(
    arguments: argparse.Namespace, folder: Path, cores: list[int]
) -> dict[str, float]:
    command = [sys.executable, __file__, "--data", str(arguments.data)]
    command += ["--count", str(arguments.count), "--detail", arguments.detail]
    told = _on_cores([*command, "--loop", str(folder / "loop")], cores)
    return json.loads(told)


def _timed_batch(
    arguments: argparse.Namespace,
    sheets: list[Path],
    folder: Path,
    workers: int,
    cores: list[int],
) -> dict[str, float]:
    table, out = folder / "sheets.csv", folder / f"batch{workers}"
    table.write_text("path\n" + "\n".join(map(str, sheets)) + "\n")
    command = [str(Path(sys.executable).with_name("napari-herbarium")), "batch"]
    command += [str(table), "--out", str(out), "--no-ruler", "--device", "cpu"]
    command += ["--workers", str(workers), "--detail", arguments.detail]
    _on_cores([*command, "--lanes", arguments.lanes], cores)
    lines = [json.loads(x) for x in (out / "ledger.jsonl").read_text().splitlines()]
    # The first sheets of every worker pay for its start.
    warm = lines[2 * workers :]
    at = [datetime.fromisoformat(line["at"]).timestamp() for line in lines]
    taken = at[-1] - at[2 * workers - 1]
    return {
        "sheets_per_s": len(warm) / taken,
        "cpu_s_per_sheet": _cpu_per_sheet([line["facts"] for line in lines]),
    }


def _cpu_per_sheet(facts: list[dict]) -> float:
    """Mean over the workers' sheets but the first two of each."""
    by_worker: dict[str, list[float]] = {}
    for each in facts:
        by_worker.setdefault(each["worker"], []).append(each["worker_cpu_s"])
    spent = [(cpu[-1] - cpu[1], len(cpu) - 2) for cpu in by_worker.values()]
    return sum(cpu for cpu, _ in spent) / sum(sheets for _, sheets in spent)


def _on_cores(command: list[str], cores: list[int]) -> str:
    listed = ",".join(map(str, cores))
    done = subprocess.run(
        ["taskset", "-c", listed, *command], capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
