"""The human loop on real sheets: a few true masks, some minutes, IoU before and after.

A group of sheets that the base model was not trained on is cut in two: some give
their true masks to `few-sheets`, as a user's repaired sheets would, and the rest is
scored, as is everything outside the group. The rest is the same for every number of
masks.

    python benchmarks/few_sheets.py --data DIR --group bu_ --masks 1 3 --minutes 10

DIR has images/ and masks/ of sheets that were not used to train the base model. With
`--keep FOLDER` sheets without labels stand against forgetting.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from napari_herbarium.evaluate.metrics import iou
from napari_herbarium.evaluate.pairs import Pair as LabelledSheet
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.run import Evaluation, iter_evaluate
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.progress import finish
from napari_herbarium.settings import DEFAULT_MODEL
from napari_herbarium.train.crops.others import find_other_sheets
from napari_herbarium.train.pairs.pair import Pair
from napari_herbarium.train.recipes import recipe_of
from napari_herbarium.train.train import iter_train


def main() -> None:
    options = arguments()
    pairs = find_pairs(options.data)
    group = [p for p in pairs if p.stem.startswith(tuple(options.group))]
    others = [p for p in pairs if p not in group][:: options.every]
    order = np.random.default_rng(options.seed).permutation(len(group))
    given = [group[i] for i in order[: max(options.masks)]]
    rest = [group[i] for i in order[max(options.masks) :]]
    print(f"Group {len(group)}, of which rest {len(rest)}; others {len(others)}.")
    before = scores(options.base, rest, others, options.out / "before.json")
    show("before", before, before, rest)
    for count in options.masks:
        for extra in options.recipe or [""]:
            one_run(options, given[:count], rest, others, before, extra)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--group", nargs="+", required=True, help="starts of names")
    parser.add_argument("--masks", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--base", default=DEFAULT_MODEL)
    parser.add_argument("--out", type=Path, default=Path("few_sheets_runs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", nargs="*", help="changes, as JSON objects")
    parser.add_argument("--every", type=int, default=1, help="of the others")
    parser.add_argument(
        "--keep", type=Path, help="folder of sheets of other plants, without labels"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def one_run(options, given, rest, others, before, extra) -> None:  # noqa: ANN001
    changes = {"minutes": options.minutes, **json.loads(extra or "{}")}
    recipe = recipe_of("few-sheets", **changes)
    name = f"{len(given)}-masks-{abs(hash(extra)) % 10000}-{os.getpid()}"
    pairs = [Pair(p.stem, p.image, p.mask) for p in given]
    began, busy = time.monotonic(), time.process_time()
    kept = find_other_sheets(options.keep)
    job = iter_train(recipe, pairs, options.out / name, base=options.base, others=kept)
    made = finish(job)
    wall, busy = time.monotonic() - began, time.process_time() - busy
    after = scores(str(made.folder), rest, others)
    print(f"\n{len(given)} masks {extra}: {[p.stem for p in given]}")
    print(
        f"{made.steps} steps, {wall:.0f} s ({busy:.0f} s of CPU), ended: {made.ended}; "
        f"held-out crops {made.before.iou:.4f} -> {made.after.iou:.4f}"
    )
    show("after", after, before, rest)


def scores(
    model: str,
    rest: list[LabelledSheet],
    others: list[LabelledSheet],
    cache: Path | None = None,
) -> dict[str, float]:
    """IoU of each sheet, at the probability the model asks for, detail full."""
    known = json.loads(cache.read_text()) if cache and cache.exists() else {}
    wanted = [p for p in rest + others if p.stem not in known]
    found = finish(iter_evaluate(wanted, load_model(model), Evaluation()))
    known |= {score.sheet: iou(score.pixels) for score in found}
    if cache:
        cache.write_text(json.dumps(known, indent=1))
    return {p.stem: known[p.stem] for p in rest + others}


def show(
    what: str,
    now: dict[str, float],
    before: dict[str, float],
    rest: list[LabelledSheet],
) -> None:
    names = [p.stem for p in rest]
    print(f"{what}: ")
    for title, part in (
        ("group", names),
        ("others", [n for n in now if n not in names]),
    ):
        if part:
            new, old = (float(np.mean([s[n] for n in part])) for s in (now, before))
            left = (1 - new) / (1 - old)
            change = f"{new - old:+.4f}, error x {left:.2f}"
            print(f"  {title:7} {len(part):2} sheets  IoU {new:.4f}  ({change})")
    for name in names:
        print(f"    {name:45} {before[name]:.4f} -> {now[name]:.4f}")


if __name__ == "__main__":
    main()
