"""The dock widget "Segment leaves".

It holds no science: it takes the chosen image layer as a sheet, hands the core's job
to a `JobRunner` and writes the result as a labels layer. The last result keeps its
probability, so that threshold and minimum area act at once until the user edits the
leaves.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFormLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_herbarium import words
from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.controls import settling, show_on, text_label
from napari_herbarium._napari.common.docked import DockedWidget
from napari_herbarium._napari.common.labels_output import (
    Leaves,
    apply_scale,
    write_leaves,
)
from napari_herbarium._napari.common.layer_chooser import LayerChooser, Wires
from napari_herbarium._napari.common.layers import (
    full_resolution,
    mm_per_px,
    sheet_of,
    why_no_sheet,
)
from napari_herbarium._napari.common.scale_line import ScaleLine
from napari_herbarium._napari.preferences import preference_events, read_preferences
from napari_herbarium._napari.segment import tooltips
from napari_herbarium._napari.segment.form import SegmentForm
from napari_herbarium._napari.segment.job import Segmented, iter_segment_sheet
from napari_herbarium._napari.segment.tuning import LeafTuner
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.progress import Progress

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_SETTLE_MS = 150
_BUTTON = {
    State.IDLE: ("Segment leaves", tooltips.RUN),
    State.RUNNING: ("Cancel", tooltips.CANCEL),
    State.CANCELLING: ("Cancelling…", tooltips.CANCEL),
}
# Events of layers after which the sheet may be another one, or of another scale.
_TELLING = ("scale", "units", "data")
_UPDATING = "Updating the leaves…"
_WHAT_NEXT = (
    "Repair them with napari's brush where they are wrong, "
    "then measure them with “Measure leaves”."
)
_LOOK_LOWER = "Lower the threshold or the minimum area under “Advanced”."
_NO_MODEL = "No model is installed: choose a model folder with “…”."


class SegmentLeaves(DockedWidget):
    """Finds the leaves of the chosen sheet and adds them as labels to edit.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._image: Image | None = None
        self._message = ""
        self.runner = JobRunner()
        self.tuner = LeafTuner()
        self._settle = settling(self, _SETTLE_MS)
        self._build()
        self._lay_out()
        self._connect()
        self._refresh()

    def run(self) -> None:
        """Segment the chosen sheet, if it can be and nothing runs yet."""
        image = self.chooser.layer
        busy = self.runner.state is not State.IDLE
        if image is None or busy or self._obstacle() is not None:
            return
        self._settle.stop()
        self.tuner.runner.cancel()
        job = partial(
            iter_segment_sheet,
            sheet_of(image),
            self.form.segment_settings(),
            self.form.leaf_settings(),
        )
        self._image, self._message = image, ""
        self._show_progress(Progress(0, 0, "starting"))
        self.runner.run(job, f"Segment leaves of “{image.name}”")

    def cancel(self) -> None:
        """Stop the run at its next tile; nothing is added."""
        self.runner.cancel()

    def _build(self) -> None:
        self.chooser = LayerChooser(self._viewer)
        self.chooser.setToolTip(tooltips.SHEET)
        self.scale = ScaleLine()
        self.form = SegmentForm(read_preferences())
        self.progress = QProgressBar()
        self.progress.setToolTip(tooltips.PROGRESS)
        self.button = QPushButton()
        self.message = text_label()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        sheet = QFormLayout()
        sheet.addRow("Sheet", self.chooser)
        column.addLayout(sheet)
        column.addWidget(self.scale)
        column.addWidget(self.form)
        layout = QVBoxLayout(self)
        layout.addWidget(Column(inside))
        layout.addWidget(self.progress)
        layout.addWidget(self.button)
        layout.addWidget(self.message)
        layout.addStretch(1)

    def _connect(self) -> None:
        self._wires = Wires(self)
        self.destroyed.connect(self.runner.close)
        self.destroyed.connect(self.tuner.runner.close)
        layers = self._viewer.layers.events
        self._wires.connect(layers, self._on_layer_event)
        self._wires.connect(layers.removed, self._on_removed)
        preferences = preference_events()
        if preferences is not None:
            self._wires.connect(preferences, self._on_preferences)
        self.chooser.chosen.connect(self._on_chosen)
        self.scale.accepted.connect(self._on_scale_accepted)
        self.form.leaf_settings_changed.connect(self._on_leaf_settings)
        self.form.models.chosen.connect(self._refresh)
        self.button.clicked.connect(self._on_click)
        self._settle.timeout.connect(self._tune)
        self.runner.state_changed.connect(self._refresh)
        self.runner.progressed.connect(self._show_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)
        self.tuner.tuned.connect(self._on_tuned)
        self.tuner.refused.connect(self._say)

    def _obstacle(self) -> str | None:
        """Why there can be no run now, in words."""
        reason = why_no_sheet(self.chooser.layer)
        if reason is None and not self.form.has_model():
            reason = _NO_MODEL
        return reason

    def _refresh(self, _event: object = None) -> None:
        """Show the state of things."""
        state, obstacle = self.runner.state, self._obstacle()
        layer = self.chooser.layer
        idle = state is State.IDLE
        text, tip = _BUTTON[state]
        self.button.setText(text)
        self.button.setToolTip(tip)
        self.button.setEnabled(state is State.RUNNING or (idle and obstacle is None))
        self.progress.setVisible(not idle)
        self.scale.show_layer(layer)
        sized = layer is not None and layer.ndim == 2
        self.form.set_calibrated(sized and mm_per_px(layer) is not None)
        message = obstacle if idle and obstacle else self._message
        self.message.setText(message or "")
        self.message.setVisible(bool(message))

    def _say(self, message: str) -> None:
        self._message = message
        self._refresh()

    def _show_progress(self, progress: Progress) -> None:
        known = show_on(self.progress, progress)
        self._say("" if known else f"{progress.what.capitalize()}…")

    def _on_click(self) -> None:
        if self.runner.state is State.IDLE:
            self.run()
        else:
            self.cancel()

    def _on_chosen(self, _layer: object) -> None:
        if self.runner.state is State.IDLE:
            self._message = ""
        self._refresh()

    def _on_preferences(self, _event: object) -> None:
        self.form.take_preferences(read_preferences())
        self._refresh()

    def _on_layer_event(self, event: Any) -> None:
        if event.type in _TELLING:
            self._refresh()

    def _on_removed(self, event: Any) -> None:
        removed = event.value
        if removed is self._image and self.runner.state is not State.IDLE:
            self.cancel()
        self.tuner.forget(removed)
        if self._message == _UPDATING:
            self._message = ""
        self._refresh()

    def _on_done(self, result: tuple[Segmented, Leaves]) -> None:
        segmented, leaves = result
        image, self._image = self._image, None
        if image is None or image not in self._viewer.layers:
            self._say("The sheet was removed meanwhile, so nothing was added.")
            return
        if full_resolution(image).shape[:2] != leaves.labels.shape:
            self._say("The sheet was replaced meanwhile, so nothing was added.")
            return
        layer = write_leaves(self._viewer, image, leaves)
        self.tuner.keep(image, layer, segmented, leaves)
        self._say(_found(layer))
        if not self.isVisible():
            show_info(_found(layer))
        self._on_leaf_settings()

    def _on_failed(self, reason: str) -> None:
        self._image = None
        self._say(reason)
        show_error(reason)

    def _on_cancelled(self) -> None:
        removed = self._image is not None and self._image not in self._viewer.layers
        self._image = None
        self._say(
            "Stopped, because the sheet was removed."
            if removed
            else "Cancelled; nothing was added."
        )

    def _on_scale_accepted(self, size: float) -> None:
        image = self.chooser.layer
        if image is not None:
            apply_scale(self._viewer, image, size)
            self._refresh()
            self._on_leaf_settings()

    def _on_leaf_settings(self) -> None:
        self._settle.start()

    def _tune(self) -> None:
        self.tuner.tune(self.chooser.layer, self.form.leaf_settings())
        if self.tuner.runner.state is State.RUNNING:
            self._say(_UPDATING)

    def _on_tuned(self, layer: Labels) -> None:
        self._say(_found(layer))


def _found(layer: Labels) -> str:
    count = len(layer.features)
    if count == 0:
        return f"No leaves in “{layer.name}”. {_LOOK_LOWER}"
    return f"{words.leaves(count)} in “{layer.name}”. {_WHAT_NEXT}"
