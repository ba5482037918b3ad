"""What a worker says of a sheet."""

from __future__ import annotations

from dataclasses import dataclass

from napari_herbarium.batch.ledger import Entry


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
