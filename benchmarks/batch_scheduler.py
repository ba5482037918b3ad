"""What handing out costs: 64 simulated workers, a stub for the work, 100,000 rows.

    python benchmarks/batch_scheduler.py --rows 100000 --workers 64

Scheduler and leader are processes of their own, so that what each spends and holds is
its own; the workers (real Dask workers with real connections) share two more. The
leader does all that `napari-herbarium batch` does: reads the table of the sheets, hands
them out, writes the ledger, and at the end the table of the sheets and the report.
Only the work on a sheet is a stub that tells what a sheet's work would tell.

Given are CPU ms per sheet of each part, and its memory over the run. On a cluster the
leader and the scheduler are what all workers wait for; with ``--cluster`` both are one
process, so it is their sum that bounds the sheets a second. Wall time is given as well,
but says little here, where 64 workers share this machine's cores with what they wait
for.
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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from napari_herbarium.batch.cluster.crew import crew_for
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.ledger import Entry, State
from napari_herbarium.batch.records.outcome import Outcome
from napari_herbarium.batch.run import iter_batch
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.settings import Device

SECONDS = {"read": 0.2, "segment": 4.1, "extract": 0.5, "write": 0.2, "total": 5.0}
FACTS = {
    "mm_per_px": 0.04,
    "scale_source": "ruler",
    "scale_trust": "trusted",
    "height": 9921,
    "width": 7016,
    "leaves": 12,
    "confidence": 0.9,
    "seconds": SECONDS,
    "worker": "node17:4711",
    "memory_mib": 1100,
    "worker_cpu_s": 512.5,
}
SAMPLE_EVERY_S = 2.0


def stub(row: SheetRow, name: str, plan: Plan, session: str) -> Outcome:
    """Stand in for the work on a sheet."""
    facts = {**FACTS, "catalog_number": row.catalog_number}
    return Outcome(Entry(row.source, name, State.DONE, facts=facts))


def main() -> None:
    arguments = _arguments()
    if arguments.role == "scheduler":
        asyncio.run(_schedule(arguments.file))
    elif arguments.role == "workers":
        asyncio.run(_work(arguments.address, arguments.workers, arguments.lanes))
    elif arguments.role == "leader":
        _lead(arguments)
    else:
        with tempfile.TemporaryDirectory() as folder:
            told = _measured(arguments, Path(folder))
        print(json.dumps(told, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    return parser.parse_args()


async def _schedule(file: Path) -> None:
    from distributed import Scheduler

    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        half = file.with_suffix(".half")
        half.write_text(scheduler.address)
        half.rename(file)
        await scheduler.finished()


async def _work(address: str, count: int, lanes: int) -> None:
    from distributed import Worker

    for _ in range(count):
        await Worker(address, nthreads=lanes, memory_limit=0, dashboard=False)
    await asyncio.Event().wait()


def _lead(arguments: argparse.Namespace) -> None:
    """Lead the run as the command does; tell when which part began."""
    force = Workforce(scheduler=arguments.address)
    with crew_for(force, Device.CPU) as crew:
        crew.client.wait_for_workers(arguments.workers)
    began = time.monotonic()
    job = iter_batch([arguments.file], arguments.out, BatchSettings(), force, do=stub)
    first = last = 0.0
    for now in job:
        if now.news:
            first, last = first or time.monotonic(), time.monotonic()
    told = {
        "read_table_and_start_s": round(first - began, 1),
        "hand_out_s": round(last - first, 1),
        "tables_and_report_s": round(time.monotonic() - last, 1),
    }
    (arguments.out / "told.json").write_text(json.dumps(told))


@dataclass
class Part:
    """What a process spent and held, by sheets done."""

    process: psutil.Process
    done: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)

    def look(self, done: int) -> None:
        """Note what it has spent and holds by now."""
        times, memory = self.process.cpu_times(), self.process.memory_info()
        self.done.append(done)
        self.cpu_s.append(times.user + times.system)
        self.mib.append(memory.rss / 2**20)

    def told(self) -> dict[str, object]:
        """Give CPU time per sheet and memory, from the tenth part of the run on."""
        done, cpu, mib = (np.array(x) for x in (self.done, self.cpu_s, self.mib))
        warm = done >= done.max() / 10
        done, cpu, mib = done[warm], cpu[warm], mib[warm]
        sheets = done[-1] - done[0]
        slope = np.polyfit(done, mib, 1)[0] if sheets else 0.0
        return {
            "cpu_ms_per_sheet": round(1e3 * (cpu[-1] - cpu[0]) / sheets, 3),
            "mib_at_a_tenth": round(mib[0]),
            "mib_at_the_end": round(mib[-1]),
            "mib_highest": round(mib.max()),
            "mib_per_10000_sheets": round(1e4 * slope, 2),
        }


def _measured(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    table, file, out = folder / "rows.csv", folder / "address", folder / "out"
    rows = (f"s/{i}.tif,B{i}\n" for i in range(arguments.rows))
    table.write_text("path,catalogNumber\n" + "".join(rows))
    options = ["--workers", str(arguments.workers), "--lanes", str(arguments.lanes)]
    started = [_start("scheduler", "--file", str(file))]
    try:
        while not file.exists():
            time.sleep(0.1)
        address = ["--address", file.read_text()]
        for share in _shares(arguments.workers, 2):
            workers = [*options, "--workers", str(share), *address]
            started.append(_start("workers", *workers))
        where = ["--file", str(table), "--out", str(out)]
        leader = _start("leader", *where, *options, *address)
        started.append(leader)
        parts = {
            "scheduler": Part(psutil.Process(started[0].pid)),
            "leader": Part(psutil.Process(leader.pid)),
            "workers_first_half": Part(psutil.Process(started[1].pid)),
        }
        _watch(leader, parts, out / "ledger.jsonl")
    finally:
        for process in started:
            process.kill()
    return {
        "rows": arguments.rows,
        "workers": arguments.workers,
        **json.loads((out / "told.json").read_text()),
        **{name: part.told() for name, part in parts.items()},
        "report_mib": round((out / "report.html").stat().st_size / 2**20, 2),
        "ledger_mib": round((out / "ledger.jsonl").stat().st_size / 2**20, 1),
    }


def _start(role: str, *options: str) -> subprocess.Popen:
    # What a scheduler and its workers get that the batch starts itself, see `crew`; and
    # 64 workers in one place need not all watch this machine.
    ours = {
        "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
        "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "100",
        "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "20",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "30s",
        "DASK_LOGGING__DISTRIBUTED": "critical",
    }
    return subprocess.Popen(
        [sys.executable, __file__, "--role", role, *options],
        env={**os.environ, **ours},
    )


def _shares(count: int, among: int) -> list[int]:
    return [count // among + (number < count % among) for number in range(among)]


def _watch(leader: subprocess.Popen, parts: dict[str, Part], ledger: Path) -> None:
    """Look at every part until the last sheet is in the ledger and the page written."""
    done = read = 0
    while leader.poll() is None:
        if ledger.exists():
            with ledger.open("rb") as file:
                file.seek(read)
                new = file.read()
            read, done = read + len(new), done + new.count(b"\n")
            print(f"{done:,} sheets", file=sys.stderr)
            for part in parts.values():
                part.look(done)
        time.sleep(SAMPLE_EVERY_S)
    if leader.returncode:
        msg = f"The leader ended with {leader.returncode}."
        raise SystemExit(msg)


if __name__ == "__main__":
    main()
