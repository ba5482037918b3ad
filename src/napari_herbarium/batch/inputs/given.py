"""What the manifest gave for a sheet, and whether it still does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from napari_herbarium.batch.inputs.manifest import SheetRow

GIVEN = "given"
CARRIED = "carried"


def given_facts(row: SheetRow) -> dict[str, Any]:
    """Give what the ledger keeps of a sheet's row; nothing where it says nothing."""
    given = {"mm_per_px": row.mm_per_px, "catalog_number": row.catalog_number}
    facts: dict[str, Any] = {}
    if any(given.values()):
        facts[GIVEN] = given
    if row.carried:
        facts[CARRIED] = list(row.carried)
    return facts


def changes_of(
    row: SheetRow,
    facts: Mapping[str, Any],
    columns: Sequence[str],
    there: Sequence[str],
) -> Iterator[str]:
    """Say what of a row is no longer as it was when its sheet was done.

    Parameters
    ----------
    row : SheetRow
        As the manifest has it now.
    facts : mapping
        As `given_facts` gave them then.
    columns : sequence of str
        Those that the run carries.
    there : sequence of str
        Those of them that the manifest has now.
    """
    before, now = facts.get(GIVEN, {}), given_facts(row).get(GIVEN, {})
    for name in ("mm_per_px", "catalog_number"):
        if before.get(name) != now.get(name):
            yield f"{name}: {_shown(before.get(name))} to {_shown(now.get(name))}"
    carried = facts.get(CARRIED, ())
    for name, old, new in zip(columns, carried, row.carried, strict=False):
        if name in there and old != new:
            yield f"{name}: {_shown(old)} to {_shown(new)}"


def _shown(value: object) -> str:
    return "none" if value in (None, "") else str(value)
