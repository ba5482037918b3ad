"""The dock widget "Segment a folder": the batch engine for people without a shell.

It holds no science: it puts the controls into an `Order`, says in words what that
would do, hands the engine's job to a `JobRunner` and shows how far it is. Sheets are
done in processes of their own, so a sheet that crashes one does not end napari, and
napari stays quick.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_herbarium import words
from napari_herbarium._napari.batch import tooltips
from napari_herbarium._napari.batch.form import BatchForm
from napari_herbarium._napari.batch.order import iter_order
from napari_herbarium._napari.batch.outlook import Outlook, iter_outlook
from napari_herbarium._napari.batch.watch import BatchWatch
from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.controls import button, settling, text_label
from napari_herbarium._napari.common.docked import DockedWidget, dock_of
from napari_herbarium._napari.preferences import read_preferences
from napari_herbarium._napari.review.widget import BatchReview, dock_name
from napari_herbarium._napari.worker import JobRunner, State

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_herbarium.batch.run import BatchProgress, BatchReport

TITLE = "Segment a folder"
_SETTLE_MS = 300
_CHOOSE = "Choose the sheets, and a folder for the results."
_NO_MODEL = "No model is installed: choose a model folder with “…”."
_LEFT = (
    "The run was stopped, because its widget was closed. What is done stays; open "
    f"“{TITLE}” again to go on."
)
_CANCELLING = "Waiting for the workers to stop…"


class SegmentFolder(DockedWidget):
    """Segments all sheets of a folder in the background.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; napari passes it by this name.

    Attributes
    ----------
    open_page, open_review : callable
        Show a report, and a run for review.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._outlook: Outlook | None = None
        self._obstacle = _CHOOSE
        self._message = ""
        self.open_page: Callable[[Path], object] = _open_page
        self.open_review: Callable[[Path], object] = partial(_review, napari_viewer)
        self.runner, self.looker = JobRunner(), JobRunner()
        self._settle = settling(self, _SETTLE_MS)
        self._build()
        self._lay_out()
        self._connect()
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Look again: the run may have been reviewed meanwhile."""
        super().showEvent(event)
        if self._outlook is not None:
            self._settle.start()

    def run(self) -> None:
        """Start, if it is known what to do and nothing runs yet."""
        order = self.form.order()
        if order is None or not self._can_start():
            return
        self._message = ""
        self.watch.begin()
        title = f"Segment the folder “{Path(order.inputs[0]).name}”"
        self.runner.run(partial(iter_order, order), title)

    def cancel(self) -> None:
        """Stop; what is done stays."""
        self.runner.cancel()

    def leave(self) -> None:
        """End the widget, and a run with it; nothing of it would be seen any more."""
        if self.runner.state is not State.IDLE:
            show_info(_LEFT)
        super().leave()

    def _build(self) -> None:
        self.form = BatchForm(read_preferences())
        self.outlook = text_label()
        self.watch = BatchWatch()
        self.button = QPushButton()
        self.report = button("Open report", tooltips.REPORT)
        self.review = button("Review", tooltips.REVIEW)
        self.message = text_label()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.form)
        after = QHBoxLayout()
        after.addWidget(self.report)
        after.addWidget(self.review)
        layout = QVBoxLayout(self)
        layout.addWidget(Column(inside))
        layout.addWidget(self.outlook)
        layout.addWidget(self.button)
        layout.addWidget(self.watch)
        layout.addWidget(self.message)
        layout.addLayout(after)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.destroyed.connect(self.runner.close)
        self.destroyed.connect(self.looker.close)
        self.form.changed.connect(self._on_changed)
        self.form.results.changed.connect(self.form.forget_earlier)
        self.button.clicked.connect(self._on_click)
        self.report.clicked.connect(self._open_report)
        self.review.clicked.connect(self._open_review)
        self._settle.timeout.connect(self._look)
        self.looker.done.connect(self._on_outlook)
        self.looker.failed.connect(self._on_no_outlook)
        self.runner.state_changed.connect(self._refresh)
        self.runner.progressed.connect(self._on_progress)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _can_start(self) -> bool:
        outlook = self._outlook
        return (
            self.runner.state is State.IDLE
            and outlook is not None
            and not outlook.changes
            and (outlook.todo > 0 or not outlook.has_report or outlook.is_reviewed)
        )

    def _refresh(self, _event: object = None) -> None:
        """Show the state of things."""
        state, outlook = self.runner.state, self._outlook
        idle = state is State.IDLE
        text, tip = self._button_text()
        self.button.setText(text)
        self.button.setToolTip(tip)
        self.button.setEnabled(state is State.RUNNING or self._can_start())
        self.form.setEnabled(idle)
        words = self._obstacle or (outlook.words() if outlook else "")
        self.outlook.setText(words)
        self.outlook.setVisible(idle and bool(words))
        if idle:
            self.watch.end()
        has_run = outlook is not None and outlook.has_run
        self.form.show_earlier(
            has_run=has_run, failed=outlook is not None and outlook.failed > 0
        )
        self.report.setEnabled(idle and outlook is not None and outlook.has_report)
        # A run can be reviewed while it is at work.
        self.review.setEnabled(has_run or (not idle and self.watch.bar.value() > 0))
        message = _CANCELLING if state is State.CANCELLING else self._message
        self.message.setText(message)
        self.message.setVisible(bool(message))

    def _button_text(self) -> tuple[str, str]:
        if self.runner.state is State.RUNNING:
            return "Cancel", tooltips.CANCEL
        if self.runner.state is State.CANCELLING:
            return "Cancelling…", tooltips.CANCEL
        outlook = self._outlook
        if outlook is not None and outlook.done + outlook.failed > 0:
            if outlook.is_reviewed and not outlook.todo:
                return "Write the tables anew", tooltips.TABLES
            return ("Go on" if self._can_start() else "All done"), tooltips.GO_ON
        return "Segment folder", tooltips.START

    def _on_changed(self) -> None:
        self._outlook, self._message = None, ""
        self._settle.stop()
        self.looker.cancel()  # what it sees is of the settings before
        order = self.form.order()
        if order is None:
            self._obstacle = _CHOOSE
        elif not self.form.how.has_model():
            self._obstacle = _NO_MODEL
        else:
            self._obstacle = "Looking…"
            self._settle.start()
        self._refresh()

    def _look(self) -> None:
        """Find out what a run would do."""
        order = self.form.order()
        if order is not None and self.runner.state is State.IDLE:
            self.looker.run_latest(partial(iter_outlook, order), "Look for sheets")

    def _on_outlook(self, outlook: Outlook) -> None:
        if not self._settle.isActive():
            self._outlook, self._obstacle = outlook, ""
            self._refresh()

    def _on_no_outlook(self, reason: str) -> None:
        if not self._settle.isActive():
            self._outlook, self._obstacle = None, reason
            self._refresh()

    def _on_click(self) -> None:
        if self.runner.state is State.IDLE:
            self.run()
        else:
            self.cancel()

    def _on_progress(self, progress: BatchProgress) -> None:
        self.watch.show_progress(progress)
        self._refresh()

    def _on_done(self, report: BatchReport) -> None:
        self.watch.set_failures(report.failures)
        self._end(_summary(report))
        if not self.isVisible():
            show_info(_summary(report))

    def _on_failed(self, reason: str) -> None:
        self._end(reason)
        show_error(reason)

    def _on_cancelled(self) -> None:
        self._end("Stopped. What is done stays; start again to go on.")

    def _end(self, message: str) -> None:
        """Say how the run ended, and look at what is there now."""
        self.form.forget_earlier()
        self._on_changed()
        self._message = message
        self._refresh()

    def _open_report(self) -> None:
        folder = self.form.results.folder()
        if folder is not None:
            from napari_herbarium.batch.records.layout import Layout

            self.open_page(Layout(folder.absolute()).report)

    def _open_review(self) -> None:
        folder = self.form.results.folder()
        if folder is not None:
            self.open_review(folder)


def _summary(report: BatchReport) -> str:
    parts = [f"{words.sheets(report.done)} done", words.leaves(report.leaves)]
    if report.failed:
        parts.append(f"{report.failed:,} failed")
    if report.skipped:
        parts.append(f"{words.counted(report.skipped, 'other file')} skipped")
    return f"{', '.join(parts)} ({words.duration(report.seconds)})."


def _open_page(page: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))


def _review(viewer: ViewerModel, folder: Path) -> None:
    """Open a run in "Batch review", beside this widget."""
    window = getattr(viewer, "window", None)
    if window is None:
        return
    open_already = window.dock_widgets.values()
    widget = next((x for x in open_already if isinstance(x, BatchReview)), None)
    if widget is None:
        widget = BatchReview(viewer)
        window.add_dock_widget(widget, name=dock_name(), tabify=True)
    dock = dock_of(widget)
    if dock is not None:
        dock.show()
        dock.raise_()
    widget.open_run(folder)
