"""What an earlier run left: half a file, or all that it made."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from napari_herbarium.batch.plan import read_plan
from napari_herbarium.batch.records.layout import Layout, folders_of
from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.files import FREE_SPACE, is_held, put_in_place

EARLIER = "earlier"
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}(\.|$)")


def remove_half_written(layout: Layout) -> None:
    """Remove temporary files that killed workers left."""
    places = (layout.labels_folder, layout.traits_folder, layout.overlays_folder)
    for folder in (f for place in places for f in folders_of(place)):
        for name in os.listdir(folder):
            if _TEMPORARY.match(name):
                with suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def set_aside(layout: Layout) -> Path | None:
    """Move the run that is there into a subfolder; give that, or None without one.

    Raises
    ------
    HerbariumError
        It cannot be moved; then it is as it was, or the message says what is not.
    """
    if not layout.run.exists():
        return None
    place = layout.out / EARLIER / re.sub(r"[^0-9T]", "", _when_begun(layout))[:15]
    number = 2
    while place.exists():
        place = place.with_name(f"{place.name.split('_')[0]}_{number}")
        number += 1
    ours = (
        layout.labels_folder,
        layout.traits_folder,
        layout.overlays_folder,
        layout.ledger,
        layout.reviewed,
        layout.sheets_table,
        layout.traits_csv,
        layout.report,
        layout.run,  # last: until then the old run is still the run
    )
    try:
        place.mkdir(parents=True)
        _move([path for path in ours if path.exists()], place)
    except OSError as error:
        raise HerbariumError(_not_moved(place, error)) from error
    return place


def _move(paths: Sequence[Path], place: Path) -> None:
    """Move all into a new folder, or none: half a run would be no run."""
    moved: list[Path] = []
    try:
        for path in paths:
            put_in_place(path, place / path.name)
            moved.append(path)
    except OSError:
        for path in reversed(moved):
            with suppress(OSError):
                put_in_place(place / path.name, path)
        with suppress(OSError):
            place.rmdir()
        raise


def _not_moved(place: Path, error: OSError) -> str:
    advice = FREE_SPACE
    if is_held(error):
        advice = "close what is open of it, such as its table in Excel, and begin again"
    rest = f" What was moved already is in {place}." if place.exists() else ""
    return f"The old run cannot be moved to {place} ({error.strerror}); {advice}.{rest}"


def _when_begun(layout: Layout) -> str:
    """Give when the run that is there was begun, as far as that can be told."""
    try:
        return read_plan(layout.out).started
    except SettingsError:
        # Damaged, or of another version: it is set aside all the same.
        written = layout.run.stat().st_mtime
        return datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds")
