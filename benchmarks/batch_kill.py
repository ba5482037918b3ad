"""Kill a worker, then the whole process, again and again; the results stay the same.

    python benchmarks/batch_kill.py --data ../shared/data --count 200 --out runs/kill

Runs `napari-herbarium batch` over real sheets once undisturbed. Then once more, with a
worker killed (-9), and the leader with all its workers killed (-9), three times at
random moments; the same command is given again after each. At the end every sheet has
to stand in the ledger as done, with labels that are byte for byte those of the first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil


def main() -> None:
    arguments = _arguments()
    sheets = sheets_in(arguments.data, arguments.count)
    table = arguments.out / "sheets.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("path\n" + "\n".join(map(str, sheets)) + "\n")
    chance = random.Random(arguments.seed)
    calm, rough = arguments.out / "calm", arguments.out / "rough"
    start = time.monotonic()
    code = _start(table, calm, arguments).wait()
    told: dict[str, object] = {
        "sheets": len(sheets),
        "calm_exit_code": code,
        "calm_s": round(time.monotonic() - start, 1),
    }
    kills = []
    for _ in range(arguments.kills):
        kills.append(_disturbed(table, rough, arguments, chance, len(sheets)))
    told["last_exit_code"] = _start(table, rough, arguments).wait()
    told |= {"kills": kills, **_compare(calm, rough)}
    print(json.dumps(told, indent=2))
    (arguments.out / "kill.json").write_text(json.dumps(told, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", default="2")
    parser.add_argument("--detail", default="paper")
    parser.add_argument("--model", default="herbarium-leaves")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def sheets_in(data: Path, count: int) -> list[Path]:
    folders = ("sheets/val/images", "sheets/train/images", "unlabelled")
    found = [path for folder in folders for path in sorted((data / folder).iterdir())]
    return [path.resolve() for path in found if path.suffix != ".csv"][:count]


def _start(table: Path, out: Path, arguments: argparse.Namespace) -> subprocess.Popen:
    command = Path(sys.executable).with_name("napari-herbarium")
    options = ["--workers", arguments.workers, "--detail", arguments.detail]
    options += ["--model", arguments.model]
    return subprocess.Popen(
        [str(command), "batch", str(table), "--out", str(out), "--no-ruler", *options],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )


def _disturbed(
    table: Path,
    out: Path,
    arguments: argparse.Namespace,
    chance: random.Random,
    count: int,
) -> dict[str, object]:
    """Kill a worker, and some sheets later everything."""
    leader = _start(table, out, arguments)
    share = count // (arguments.kills + 1)
    known = _lines(out)
    _wait_for_lines(leader, out, known + chance.randint(1, max(1, share // 3)))
    time.sleep(chance.random())
    worker = _kill_a_worker(leader.pid, chance)
    _wait_for_lines(leader, out, _lines(out) + chance.randint(1, max(1, share // 2)))
    time.sleep(chance.random())
    begun = sorted(path.name for path in (out / ".begun").glob("*"))
    os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    time.sleep(2)
    left = [p.pid for p in psutil.process_iter(["pid"]) if _of_session(p, leader.pid)]
    return {
        "worker_killed": worker,
        "lines_in_ledger": _lines(out),
        "in_work": begun,
        "half_written": len(_half_written(out)),
        "processes_left": len(left),
    }


def _of_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session
    except ProcessLookupError:
        return False


def _lines(out: Path) -> int:
    ledger = out / "ledger.jsonl"
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def _wait_for_lines(leader: subprocess.Popen, out: Path, lines: int) -> None:
    while _lines(out) < lines:
        if leader.poll() is not None:
            msg = f"The run ended with {leader.returncode} before it was killed."
            raise SystemExit(msg)
        time.sleep(0.05)


def _kill_a_worker(leader: int, chance: random.Random) -> int:
    workers = [
        child
        for child in psutil.Process(leader).children(recursive=True)
        if any("spawn_main" in part for part in child.cmdline())
    ]
    chosen = chance.choice(workers)
    chosen.kill()
    return chosen.pid


def _half_written(out: Path) -> list[Path]:
    return [p for p in out.rglob(".*") if p.is_file() and len(p.name) > 32]


def _compare(calm: Path, rough: Path) -> dict[str, object]:
    ours, theirs = _hashes(calm), _hashes(rough)
    lines = [json.loads(x) for x in (rough / "ledger.jsonl").read_text().splitlines()]
    states = {line["source"]: line["state"] for line in lines}
    return {
        "labels": len(ours),
        "labels_equal": sum(theirs.get(name) == ours[name] for name in ours),
        "labels_of_one_only": len(ours.keys() ^ theirs.keys()),
        "states": {s: list(states.values()).count(s) for s in set(states.values())},
        "sheets_done_twice": len(lines) - len(states),
        "half_written_left": len(_half_written(rough)),
        "marks_left": len(list((rough / ".begun").glob("*"))),
    }


def _hashes(out: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (out / "labels").rglob("*.leaves.tif")
    }


if __name__ == "__main__":
    main()
