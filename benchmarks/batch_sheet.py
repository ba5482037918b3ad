"""CPU seconds and bytes that one sheet takes in a batch, by its size.

    python benchmarks/batch_sheet.py [SHEET ...]

Each sheet (by default the drawn one, A3 at 600 ppi) goes through the whole work of a
batch with `--measure`, on one thread. CPU seconds are given, because other programs
disturb them less than wall seconds; on an idle core the two are the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from napari_herbarium import drawn_sheet
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.plan import Plan, make_plan
from napari_herbarium.batch.settings import BatchSettings
from napari_herbarium.batch.worker import do_sheet
from napari_herbarium.settings import SegmentSettings
from napari_herbarium.sheet.write import write_sheet_tiff


def main() -> None:
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sheets = [Path(name).resolve() for name in sys.argv[1:]]
        if not sheets:
            drawn = drawn_sheet(dpi=600)
            sheets = [Path(folder) / "drawn.tif"]
            write_sheet_tiff(sheets[0], drawn.sheet.image, drawn.mm_per_px)
        segment = SegmentSettings(device="cpu")
        settings = BatchSettings(segment=segment, measure=True)
        plan = make_plan(Path(folder) / "out", settings, (), len(sheets))
        warm = SheetRow(str(sheets[0]), "warm-up")
        if len(sheets) > 1:
            do_sheet(warm, "warm-up", plan, "benchmark")
        for number, sheet in enumerate(sheets):
            print(json.dumps(_measured(sheet, f"s{number}", plan)), flush=True)


def _measured(sheet: Path, name: str, plan: Plan) -> dict[str, object]:
    cpu, wall = time.process_time(), time.perf_counter()
    outcome = do_sheet(SheetRow(str(sheet), name), name, plan, "benchmark")
    facts = outcome.entry.facts
    results = [plan.layout.labels(name), plan.layout.part(name)]
    return {
        "sheet": sheet.name,
        "megapixels": round(facts["height"] * facts["width"] / 1e6, 1),
        "leaves": facts["leaves"],
        "cpu_s": round(time.process_time() - cpu, 1),
        "wall_s": round(time.perf_counter() - wall, 1),
        "steps_wall_s": facts["seconds"],
        "file_mib": round(sheet.stat().st_size / 2**20, 1),
        "results_kib": round(sum(path.stat().st_size for path in results) / 1024),
        "memory_mib": facts["memory_mib"],
    }


if __name__ == "__main__":
    main()
