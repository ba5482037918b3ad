"""What a worker says of a sheet."""

from __future__ import annotations

from dataclasses import dataclass

from napari_herbarium.batch.records.ledger import Entry

CRASHED = (
    "Its worker died each time on this sheet (out of memory, or a fault in a decoder); "
    "give workers more memory or open the sheet alone."
)
OUT_OF_MEMORY = (
    "Out of memory; give each worker more (fewer workers or lanes share it) or fewer "
    "tiles at a time (a smaller batch) and retry what failed; a smaller tile gives "
    "other results, so it needs a new run or another output folder."
)


@dataclass(frozen=True)
class Outcome:
    """How a sheet ended on a worker.

    Attributes
    ----------
    entry : Entry or None
        For the ledger; None when it has to be tried again.
    stop : str
        Why no other sheet can be done either, such as a full disk; else empty.
    """

    entry: Entry | None
    stop: str = ""
