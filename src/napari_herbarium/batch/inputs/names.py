"""What the results of each sheet are called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.file_names import as_filed, is_device

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\ud800-\udfff]')
_LONGEST = 180
"""Bytes; with the longest suffix of ours a name stays below 255."""


def output_names(rows: Iterable[SheetRow], known: Mapping[str, str]) -> dict[str, str]:
    """Give every source a name of its own.

    Parameters
    ----------
    rows : iterable of SheetRow
        The sheets.
    known : mapping of str to str
        Names that sources were given earlier in this run; they keep them.

    Returns
    -------
    dict of str to str
        Source to name. The first sheet called K1 is ``K1``, the next one ``K1__2``;
        upper and lower case count as the same, as some file systems hold.
    """
    taken = {as_filed(name) for name in known.values()}
    counts: dict[str, int] = {}
    names = {}
    for row in rows:
        name = known.get(row.source)
        if name is None:
            name = _free(safe_name(row.stem), taken, counts)
            taken.add(as_filed(name))
        names[row.source] = name
    return names


def _free(name: str, taken: set[str], counts: dict[str, int]) -> str:
    """Give the name, or the first of its numbered forms, that is not taken."""
    wanted, key = name, as_filed(name)
    while as_filed(name) in taken:
        counts[key] = counts.get(key, 1) + 1
        name = f"{wanted}__{counts[key]}"
    return name


def safe_name(stem: str) -> str:
    """Give a stem that any file system takes."""
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", stem)).strip(". ")
    if not name or is_device(name):
        name = f"sheet_{name}".rstrip("_")
    encoded = name.encode()
    if len(encoded) <= _LONGEST:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[:_LONGEST].decode(errors='ignore')}-{digest}"
