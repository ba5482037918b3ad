"""The dock widget "Measure leaves".

It holds no science: `LiveMeasure` has the core measure in the background and writes
the layer's features; this shows the table, and turns clicks into words for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.notifications import show_error, show_info

from napari_herbarium import words
from napari_herbarium._napari.common.controls import settling
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.common.layers import why_no_sheet
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.calibrate import set_scale
from napari_herbarium._napari.measure.changes import own_threshold
from napari_herbarium._napari.measure.content import content_of, counts
from napari_herbarium._napari.measure.leaf import LeafClicks, box_of, go_to_leaf
from napari_herbarium._napari.measure.learn import Said, said_of
from napari_herbarium._napari.measure.live import LiveMeasure
from napari_herbarium._napari.measure.painting import Painter
from napari_herbarium._napari.measure.panel import MeasurePanel
from napari_herbarium._napari.measure.repair import LeafRepair
from napari_herbarium._napari.measure.ruler import RulerReader
from napari_herbarium._napari.measure.save import Content
from napari_herbarium._napari.measure.subject import why_not_measured
from napari_herbarium._napari.worker import State
from napari_herbarium.progress import Progress
from napari_herbarium.settings import DEFAULT_JUDGE

if TYPE_CHECKING:
    from napari.components import ViewerModel

_PATIENCE_MS = 250
_SETTLE_MS = 120
_MOST_NAMED = 5
_BUTTON = {
    State.IDLE: ("Measure leaves", tooltips.MEASURE),
    State.RUNNING: ("Cancel", tooltips.CANCEL),
    State.CANCELLING: ("Cancelling…", tooltips.CANCEL),
}
_NO_SHEET = "not open: colours stay empty"


class MeasureLeaves(MeasurePanel):
    """Measures the leaves of a labels layer and shows the table.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        threshold = own_threshold(DEFAULT_JUDGE)
        super().__init__(napari_viewer, threshold)
        self._viewer = napari_viewer
        self._message = self._repaired = ""
        self.live = LiveMeasure(napari_viewer, self, threshold)
        self.ruler = RulerReader()
        self.repair = LeafRepair()
        self.painter = Painter(self.live, self.form)
        self.save.content = self._content
        self.learn.said = self._said
        self.learn.base = self.judge.settings
        self._patience = settling(self, _PATIENCE_MS)
        self._settle = settling(self, _SETTLE_MS)
        self._connect()
        self._on_chosen(self.chooser.layer)

    def run(self) -> None:
        """Measure the chosen layer, if it can be and nothing runs yet."""
        if self.live.runner.state is State.IDLE and self.live.measure():
            self._say("")

    def go_to(self, label: int) -> None:
        """Select a leaf in the picture and move the camera to it."""
        layer, measured = self.live.layer, self.live.measured
        if layer is None or measured is None:
            return
        box = box_of(measured.table, label)
        if box is not None:
            layer.selected_label = label
            go_to_leaf(self._viewer, layer, box)

    @property
    def _sheet(self) -> Image | None:
        """The image under the leaves; before there are any, the topmost sheet."""
        if self.live.layer is not None:
            return self.live.image
        images = [x for x in self._viewer.layers[::-1] if isinstance(x, Image)]
        return next((x for x in images if why_no_sheet(x) is None), None)

    def _connect(self) -> None:
        self._wires, self._layer_wires = Wires(self), Wires(self)
        self._clicks = LeafClicks(
            self._viewer, lambda: self.live.layer, self._on_leaf_clicked
        )
        self.destroyed.connect(self._clicks.stop)
        self.destroyed.connect(self.ruler.runner.close)
        self.destroyed.connect(self.repair.runner.close)
        self.destroyed.connect(self.learn.runner.close)
        self._wires.connect(self._viewer.layers.events, self._on_layers)
        self.chooser.chosen.connect(self._on_chosen)
        self._connect_work()
        self._connect_controls()

    def _connect_work(self) -> None:
        self.live.updated.connect(self._on_updated)
        self.live.runner.state_changed.connect(self._on_state)
        self.live.runner.progressed.connect(self.show_progress)
        self.live.runner.failed.connect(self._on_failed)
        self.live.runner.cancelled.connect(self._on_cancelled)
        self.ruler.found.connect(self._on_ruler)
        self.ruler.contradicted.connect(self._on_other_ruler)
        self.ruler.said.connect(self._on_ruler_said)
        self.repair.begun.connect(self._say)
        self.repair.said.connect(self._say)
        self.repair.repaired.connect(self._on_repaired)
        self.save.said.connect(self._say)
        self.learn.told.connect(self._tell)

    def _connect_controls(self) -> None:
        self.button.clicked.connect(self._on_click)
        self.judge.chosen.connect(self._on_judge)
        self.judge.learn_asked.connect(self.learn.open)
        self.scale.given.connect(self._set_scale)
        self.scale.ruler_asked.connect(self._read_ruler)
        self.bar.changed.connect(self._show_table)
        self.form.flip_asked.connect(self._flip)
        self.form.merge_asked.connect(self._merge)
        self.form.cut_asked.connect(self._cut)
        self.table.leaf_chosen.connect(self.go_to)
        self.table.said.connect(self.live.say)
        self.form.threshold_changed.connect(self._settle.start)
        self.form.colours_changed.connect(self.painter.paint)
        self.form.trait_changed.connect(self.painter.paint)
        self._settle.timeout.connect(self._on_threshold)
        self._patience.timeout.connect(self._refresh)

    def _refresh(self, _event: object = None) -> None:
        """Show the state of things."""
        layer, image, state = self.live.layer, self._sheet, self.live.runner.state
        obstacle = why_not_measured(layer)
        # What is over in a moment shall not make everything jump.
        busy = state is not State.IDLE and not self._patience.isActive()
        text, tip = _BUTTON[state if busy else State.IDLE]
        self.button.setText(text)
        self.button.setToolTip(tip)
        self.button.setEnabled(obstacle is None and state is not State.CANCELLING)
        self.progress.setVisible(busy)
        self.sheet.setText(_NO_SHEET if image is None else image.name)
        self.scale.show_layer(image if image is not None else layer)
        self.scale.read.setEnabled(image is not None)
        self.enable_results(self.live.measured is not None)
        self.show_message(obstacle or self._message)

    def _say(self, message: str) -> None:
        self._message = message
        self._refresh()

    def _tell(self, sentence: str) -> None:
        """Say what came of minutes of work, though the dock may be closed by now."""
        self._say(sentence)
        if not self.isVisible():
            show_info(sentence)

    def _on_click(self) -> None:
        if self.live.runner.state is State.IDLE:
            self.run()
        elif not self._patience.isActive():
            self.live.runner.cancel()

    def _on_state(self, state: State) -> None:
        if state is State.RUNNING:
            self.show_progress(Progress(0, 0, "starting"))
            self._patience.start()
        self._refresh()

    def _on_chosen(self, layer: Labels | None) -> None:
        self._layer_wires.cut()
        self._repaired = ""
        self.repair.runner.cancel()  # what was said of that layer's leaves would stay
        self.live.watch(layer)
        if layer is not None:
            selected = layer.events.selected_label
            self._layer_wires.connect(selected, self._on_selected_label)
        self._message = ""
        self._show_all()

    def _on_layers(self, event: Any) -> None:
        if event.type == "removed":
            self.live.drop(event.value)
            self._refresh()
        elif event.type in ("inserted", "scale", "units", "name"):
            self._refresh()

    def _on_updated(self, again: frozenset[int] | None) -> None:
        # A word on something else (a scale, a flip) shall not be talked over.
        if again is None or again:
            self._message = self._repaired or self._summary(again)
            self._repaired = ""
        self._show_all()

    def _on_failed(self, reason: str) -> None:
        self._say(reason)
        show_error(reason)

    def _on_cancelled(self) -> None:
        self._say("Cancelled; the table is as it was.")

    def _on_selected_label(self, _event: object) -> None:
        # napari says so too when only the colours are new.
        if self.live.layer is not None and not self.live.looks_away:
            self.table.select_leaf(self.live.layer.selected_label)

    def _on_leaf_clicked(self, label: int, beside: bool) -> None:
        if self.live.layer is None:
            return
        if beside:
            self.table.toggle_leaf(label)
        else:
            self.live.layer.selected_label = label
            self.table.select_leaf(label)

    def _on_threshold(self) -> None:
        self.live.set_threshold(self.form.threshold.value())

    def _on_judge(self) -> None:
        judge = self.judge.settings()
        threshold = self.form.threshold
        # What cannot be read will not judge; then all stays as it is.
        threshold.setValue(own_threshold(judge, threshold.value()))
        self.live.set_judge(judge)

    def _said(self) -> list[Said]:
        self.live.heed_ticks()
        return said_of(self._viewer)

    def _flip(self) -> None:
        labels = self.table.labels()
        if labels:
            self.live.flip(labels)
        else:
            self._say("Select leaves first: click their rows, or a leaf.")

    def _merge(self) -> None:
        if self.live.layer is not None:
            self.repair.merge(self.live.layer, self.table.labels())

    def _cut(self) -> None:
        layer, image = self.live.layer, self.live.image
        if layer is not None:
            self.repair.cut(layer, self.table.labels(), image)

    def _on_repaired(self, labels: list[int], sentence: str) -> None:
        """Forget what was said of leaves that are others now, unless it is undone."""
        if self.repair.layer is self.live.layer:
            self.live.forget(labels)
            self._repaired = sentence  # what is measured for it has no more to say
            self._say(sentence)

    def _set_scale(self, size: float, source: str) -> None:
        told = set_scale(self._viewer, self.live.layer, self._sheet, size, source)
        self.scale.offer(None)
        self._say(told)

    def _read_ruler(self) -> None:
        self.ruler.read(self._sheet, self.live.layer)

    def _on_ruler(self, size: float) -> None:
        there = self._viewer.layers
        image, labels = self.ruler.image, self.ruler.labels
        if image is not None and image in there:
            labels = labels if labels in there else None
            set_scale(self._viewer, labels, image, size, "ruler")
            self._refresh()

    def _on_other_ruler(self, size: float) -> None:
        if self.ruler.is_about(self._sheet):
            self.scale.offer(size)

    def _on_ruler_said(self, sentence: str) -> None:
        read = self.ruler.image
        elsewhere = read is not None and not self.ruler.is_about(self._sheet)
        self._say(f"“{read.name}”: {sentence}" if read and elsewhere else sentence)

    def _show_all(self) -> None:
        """Show table, colours and histogram of the layer of now."""
        measured = self.live.measured
        calibrated = measured is not None and measured.facts.mm_per_px is not None
        self.bar.set_calibrated(calibrated)
        if measured is not None:
            self.bar.set_columns(list(measured.table.columns))
        self._show_table()
        self.painter.paint()
        self._refresh()

    def _show_table(self) -> None:
        measured = self.live.measured
        if measured is None:
            self.table.clear()
            self.form.show_counts("")
            return
        self.form.set_columns(list(measured.table.columns), self.bar.unit)
        self.form.show_counts(counts(measured.table))
        self.table.show_table(measured.table, self.bar.columns())

    def _summary(self, again: frozenset[int] | None) -> str:
        layer, measured = self.live.layer, self.live.measured
        if layer is None or measured is None:
            return ""
        count = len(measured.table)
        if again and count:
            return f"Measured again: {_some(again)}."
        leaves = words.leaves(count) if count else "No leaves"
        return f"{leaves} in “{layer.name}”."

    def _content(self) -> Content | None:
        layer, measured = self.live.layer, self.live.measured
        if layer is None or measured is None or not self.live.settled:
            self._say("The leaves are being measured; save when that is done.")
            return None
        image = self.live.image
        return content_of(layer, image, measured, self.live.threshold, self.live.flips)


def _some(labels: frozenset[int]) -> str:
    shown = words.some([str(label) for label in sorted(labels)], _MOST_NAMED)
    return f"{'leaf' if len(labels) == 1 else 'leaves'} {shown}"
