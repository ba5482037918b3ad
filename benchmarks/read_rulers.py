"""How many rulers are read within 1 %, refused, or read wrongly.

    python benchmarks/read_rulers.py ../shared/data/sheets

Compares :func:`read_ruler` with the scales measured by hand in
``{train,val}/scale.csv``. Sheets whose ruler nobody measured are listed apart: a
reading there is neither right nor wrong, but it must be plausible.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from napari_herbarium.sheet.ruler import read_ruler

RIGHT = 0.01


def read_folder(folder: Path) -> pd.DataFrame:
    rows = []
    for sheet in pd.read_csv(folder / "scale.csv").itertuples():
        path = folder / "images" / f"{sheet.sheet}.jpg"
        image = np.asarray(Image.open(path).convert("RGB"))
        start = time.perf_counter()
        reading = read_ruler(image)
        rows.append(
            {
                "sheet": sheet.sheet,
                "truth": sheet.mm_per_px,
                "looked_at": pd.isna(sheet.note),
                "read": reading.mm_per_px or np.nan,
                "confidence": reading.confidence,
                "seconds": time.perf_counter() - start,
                "reason": reading.reason,
            }
        )
    table = pd.DataFrame(rows)
    table["error"] = table["read"] / table["truth"] - 1
    return table


def report(name: str, table: pd.DataFrame, verbose: bool) -> None:
    known = table[table["truth"].notna()]
    right = known["error"].abs() <= RIGHT
    wrong = known[known["read"].notna() & ~right]
    error = known.loc[right, "error"].abs()
    none = table[table["truth"].isna() & table["looked_at"]]
    print(f"{name}: {len(known)} sheets with a ruler measured by hand")
    print(f"  read within 1 %: {right.sum()} ({right.mean():.0%})")
    print(f"  refused: {known['read'].isna().sum()}")
    print(f"  read wrongly: {len(wrong)}")
    for row in wrong.itertuples():
        print(f"    {row.sheet}: {row.read:.5f}, by hand {row.truth:.5f}, {row.reason}")
    print(f"  error of those read: median {error.median():.2%},", end=" ")
    print(f"worst {error.max():.2%}")
    print(f"  no usable ruler: {len(none)}, of which read: {none['read'].count()}")
    unseen = table[~table["looked_at"]]
    print(f"  not measured by hand: {len(unseen)}, read: {unseen['read'].count()}")
    print(f"  seconds a sheet: {table['seconds'].mean():.2f}")
    if verbose:
        columns = ["sheet", "truth", "read", "error", "confidence", "reason"]
        print(table[columns].to_string(index=False, max_colwidth=110))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheets", type=Path, help="folder that holds train and val")
    parser.add_argument("--part", choices=["train", "val", "both"], default="both")
    parser.add_argument("--verbose", action="store_true", help="list every sheet")
    args = parser.parse_args()
    for part in ("train", "val") if args.part == "both" else (args.part,):
        report(part, read_folder(args.sheets / part), args.verbose)


if __name__ == "__main__":
    main()
