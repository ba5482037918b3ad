"""One review: which sheet is looked at, and what has to happen before the next one.

Reading and writing happen in the background. Repairs are saved with every verdict;
before anything else would lose them, the user is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_herbarium._napari.review.ask import Unsaved
from napari_herbarium._napari.review.job import (
    Decided,
    Decision,
    Opened,
    Word,
    iter_decide,
    iter_model_labels,
    iter_open,
    pair_is_there,
)
from napari_herbarium._napari.review.layers import SheetLayers
from napari_herbarium._napari.review.listing import Listing, iter_listing
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.progress import Progress

if TYPE_CHECKING:
    from napari.components import ViewerModel

_ALL_SEEN = "All sheets have been looked at."
_ALL_FAILED = "All sheets of this run failed; choose one in the list for its reason."
_GONE = (
    "The leaves were removed from the viewer: click the sheet in the list to get them "
    "back."
)
Step = Callable[[], object]


class ReviewSession:
    """Opens a run and its sheets, and writes down what is said of them.

    Signals
    -------
    listed
        Another run is open, or none.
    changed
        Another sheet is looked at, or something else is known of it.
    said : str
        What happens, or went wrong, in words.

    Parameters
    ----------
    viewer : ViewerModel
        Shows the sheet that is looked at.
    ask_unsaved : callable
        Asks, by the name of a sheet, what is to become of its repairs.

    Attributes
    ----------
    listing : Listing or None
        The run.
    index : int or None
        The sheet that is looked at.
    opened : Opened or None
        What was read of it; None until then, and for a sheet that failed.
    edited : bool
        It has repairs that are not saved, as far as is known.
    go_on : bool
        Open the next sheet that nobody has judged, after each verdict.
    """

    listed = Signal()
    changed = Signal()
    said = Signal(str)

    def __init__(
        self, viewer: ViewerModel, ask_unsaved: Callable[[str], Unsaved]
    ) -> None:
        self.listing: Listing | None = None
        self.index: int | None = None
        self.opened: Opened | None = None
        self.edited = False
        self.go_on = True
        self._ask_unsaved = ask_unsaved
        self._saving: tuple[Decision, Step] | None = None
        self.layers = SheetLayers(viewer)
        self.layers.gone.connect(self._on_gone)
        self.opener, self.saver = JobRunner(), JobRunner()
        for runner in (self.opener, self.saver):
            runner.progressed.connect(self._on_progress)
            runner.state_changed.connect(self._on_state)
            runner.failed.connect(self.said)
        self.opener.done.connect(self._on_opened)
        self.saver.done.connect(self._on_saved)

    @property
    def is_saving(self) -> bool:
        """Whether something is being written."""
        return self.saver.state is not State.IDLE

    @property
    def is_open(self) -> bool:
        """Whether the leaves of the sheet are in the viewer."""
        return self.opened is not None and self.layers.are_there

    def open_run(self, folder: Path) -> None:
        """Open a run, if repairs allow it."""
        self._leave(partial(self._open_run, folder))

    def go_to(self, index: int) -> None:
        """Look at a sheet of the run, if repairs allow it."""
        if index != self.index:
            self._leave(partial(self._open_sheet, index))
        elif self.layers.are_gone:
            self.layers.bring_back()
            self.said.emit("")
            self.edited = self.layers.is_edited()
            self.changed.emit()

    def decide(
        self, word: Word, training: Path | None = None, *, overwrite: bool = False
    ) -> None:
        """Write down what is said of the sheet, with its repairs, and go on.

        Parameters
        ----------
        word : Word
            What is said.
        training : Path, optional
            Folder of training pairs to put the sheet into.
        overwrite : bool
            Replace a pair of that name.
        """
        labels = self.layers.labels() if self.layers.is_edited() else None
        self._save(Decision(word, labels, training, overwrite), self._go_on)

    def would_replace(self, training: Path) -> bool:
        """Whether a training folder has a pair of that name which is not this one."""
        return self.opened is not None and pair_is_there(self.opened, training)

    def restore(self) -> None:
        """Put back the leaves that the model had found, if repairs allow it."""
        self._leave(self._restore)

    def look_for_edits(self) -> None:
        """Find out whether there are repairs."""
        edited = self.layers.is_edited()
        if edited != self.edited:
            self.edited = edited
            self.changed.emit()

    def may_close(self, close: Step) -> bool:
        """Tell whether nothing would be lost; else the user is asked.

        Parameters
        ----------
        close : callable
            Called once repairs are saved, where the user wants that.
        """
        opened = self.opened
        if opened is None or self.is_saving or not self.layers.is_edited():
            return True
        answer = self._ask_unsaved(opened.review.name)
        if answer is Unsaved.SAVE:
            self._save(Decision(labels=self.layers.labels()), close)
        return answer is Unsaved.DROP

    def close(self) -> None:
        """Stop everything; layers stay as they are."""
        self.layers.let_go()
        self.opener.close()
        self.saver.close()

    def _on_state(self, _state: State) -> None:
        self.changed.emit()

    def _on_gone(self) -> None:
        self.edited = False
        self.said.emit(_GONE)
        self.changed.emit()

    def _on_progress(self, progress: Progress) -> None:
        self.said.emit(f"{progress.what.capitalize()}…")

    def _leave(self, then: Step) -> None:
        """Do something after which repairs would be gone, if the user agrees."""
        opened = self.opened
        if self.is_saving:
            return
        if opened is None or not self.layers.is_edited():
            then()
            return
        answer = self._ask_unsaved(opened.review.name)
        if answer is Unsaved.DROP:
            then()
        elif answer is Unsaved.SAVE:
            # Asked again then: one may have painted on while it was written.
            self._save(
                Decision(labels=self.layers.labels()), partial(self._leave, then)
            )

    def _restore(self) -> None:
        if self.opened is not None:
            job = partial(iter_model_labels, self.opened)
            self.saver.run(job, "Read the leaves of the model")

    def _open_run(self, folder: Path) -> None:
        self._forget_sheet()
        self.listing = None
        self.listed.emit()
        self.opener.run_latest(partial(iter_listing, folder), "Open a run")

    def _open_sheet(self, index: int) -> None:
        if self.listing is None:
            return
        self._forget_sheet()
        self.index = index
        self.said.emit("")
        sheet = self.listing.sheet(index)
        if sheet is None:
            self.opener.cancel()
        else:
            job = partial(iter_open, index, self.listing.run, sheet)
            self.opener.run_latest(job, f"Open {sheet.name}")
        self.changed.emit()

    def _forget_sheet(self) -> None:
        self.layers.clear()
        self.index, self.opened, self.edited = None, None, False

    def _on_opened(self, result: Listing | Opened) -> None:
        if isinstance(result, Listing):
            self._begin(result)
        elif result.index == self.index:
            self.layers.show(result)
            self.opened, self.edited = result, False
            self.said.emit("")
            self.changed.emit()

    def _begin(self, listing: Listing) -> None:
        """Look at the first sheet that nobody has judged."""
        self.listing = listing
        self.said.emit("")
        self.listed.emit()
        first = listing.next_to_do(-1)
        if first is not None:
            self._open_sheet(first)
        elif listing.sheets:
            self.said.emit(_ALL_SEEN)
        else:
            self.said.emit(_ALL_FAILED)

    def _save(self, decision: Decision, then: Step) -> None:
        if self.opened is None or self.is_saving:
            return
        self._saving = decision, then
        job = partial(iter_decide, self.opened, decision)
        self.saver.run(job, f"Save {self.opened.review.name}")

    def _on_saved(self, result: Decided | NDArray[Any]) -> None:
        if isinstance(result, np.ndarray):
            self.layers.put(result)
            self.look_for_edits()
            return
        opened, listing, saving = self.opened, self.listing, self._saving
        if opened is None or listing is None or saving is None:
            return
        decision, then = saving
        self.listing = listing.with_sheet(opened.index, result.review)
        self.opened = replace(opened, review=result.review)
        if decision.labels is not None:
            self.layers.mark_saved(decision.labels, result.rows)
        self.edited = self.layers.is_edited()
        self.said.emit(f"{result.review.name}: {self.listing.state(opened.index)}.")
        self.changed.emit()
        then()

    def _go_on(self) -> None:
        """Look at the next sheet that nobody has judged, if that is wanted."""
        if self.listing is None or self.index is None:
            return
        following = self.listing.next_to_do(self.index)
        if following is None:
            self.said.emit(_ALL_SEEN)
        elif self.go_on:
            self.go_to(following)
