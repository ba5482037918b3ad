"""The dock widget "Fine-tune model".

It holds no science: it gathers pairs of sheet and labels, hands the core's training to
a `JobRunner`, shows how it goes, and tells every open list of models about the new one.
"""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QGroupBox, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.controls import bare, show_on, text_label
from napari_herbarium._napari.common.docked import DockedWidget
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.common.model_choice import installed
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.finetune.current import CurrentPair
from napari_herbarium._napari.finetune.folder import TrainingFolder
from napari_herbarium._napari.finetune.form import FineTuneForm
from napari_herbarium._napari.finetune.job import (
    FineTuned,
    Request,
    iter_fine_tune,
    outcome,
    time_left,
)
from napari_herbarium._napari.finetune.live import LiveView
from napari_herbarium._napari.finetune.rows import PairRows
from napari_herbarium._napari.finetune.save import PairSaver
from napari_herbarium._napari.finetune.unfinished import settle_unfinished
from napari_herbarium._napari.preferences import (
    preference_events,
    read_preferences,
    remember_training_folder,
)
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Progress
from napari_herbarium.train.report import TrainProgress

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MARGIN_PX = 4
_NO_PAIRS = "Add a pair of sheet and corrected leaves, or choose a training folder."
_NO_MODEL = "No base model is installed: choose a model folder with “…”."
_SAVING = "Saving the training pair…"
_STOPPING = "Stopping after this step; the best model so far is being kept…"


class FineTuneModel(DockedWidget):
    """Trains a new model from corrected sheets.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._message, self._note = "", ""
        self._stop = Event()
        self.runner = JobRunner()
        self.saver = PairSaver()
        self.current = CurrentPair(napari_viewer)
        self.pairs = PairRows()
        self.folder = TrainingFolder()
        self.form = FineTuneForm(read_preferences())
        self.live = LiveView()
        self.progress = QProgressBar()
        self.progress.setToolTip(tooltips.PROGRESS)
        self.button = QPushButton()
        self.message = text_label()
        self._lay_out()
        self._connect()
        self._refresh()

    def run(self) -> None:
        """Train, if there is something to train and nothing runs yet."""
        if self.runner.state is not State.IDLE or self._obstacle() is not None:
            return
        try:
            request = self._request()
        except HerbariumError as error:
            self._on_failed(str(error))
            return
        if request is not None:
            self._begin(request)

    def stop(self) -> None:
        """End the training after its step; the best model so far is kept."""
        self._stop.set()
        self._refresh()

    @property
    def is_writing(self) -> bool:
        """Whether a model or a training pair is still to be kept."""
        runners = (self.runner, self.saver.runner)
        return any(runner.state is not State.IDLE for runner in runners)

    def leave(self) -> None:
        """End the widget; a run is stopped, and what came of it is told."""
        if self.runner.state is not State.IDLE:
            self.stop()
        super().leave()

    def _begin(self, request: Request) -> None:
        self._stop = Event()
        self._message, self._note = "", ""
        self.live.begin()
        self._show_progress(Progress(0, 0, "looking at the pairs"))
        job = partial(iter_fine_tune, request, self._stop)
        self.runner.run(job, f"Fine-tune “{request.out.name}”")

    def _request(self) -> Request | None:
        """Gather what is set; None when the user thinks better of it."""
        out = self.form.out()
        resume = settle_unfinished(out, self)
        if resume is None:
            return None
        return Request(
            recipe=self.form.recipe(),
            pairs=self.pairs.taken(),
            folder=self.folder.folder(),
            base=self.form.base.loads(),
            others=self.form.other_sheets(),
            device=self.form.device_chosen(),
            out=out,
            resume=resume,
        )

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*[_MARGIN_PX] * 4)
        column.addWidget(
            _group("Corrected sheets", self.current, self.pairs, self.folder)
        )
        column.addWidget(_group("New model", self.form))
        column.addWidget(self.button)
        column.addWidget(self.progress)
        column.addWidget(self.message)
        column.addWidget(self.live)
        column.addStretch(1)
        layout = bare(QVBoxLayout(self))
        layout.addWidget(Column(inside))
        layout.addStretch(1)

    def _connect(self) -> None:
        self._wires = Wires(self)
        self.destroyed.connect(self.runner.close)
        self.destroyed.connect(self.saver.runner.close)
        preferences = preference_events()
        if preferences is not None:
            self._wires.connect(preferences, self._on_preferences)
        self.current.added.connect(self._add)
        self.current.save_wanted.connect(self._save)
        for part in (self.current, self.pairs, self.folder, self.form):
            part.changed.connect(self._refresh)
        self.pairs.changed.connect(partial(self.pairs.tab_after, self.current.save))
        self.button.clicked.connect(self._on_click)
        self.saver.saved.connect(self._on_saved)
        self.saver.failed.connect(self._on_failed)
        self.saver.runner.state_changed.connect(self._refresh)
        self.runner.state_changed.connect(self._refresh)
        self.runner.progressed.connect(self._on_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _obstacle(self) -> str | None:
        """Why there can be no run now, in words."""
        if not self.pairs.rows and self.folder.folder() is None:
            return _NO_PAIRS
        if self.form.needs_base() and not self.form.base.has_model():
            return _NO_MODEL
        return self.form.name_refusal() or None

    def _refresh(self, _event: object = None) -> None:
        """Show the state of things."""
        idle, stopping = self.runner.state is State.IDLE, self._stop.is_set()
        obstacle = self._obstacle()
        if idle:
            text, tip = "Fine-tune", tooltips.START
        else:
            text, tip = "Stopping…" if stopping else "Stop", tooltips.STOP
        self.button.setText(text)
        self.button.setToolTip(tip)
        self.button.setEnabled(obstacle is None if idle else not stopping)
        for part in (self.pairs, self.folder, self.form):
            part.setEnabled(idle)
        there = self.current.layers() is not None
        self.current.add.setEnabled(idle and there)
        saving = self.saver.runner.state is not State.IDLE
        self.current.save.setEnabled(there and not saving)
        self.progress.setVisible(not idle)
        self._show_message(idle, stopping, obstacle)

    def _show_message(self, idle: bool, stopping: bool, obstacle: str | None) -> None:
        message = self._message or (obstacle or "" if idle else "")
        if stopping and not idle:
            message = _STOPPING
        if message == self.form.refusal.text():
            message = ""  # it stands there already
        text = "\n".join(filter(None, (self._note, message)))
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _say(self, message: str) -> None:
        self._message = message
        self._refresh()

    def _add(self) -> None:
        pair = self.current.layers()
        if pair is not None:
            self._message = ""
            self.pairs.add(*pair)

    def _save(self) -> None:
        pair = self.current.layers()
        folder = self.folder.folder() or self.folder.ask()
        if pair is None or folder is None:
            return
        remember_training_folder(folder)
        if self.saver.save(folder, *pair):
            self._say(_SAVING)

    def _on_click(self) -> None:
        if self.runner.state is State.IDLE:
            self.run()
        else:
            self.stop()

    def _on_saved(self, sentence: str) -> None:
        if self.folder.folder() is not None:
            self.folder.look(again=True)
        self._tell(sentence)

    def _on_progress(self, progress: Progress) -> None:
        if isinstance(progress, TrainProgress):
            self._note = progress.note or self._note
            self.live.take(progress)
        if not self._stop.is_set():
            self._show_progress(progress)

    def _show_progress(self, progress: Progress) -> None:
        left = time_left(getattr(progress, "seconds_left", None))
        known = show_on(self.progress, progress, f", {left}" if left else "")
        self._say("" if known else f"{progress.what.capitalize()}…")

    def _on_done(self, made: FineTuned | None) -> None:
        self._over()
        if made is not None:
            self.live.end(made.after)
        self._tell(outcome(made))

    def _on_failed(self, reason: str) -> None:
        self._over()
        self._say(reason)
        show_error(reason)

    def _on_cancelled(self) -> None:
        self._over()
        self._say("Stopped; if a step had been done, the best model so far was kept.")

    def _over(self) -> None:
        """Whatever the end was: a model may be there, and its name is taken."""
        if self.runner.state is State.IDLE:
            self._stop = Event()
            installed.changed.emit()
            self.form.propose_name()

    def _tell(self, sentence: str) -> None:
        self._say(sentence)
        if not self.isVisible():
            show_info(sentence)

    def _on_preferences(self, _event: object) -> None:
        self.form.take_preferences(read_preferences())
        self._refresh()


def _group(title: str, *parts: QWidget) -> QGroupBox:
    group = QGroupBox(title)
    layout = QVBoxLayout(group)
    layout.setContentsMargins(*[_MARGIN_PX] * 4)
    for part in parts:
        layout.addWidget(part)
    return group
