"""Teach the classifier of whole leaves what was said of the leaves of open layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium import words
from napari_herbarium._napari import graphics
from napari_herbarium._napari.common.controls import bare, button, show_on, text_label
from napari_herbarium._napari.common.layers import full_resolution
from napari_herbarium._napari.common.model_choice import installed
from napari_herbarium._napari.finetune.job import free_name, out_folder
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.features import written_whole
from napari_herbarium._napari.measure.flips import flips_of, labels_in, ticked_in
from napari_herbarium._napari.measure.subject import facts_of, image_under
from napari_herbarium._napari.preferences import read_preferences
from napari_herbarium._napari.turn import iter_in_turn
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.measure.whole.models import find_whole_model
from napari_herbarium.progress import Job, Progress
from napari_herbarium.settings import WholeSettings
from napari_herbarium.train.whole.learnt import Learnt, iter_learn_words
from napari_herbarium.train.whole.said import Words, words_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

_NAME = "my whole leaves"
NOTHING = (
    "Nothing was said of the leaves of the open layers yet: select leaves that the "
    "model judges wrongly and click Whole ⇄ partial, or right click on their rows."
)


@dataclass(frozen=True)
class Said:
    """What was said of the leaves of a layer.

    Attributes
    ----------
    sheet : str
        Name of the sheet.
    labels : H x W integers, array-like
    flips : mapping
        Label to whether the user says that it is whole.
    """

    sheet: str
    labels: Any
    flips: Mapping[int, bool]


def said_of(viewer: ViewerModel) -> list[Said]:
    """Gather what was said of the leaves of all open layers that are still there."""
    layers = [x for x in viewer.layers if isinstance(x, Labels) and x.ndim == 2]
    return [
        Said(
            facts_of(layer, image_under(viewer, layer)).sheet,
            full_resolution(layer),
            flips,
        )
        for layer in layers
        if (flips := _words_on(layer))
    ]


def _words_on(layer: Labels) -> dict[int, bool]:
    # Ticks in napari's own table, too: no widget has noted those on other layers yet.
    ticked = ticked_in(layer.features, written_whole(layer))
    words_on = {**flips_of(layer), **ticked}
    there = labels_in(full_resolution(layer), words_on.keys())
    return {label: word for label, word in words_on.items() if label in there}


def iter_learn(said: Sequence[Said], out: Path, base: WholeSettings) -> Job[Learnt]:
    """Learn from what was said.

    Raises
    ------
    HerbariumError
        There is nothing to learn from, no such base, or the new one cannot be written.
    """
    found = Words()
    for number, each in enumerate(said):
        yield Progress(number, len(said), "sheets")
        found += words_of(np.array(each.labels), each.flips, each.sheet)
    if not found.said:
        raise SettingsError(NOTHING)
    graphics.load_torch()
    with graphics.settled_memory():
        model = find_whole_model(base.model)
        return (yield from iter_in_turn(partial(iter_learn_words, found, out, model)))


class LearnBox(QWidget):
    """Asks for a name, and has a new classifier made in the background.

    Attributes
    ----------
    said : callable
        Gives what was said of leaves; set by whoever knows.
    base : callable
        Gives the classifier to start from.

    Signals
    -------
    told : str
        What came of it, in words.
    """

    told = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.said: Callable[[], list[Said]] = list
        self.base: Callable[[], WholeSettings] = WholeSettings
        self._lead = ""
        self.runner = JobRunner()
        self._build()
        self.button.clicked.connect(self._on_click)
        self.drop.clicked.connect(self.hide)
        self.runner.state_changed.connect(self._on_state)
        self.runner.progressed.connect(self._on_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)
        self._on_state(State.IDLE)
        self.hide()

    def open(self) -> None:
        """Ask for a name, where there is something to learn from."""
        if self.runner.state is not State.IDLE:
            return
        said = self.said()
        if not said:
            self.told.emit(NOTHING)
            return
        self._lead = f"A new classifier, from what you said of {_extent(said)}."
        self.lead.setText(self._lead)
        if not self.name.text() or self._is_taken():
            self.name.setText(free_name(_NAME, read_preferences().model_folder))
        self.show()

    def _build(self) -> None:
        self.lead = text_label(tooltips.LEARN)
        self.name = QLineEdit()
        self.name.setToolTip(tooltips.LEARN_NAME)
        self.button, self.drop = QPushButton(), button("Drop", tooltips.LEARN_DROP)
        self.progress = QProgressBar()
        self.progress.setToolTip(tooltips.LEARN_PROGRESS)
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.button)
        row.addWidget(self.drop)
        bare(QVBoxLayout(self), self.lead, row, self.progress)

    def _out(self) -> Path:
        return out_folder(self.name.text().strip(), read_preferences().model_folder)

    def _is_taken(self) -> bool:
        try:
            self._out()
        except HerbariumError:
            return True
        return False

    def _on_click(self) -> None:
        if self.runner.state is State.IDLE:
            self._start()
        else:
            self.runner.cancel()

    def _start(self) -> None:
        try:
            out = self._out()
        except HerbariumError as error:
            self.told.emit(str(error))
            return
        job = partial(iter_learn, self.said(), out, self.base())
        self.runner.run(job, f"Learn “{out.name}”")

    def _on_state(self, state: State) -> None:
        idle = state is State.IDLE
        self.button.setText("Learn" if idle else "Cancel")
        self.button.setToolTip(tooltips.LEARN_START if idle else tooltips.LEARN_CANCEL)
        self.button.setEnabled(state is not State.CANCELLING)
        self.name.setEnabled(idle)
        self.drop.setVisible(idle)
        self.progress.setVisible(not idle)
        self.progress.setRange(0, 0)
        self.lead.setText(self._lead)  # it waits for nothing any more, or not yet

    def _on_progress(self, progress: Progress) -> None:
        known = show_on(self.progress, progress)
        self.lead.setText(self._lead if known else f"{progress.what.capitalize()}…")

    def _on_done(self, made: Learnt) -> None:
        self.hide()
        installed.changed.emit()
        self.told.emit(f"“{made.folder.name}” can be chosen now. {made.summary}")

    def _on_failed(self, reason: str) -> None:
        self.told.emit(reason)

    def _on_cancelled(self) -> None:
        self.told.emit("Cancelled; there is no new classifier.")


def _extent(said: Sequence[Said]) -> str:
    leaves = words.leaves(sum(len(each.flips) for each in said))
    return f"{leaves} on {words.sheets(len({each.sheet for each in said}))}"
