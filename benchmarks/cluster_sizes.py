"""How many machines for how long: the table of docs/cluster.md.

    python benchmarks/cluster_sizes.py --seconds 20 --gpu-seconds 4

From seconds a sheet on one core (and, if measured, on one GPU), and from the sizes of
a sheet and of its results, the days that collections of 10 thousand, 1 million and
30 million sheets take.
"""

from __future__ import annotations

import argparse

SHEETS = (10_000, 1_000_000, 30_000_000)
CREWS = (
    (2, "laptop, 2 cores"),
    (16, "workstation, 16 cores"),
    (512, "16 nodes x 32 cores"),
)
HOUR_S, DAY_S, MIB_PER_TIB = 3600, 86_400, 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="On one core.")
    parser.add_argument("--gpu-seconds", type=float, help="On one GPU.")
    parser.add_argument("--sheet-mib", type=float, default=200)
    parser.add_argument("--results-mib", type=float, default=1)
    parser.add_argument("--efficiency", type=float, default=0.9)
    arguments = parser.parse_args()
    print("| | " + " | ".join(f"{count:,} sheets" for count in SHEETS) + " |")
    print("| --- |" + " ---: |" * len(SHEETS))
    seconds = arguments.seconds / arguments.efficiency
    for cores, name in CREWS:
        _row(name, [_time(count * seconds / cores) for count in SHEETS])
    if arguments.gpu_seconds:
        for gpus in (1, 16):
            each = arguments.gpu_seconds / arguments.efficiency / gpus
            _row(
                f"{gpus} GPU" + "s" * (gpus > 1),
                [_time(count * each) for count in SHEETS],
            )
    _row("core hours", [f"{count * seconds / 3600:,.0f}" for count in SHEETS])
    _row("sheets to read", [_size(count * arguments.sheet_mib) for count in SHEETS])
    _row("results", [_size(count * arguments.results_mib) for count in SHEETS])
    rate = 512 / seconds * arguments.sheet_mib
    print(f"\n512 cores read {rate:,.0f} MiB a second.")


def _row(name: str, cells: list[str]) -> None:
    print(f"| {name} | " + " | ".join(cells) + " |")


def _time(seconds: float) -> str:
    if seconds < HOUR_S:
        return f"{seconds / 60:.0f} min"
    if seconds < DAY_S:
        return f"{seconds / 3600:.1f} h"
    days = seconds / DAY_S
    return f"{days:,.1f} days" if days < 365 else f"{days / 365:,.1f} years"


def _size(mib: float) -> str:
    tib = mib / MIB_PER_TIB
    if tib < 1:
        return f"{mib / 1024:,.0f} GiB"
    return f"{tib:,.0f} TiB" if tib >= 100 else f"{tib:.1f} TiB"


if __name__ == "__main__":
    main()
