"""What handing out costs: 64 simulated workers, a stub for the work, 100,000 rows.

    python benchmarks/batch_scheduler.py --rows 100000 --workers 64

Scheduler, workers (threads of two further processes) and leader are processes of their
own. The work is nothing, so all time is overhead: wall time per sheet is what limits
a cluster (64 workers at 5 s a sheet take 12.8 sheets a second), CPU time per sheet is
what each part spends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from napari_herbarium.batch.crew import crew_for
from napari_herbarium.batch.ledger import Entry, State
from napari_herbarium.batch.manifest import SheetRow
from napari_herbarium.batch.outcome import Outcome
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.run import iter_batch
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.settings import Device

FACTS = {"leaves": 12, "confidence": 0.9, "seconds": {"total": 5.0}, "mm_per_px": 0.04}


def stub(row: SheetRow, name: str, plan: Plan, session: str) -> Outcome:
    """Stand in for the work on a sheet."""
    time.sleep(0)
    return Outcome(Entry(row.source, name, State.DONE, facts=FACTS))


async def _serve_workers(address: str, count: int, lanes: int) -> None:
    from distributed import Worker

    workers = [
        Worker(address, nthreads=lanes, memory_limit=0, silence_logs=50)
        for _ in range(count)
    ]
    for worker in workers:
        await worker
    await workers[0].finished()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--serve")
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(_serve_workers(arguments.serve, arguments.workers, arguments.lanes))
    else:
        with tempfile.TemporaryDirectory() as folder:
            _measure(arguments, Path(folder))


def _measure(arguments: argparse.Namespace, folder: Path) -> None:
    file = folder / "scheduler.json"
    scheduler = _python(
        "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file),
        "--port", "0", "--no-dashboard", "--host", "127.0.0.1",
    )  # fmt: skip
    while not file.exists():
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    half = str(arguments.workers // 2)
    servers = [
        _python(__file__, "--serve", address, "--workers", half, "--lanes",
                str(arguments.lanes))
        for _ in range(2)
    ]  # fmt: skip
    try:
        print(
            json.dumps(_run(arguments, folder, address, scheduler, servers), indent=2)
        )
    finally:
        for process in (*servers, scheduler):
            process.kill()


def _python(*command: str) -> subprocess.Popen:
    # What a scheduler gets that the batch starts itself, see `batch.crew`.
    ours = {"DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False"}
    return subprocess.Popen(
        [sys.executable, *command],
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ours},
    )


def _run(
    arguments: argparse.Namespace,
    folder: Path,
    address: str,
    scheduler: subprocess.Popen,
    servers: list[subprocess.Popen],
) -> dict[str, object]:
    table = folder / "rows.csv"
    rows = range(arguments.rows)
    table.write_text(
        "path,catalogNumber\n" + "".join(f"s/{i}.tif,B{i}\n" for i in rows)
    )
    parts = {
        "leader": psutil.Process(),
        "scheduler": psutil.Process(scheduler.pid),
        "workers": psutil.Process(servers[0].pid),
    }
    settings, force = BatchSettings(), Workforce(scheduler=address)
    with crew_for(force, Device.CPU) as crew:
        crew.client.wait_for_workers(arguments.workers // 2 * 2)
    start = time.monotonic()
    job = iter_batch([table], folder / "out", settings, force, do=stub)
    marks: list[tuple[float, int, dict[str, float]]] = []
    memory = []
    for now in job:
        if now.news and now.what == "sheets":
            cpu = {name: sum(p.cpu_times()[:2]) for name, p in parts.items()}
            marks.append((time.monotonic(), now.done, cpu))
            memory.append(parts["scheduler"].memory_info().rss >> 20)
    first, last = marks[0], marks[-1]
    sheets = last[1] - first[1]
    ms = {
        f"{name}_cpu_ms_per_sheet": round(
            1e3 * (last[2][name] - first[2][name]) / sheets, 3
        )
        for name in parts
    }
    return {
        "rows": arguments.rows,
        "workers": arguments.workers,
        "wall_ms_per_sheet": round(1e3 * (last[0] - first[0]) / sheets, 3),
        **ms,
        "seconds_before_the_first": round(first[0] - start, 1),
        "scheduler_mib": {
            "first": memory[0],
            "highest": max(memory),
            "last": memory[-1],
        },
        "leader_mib": parts["leader"].memory_info().rss >> 20,
    }


if __name__ == "__main__":
    main()
