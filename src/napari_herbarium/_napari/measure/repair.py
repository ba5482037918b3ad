"""Makes one leaf of several and two of one, in a way that napari can undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_herbarium import words
from napari_herbarium._napari.common.layers import (
    full_resolution,
    sheet_of,
    why_no_sheet,
)
from napari_herbarium._napari.measure.flips import labels_in
from napari_herbarium._napari.worker import JobRunner
from napari_herbarium.progress import Job

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_herbarium.segment.touching.repair import Repair

_UNDO = "Ctrl+Z in the picture undoes it."
_CHANGED = "The leaves were changed meanwhile, so nothing was done: click again."
_ONE = "Select the one leaf to cut: click its row, or the leaf."
_FIXED = "“{}” cannot be edited: save it, and open the saved labels."


class LeafRepair:
    """One repair at a time.

    Signals
    -------
    begun : str
        What is being done.
    said : str
        Why nothing came of it.
    repaired : list of int, str
        These leaves of the layer are others now; what was done, in words.

    Attributes
    ----------
    layer : Labels or None
        Whose leaves were repaired last.
    """

    begun = Signal(str)
    said = Signal(str)
    repaired = Signal(list, str)

    def __init__(self) -> None:
        self.layer: Labels | None = None
        self._chosen: list[int] = []
        self.runner = JobRunner()
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self.said)

    def merge(self, layer: Labels, chosen: list[int]) -> None:
        """Make one leaf of the chosen ones."""
        job = partial(_iter_merged, full_resolution(layer), chosen)
        self._begin(layer, chosen, job, f"Merging {words.leaves(len(chosen))}…")

    def cut(self, layer: Labels, chosen: list[int], image: Image | None) -> None:
        """Cut the one chosen leaf in two, where its sheet shows two meet."""
        if len(chosen) != 1:
            self.said.emit(_ONE)
            return
        sheet = None if image is None or why_no_sheet(image) else sheet_of(image)
        job = partial(_iter_cut, full_resolution(layer), chosen[0], sheet)
        self._begin(layer, chosen, job, f"Cutting leaf {chosen[0]}…")

    def _begin(
        self,
        layer: Labels,
        chosen: list[int],
        start_job: Callable[[], Job[Any]],
        title: str,
    ) -> None:
        if not layer.editable or not _is_writable(full_resolution(layer)):
            self.said.emit(_FIXED.format(layer.name))
        elif self.runner.run(start_job, title):
            self.layer, self._chosen = layer, chosen
            self.begun.emit(title)

    def _on_done(self, outcome: tuple[Repair, np.ndarray]) -> None:
        (rows, columns, number), before = outcome
        if self.layer is None:
            return
        pixels, is_merged = full_resolution(self.layer), number in self._chosen
        is_taken = not is_merged and labels_in(pixels, [number])
        if is_taken or not np.array_equal(pixels[rows, columns], before):
            self.said.emit(_CHANGED)
            return
        self.layer.data_setitem((rows, columns), number)
        if is_merged:
            done = f"Merged into leaf {number}."
        else:
            done = f"Cut into leaves {self._chosen[0]} and {number}."
        self.repaired.emit([*self._chosen, number], f"{done} {_UNDO}")


def _is_writable(pixels: Any) -> bool:
    """Tell pixels that can be changed from what is only read or computed."""
    if isinstance(pixels, np.ndarray):
        return bool(pixels.flags.writeable)
    return not hasattr(pixels, "dask")


def _iter_merged(labels: Any, chosen: list[int]) -> Job[tuple[Repair, np.ndarray]]:
    from napari_herbarium.segment.touching.repair import iter_merged

    pixels = np.array(labels)  # as they are now, whatever is painted meanwhile
    repair = yield from iter_merged(pixels, chosen)
    return repair, pixels[repair.rows, repair.columns]


def _iter_cut(labels: Any, number: int, sheet: Any) -> Job[tuple[Repair, np.ndarray]]:
    from napari_herbarium.measure.whole.judge import quick_whole_probability
    from napari_herbarium.segment.touching.repair import iter_cut_in_two
    from napari_herbarium.segment.touching.split_judge import Help

    pixels = np.array(labels)
    picture = None if sheet is None else sheet.rgb8()
    repair = yield from iter_cut_in_two(
        pixels, number, Help(picture, quick_whole_probability)
    )
    return repair, pixels[repair.rows, repair.columns]
