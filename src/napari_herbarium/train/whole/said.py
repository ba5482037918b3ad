"""What a user said of leaves being whole, gathered to be learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_herbarium import words
from napari_herbarium.errors import DataError, SettingsError
from napari_herbarium.measure.columns import check_labels
from napari_herbarium.measure.files.labels_file import (
    flips_beside,
    read_labels,
    sheet_name,
)
from napari_herbarium.progress import Job, Progress
from napari_herbarium.segment.mask import numbered_boxes
from napari_herbarium.train.whole.finetune import flipped_leaves
from napari_herbarium.train.whole.instances import Instance, cut_window

MOST_OTHERS = 40
"""Of a sheet; more would cost time and teach nothing new."""


@dataclass(frozen=True)
class Words:
    """What was said of leaves.

    Attributes
    ----------
    said : tuple of Instance
        Leaves that somebody judged, as judged.
    unsaid : tuple of Instance
        Leaves of the same sheets of which nobody spoke; their `whole` says nothing.
    """

    said: tuple[Instance, ...] = ()
    unsaid: tuple[Instance, ...] = ()

    def __add__(self, other: Words) -> Words:
        """Put both together."""
        return Words(self.said + other.said, self.unsaid + other.unsaid)

    @property
    def summary(self) -> str:
        """Say of how much there is to learn from."""
        whole = sum(leaf.whole for leaf in self.said)
        sheets = len({leaf.sheet for leaf in self.said})
        leaves = words.leaves(len(self.said))
        return f"{leaves} of {words.sheets(sheets)}, {whole:,} of them whole"


def words_of(labels: NDArray[Any], flipped: Mapping[int, bool], sheet: str) -> Words:
    """Cut the leaves of a sheet of which something was said, and some others.

    Parameters
    ----------
    labels : (H, W) integer
    flipped : mapping
        Label to whether the user says that it is whole.
    sheet : str
        Name of the sheet.

    Raises
    ------
    SettingsError
        These are no labels.
    """
    labels = check_labels(labels)
    said = flipped_leaves(labels, flipped, sheet)
    if not said:
        return Words()
    others = [
        (label, box) for label, box in numbered_boxes(labels) if label not in flipped
    ]
    step = -(-len(others) // MOST_OTHERS) or 1
    unsaid = [
        Instance(sheet, label, cut_window(labels, box, label), whole=False)
        for label, box in others[::step]
    ]
    return Words(tuple(said), tuple(unsaid))


def iter_words_beside(files: Sequence[Path]) -> Job[Words]:
    """Read labels and what was said of them in the JSON files beside them.

    Labels of which nothing was said are passed over.

    Raises
    ------
    SettingsError
        Nothing was said of any leaf.
    DataError
        Labels are not there.
    SheetError
        Labels cannot be read.
    """
    found = Words()
    for number, path in enumerate(files):
        yield Progress(number, len(files), "sheets")
        if not path.exists():
            msg = f"{path} does not exist; check its name."
            raise DataError(msg)
        flipped = flips_beside(path)
        if flipped:
            found += words_of(read_labels(path).labels, flipped, sheet_name(path))
    if not found.said:
        raise SettingsError(nothing_said(len(files)))
    return found


def nothing_said(files: int) -> str:
    """Say that there is nothing to learn from, and what to do."""
    beside = "the file" if files == 1 else f"any of the {words.counted(files, 'file')}"
    return (
        f"Nothing was said of the leaves of {beside} of labels, so there is nothing to "
        "learn from; in Measure leaves say which are whole or partial, and save the "
        "labels."
    )
