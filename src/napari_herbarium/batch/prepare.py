"""Before the first sheet: what is there already, what is missing, what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_herbarium import words
from napari_herbarium.batch.earlier import EARLIER
from napari_herbarium.batch.inputs.given import CARRIED, GIVEN, changes_of
from napari_herbarium.batch.inputs.manifest import (
    Manifest,
    SheetRow,
    read_manifest,
    with_columns,
)
from napari_herbarium.batch.inputs.names import output_names, safe_name
from napari_herbarium.batch.inputs.places import identity
from napari_herbarium.batch.plan import Plan, differences, make_plan, read_plan, resumed
from napari_herbarium.batch.records.layout import Layout, folders_of
from napari_herbarium.batch.records.ledger import Entry, State, read_entries
from napari_herbarium.batch.settings import BatchSettings
from napari_herbarium.errors import SettingsError
from napari_herbarium.results import LABELS

_KEPT = (GIVEN, CARRIED)
_MOST_NAMED = 3


@dataclass(frozen=True)
class Preparation:
    """A run that can begin, or go on.

    Attributes
    ----------
    plan : Plan
        The run.
    todo : list of (SheetRow, str)
        Sheets to do, with the names of their results.
    states : dict of str to State
        How sheets of the manifest ended earlier, by source.
    skipped : list of Entry
        What is no sheet, and not in the ledger yet.
    renamed : dict of str to str
        Sources whose name another sheet has, and what they are called now.
    repeated : int
        How many times a source was given again.
    """

    plan: Plan
    todo: list[tuple[SheetRow, str]]
    states: dict[str, State]
    skipped: list[Entry]
    renamed: dict[str, str]
    repeated: int


def prepare(
    inputs: Sequence[str | Path],
    out: Path,
    settings: BatchSettings,
    *,
    new_run: bool = False,
    retry_failed: bool = False,
) -> Preparation:
    """Find out what is to be done; nothing is written.

    Parameters
    ----------
    inputs : sequence of str or path
        See `napari_herbarium.batch.inputs.manifest.read_manifest`.
    out : Path
        Folder of the run.
    settings : BatchSettings
        What decides the results.
    new_run : bool
        Take no notice of the run that is there; see `batch.earlier.set_aside`.
    retry_failed : bool
        Do sheets again that failed.

    Raises
    ------
    SettingsError
        The inputs make no sense, the run in the folder was made otherwise, or they
        say something else of sheets that are done.
    ModelError
        There is no such model.
    """
    manifest = read_manifest(inputs, out)
    there = manifest.columns
    plan = make_plan(out, settings, manifest.columns, len(manifest.rows))
    is_new = new_run or not plan.layout.run.exists()
    if not is_new:
        plan = _resumed(plan)
        manifest = _with_columns_of(manifest, plan)
    _refuse_results(manifest, plan.layout)
    known = {} if is_new else _known(plan.layout)
    manifest = _as_spelled_before(manifest, known)
    names = output_names(manifest.rows, {s: e.name for s, e in known.items()})
    states = _states(manifest, names, known, plan.layout, retry_failed=retry_failed)
    done = [r for r in manifest.rows if states.get(r.source) is State.DONE]
    _refuse_other_rows(done, known, plan, there)
    return Preparation(
        plan,
        [(r, names[r.source]) for r in manifest.rows if r.source not in states],
        states,
        _newly_skipped(manifest, known),
        _renamed(manifest, names),
        manifest.repeated,
    )


def _resumed(plan: Plan) -> Plan:
    """Give the run that was begun, unless it would now be another one."""
    begun = read_plan(plan.layout.out)
    changes = differences(begun, plan)
    if changes:
        msg = (
            f"{plan.layout.out} holds a run that was made otherwise: "
            f"{'; '.join(changes)}. Go back to those settings, choose another --out, "
            "or add --new-run, which keeps the old run in the subfolder "
            f"'{EARLIER}'."
        )
        raise SettingsError(msg)
    return resumed(begun, plan)


def _with_columns_of(manifest: Manifest, plan: Plan) -> Manifest:
    if manifest.columns == plan.columns:
        return manifest
    rows = tuple(with_columns([manifest], plan.columns))
    return Manifest(rows, plan.columns, manifest.skipped, manifest.repeated)


def _as_spelled_before(manifest: Manifest, known: dict[str, Entry]) -> Manifest:
    """Spell sources as the ledger does; on Windows ``d:/scans`` is ``D:/Scans``."""
    spelled = {identity(source): source for source in known}
    rows = tuple(
        replace(row, source=spelled.get(identity(row.source), row.source))
        for row in manifest.rows
    )
    return replace(manifest, rows=rows)


def _refuse_results(manifest: Manifest, layout: Layout) -> None:
    ours = tuple(
        identity(os.path.join(folder, ""))
        for folder in (layout.labels_folder, layout.overlays_folder)
    )
    sources = (row.source for row in manifest.rows)
    hit = [source for source in sources if identity(source).startswith(ours)]
    if hit:
        msg = f"{hit[0]} is a result of this run; choose another --out or input."
        raise SettingsError(msg)


def _known(layout: Layout) -> dict[str, Entry]:
    """Give how every source in the ledger ended; of facts, what was given for it."""
    return {
        entry.source: replace(
            entry,
            facts={key: entry.facts[key] for key in _KEPT if key in entry.facts},
        )
        for entry in read_entries(layout.ledger)
    }


def _refuse_other_rows(
    done: Sequence[SheetRow],
    known: dict[str, Entry],
    plan: Plan,
    there: Sequence[str],
) -> None:
    """Refuse where a manifest says something else of sheets that are done."""
    changed: list[str] = []
    for row in done:
        entry = known[row.source]
        changes = ", ".join(changes_of(row, entry.facts, plan.columns, there))
        if changes:
            changed.append(f"{entry.name} ({changes})")
    if not changed:
        return
    msg = (
        "The manifest says something else than when these sheets were done: "
        f"{words.some(changed, _MOST_NAMED, '; ')}. Go back to what it said, remove "
        f"the labels of these sheets from {plan.layout.labels_folder} to have them "
        "done again, choose another --out, or add --new-run."
    )
    raise SettingsError(msg)


def _states(
    manifest: Manifest,
    names: dict[str, str],
    known: dict[str, Entry],
    layout: Layout,
    *,
    retry_failed: bool,
) -> dict[str, State]:
    """Give the states that stand: a sheet whose labels are gone is to be done."""
    labelled = set(_labelled(layout)) if known else set()
    states: dict[str, State] = {}
    for row in manifest.rows:
        if row.source not in known:
            continue
        state = known[row.source].state
        lost = state is State.DONE and names[row.source] not in labelled
        again = retry_failed and state is State.FAILED
        if state is not State.SKIPPED and not lost and not again:
            states[row.source] = state
    return states


def _labelled(layout: Layout) -> Iterator[str]:
    """Names of the sheets that have labels."""
    for folder in folders_of(layout.labels_folder):
        for name in os.listdir(folder):
            if name.endswith(LABELS):
                yield name.removesuffix(LABELS)


def _newly_skipped(manifest: Manifest, known: dict[str, Entry]) -> list[Entry]:
    return [
        Entry(source, os.path.basename(source), State.SKIPPED, reason)
        for source, reason in (manifest.skipped or {}).items()
        if source not in known
    ]


def _renamed(manifest: Manifest, names: dict[str, str]) -> dict[str, str]:
    return {
        row.source: names[row.source]
        for row in manifest.rows
        if names[row.source] != safe_name(row.stem)
    }
