"""The sheet: pixels, display levels, scale and what the file says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """One scanned herbarium sheet.

    Attributes
    ----------
    image : array-like
        H x W x 3 uint8 in sRGB, upright; numpy, or dask where the file can be read
        piece by piece. This is what the model sees.
    levels : tuple of array-like
        For display: ``levels[0]`` is the full resolution, H x W x 3, uint8 or uint16
        (kept for 16-bit files); each further level is about half as large.
    mm_per_px : float or None
        Millimetres per pixel; None when no believable value is known.
    scale_source : str
        Where `mm_per_px` comes from: ``"resolution tag"``, ``"user"``, ``"ruler"``,
        ``"drawn"``, or ``"none"``.
    scale_trust : str
        ``"trusted"``, ``"suspect"`` (offered, not applied) or ``"none"``.
    offered_mm_per_px : float or None
        What the resolution tag says, also when it is suspect.
    catalog_number : str or None
        Catalogue number from the file's metadata or its name.
    metadata : dict
        JSON-able facts about the file: path, page, other pages, profile, tags.
    path : Path or None
        The file, None for a drawn sheet.
    """

    image: Any
    levels: tuple[Any, ...]
    mm_per_px: float | None = None
    scale_source: str = "none"
    scale_trust: str = "none"
    offered_mm_per_px: float | None = None
    catalog_number: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
