"""The dock widget "Batch review": look through a run, repair, accept or reject.

It holds no science: the core opens the run and writes verdicts and repairs, each
whole or not at all, with what the model had found kept beside them; so a review can be
left at any time and goes on where it was left. One sheet is in the viewer at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from npe2 import PluginManager
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.controls import (
    combo,
    form_layout,
    settling,
    text_label,
    tool_button,
)
from napari_herbarium._napari.common.docked import DockedWidget, dock_of
from napari_herbarium._napari.common.path_line import FolderRow
from napari_herbarium._napari.preferences import (
    PLUGIN,
    read_training_folder,
    remember_training_folder,
)
from napari_herbarium._napari.review import tooltips
from napari_herbarium._napari.review.ask import Unsaved, ask_replace, ask_unsaved
from napari_herbarium._napari.review.closing import CloseGuard
from napari_herbarium._napari.review.job import Word
from napari_herbarium._napari.review.listing import Show
from napari_herbarium._napari.review.panel import ReviewPanel
from napari_herbarium._napari.review.session import ReviewSession
from napari_herbarium._napari.review.table import ReviewTable

if TYPE_CHECKING:
    from napari.components import ViewerModel

TITLE = "Batch review"
_SETTLE_MS = 300
_SHOWS = {
    "All sheets": Show.ALL,
    "To look at": Show.TO_DO,
    "Failed": Show.FAILED,
    "Rejected": Show.REJECTED,
    "For training": Show.TRAINING,
}
_CHOOSE = "Choose the results folder of a run."
_NO_TRAINING = "Choose a folder for the training pairs first."


class BatchReview(DockedWidget):
    """Steps through the sheets of a run.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; napari passes it by this name.

    Attributes
    ----------
    ask_unsaved, ask_replace : callable
        Ask the user before repairs, or a training pair, would be lost.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._message = _CHOOSE
        self._docked_as = TITLE
        self._folder: Path | None = None
        self.ask_unsaved: Callable[[str], Unsaved] = partial(ask_unsaved, self)
        self.ask_replace: Callable[[str, Path], bool] = partial(ask_replace, self)
        self.session = ReviewSession(napari_viewer, lambda name: self.ask_unsaved(name))
        self._guard = CloseGuard(self, self.session.may_close)
        self._typed = settling(self, _SETTLE_MS)
        self._painted = settling(self, _SETTLE_MS)
        self._build()
        self._lay_out()
        self._connect()
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Look out for the closing of the window that the widget is in."""
        super().showEvent(event)
        self._guard.watch()
        dock = dock_of(self)
        if dock is not None:
            self._docked_as = dock.objectName()

    @property
    def is_writing(self) -> bool:
        """Whether a verdict or repairs are being saved."""
        return self.session.is_saving

    def leave(self) -> None:
        """End the widget, if repairs allow it; else it goes back to where it was."""
        if self.session.may_close(lambda: None) or self.is_writing:
            super().leave()
        else:
            window = self._viewer.window
            window.add_dock_widget(self, name=self._docked_as)

    def open_run(self, folder: Path) -> None:
        """Open a run; asks when that would lose repairs."""
        self.folder.set_folder(folder)
        self._typed.stop()
        self._folder = folder
        self.session.open_run(folder)

    def decide(self, word: Word) -> None:
        """Say something of the sheet, and save its repairs with that."""
        if self.session.is_open:
            self.session.decide(word)

    def train(self) -> None:
        """Accept the sheet, and put it among the training pairs."""
        folder = self.panel.training.folder()
        if folder is None:
            self._say(_NO_TRAINING)
        elif self.session.opened is not None:
            name = self.session.opened.review.name
            there = self.session.would_replace(folder)
            if not there or self.ask_replace(name, folder):
                remember_training_folder(folder)
                self.session.decide(Word.ACCEPT, folder, overwrite=True)

    def _build(self) -> None:
        self.folder = FolderRow(tooltips.RUN, tooltips.BROWSE_RUN, "results of a run")
        self.reload = tool_button("↻", tooltips.RELOAD)
        self.show_box = combo(tooltips.SHOW, _SHOWS)
        self.summary = text_label()
        self.table = ReviewTable()
        self.panel = ReviewPanel()
        self.message = text_label()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        run = QHBoxLayout()
        run.addWidget(self.folder)
        run.addWidget(self.reload)
        form = form_layout()
        form.addRow("Run", run)
        form.addRow("Show", self.show_box)
        column.addLayout(form)
        column.addWidget(self.summary)
        column.addWidget(self.table, 1)
        column.addWidget(self.panel)
        column.addWidget(self.message)
        QVBoxLayout(self).addWidget(Column(inside, tall=True))

    def _connect(self) -> None:
        session, panel = self.session, self.panel
        self.destroyed.connect(session.close)
        self.folder.changed.connect(self._typed.start)
        self._typed.timeout.connect(self._on_typed)
        self._painted.timeout.connect(session.look_for_edits)
        self.reload.clicked.connect(self._reload)
        self.show_box.currentIndexChanged.connect(self._list)
        self.table.chosen.connect(self._go_to)
        self.table.clicked_on.connect(self._on_clicked)
        panel.stepped.connect(self._step)
        panel.accepted.connect(partial(self.decide, Word.ACCEPT))
        panel.rejected.connect(partial(self.decide, Word.REJECT))
        panel.restored.connect(session.restore)
        panel.taken.connect(self.train)
        panel.go_on.toggled.connect(self._on_go_on)
        session.layers.touched.connect(self._on_touched)
        session.listed.connect(self._on_listed)
        session.changed.connect(self._refresh)
        session.said.connect(self._say)
        session.saver.failed.connect(show_error)

    def _refresh(self) -> None:
        """Show the state of things."""
        session, listing = self.session, self.session.listing
        self.summary.setText("" if listing is None else listing.summary())
        self.summary.setVisible(listing is not None)
        self.table.setEnabled(listing is not None)
        if listing is not None:
            self.table.rows.update(listing)
        self.table.select(session.index)
        self.panel.show_sheet(session)
        self.message.setText(self._message)
        self.message.setVisible(bool(self._message))

    def _say(self, message: str) -> None:
        self._message = message
        self._refresh()

    def _on_typed(self) -> None:
        """Open what was typed or chosen, unless it is open already."""
        folder = self.folder.folder()
        if folder is not None and folder != self._folder:
            self._folder = folder
            self.session.open_run(folder)

    def _reload(self) -> None:
        folder = self.folder.folder()
        if folder is not None:
            self.open_run(folder)

    def _on_listed(self) -> None:
        listing = self.session.listing
        if listing is not None and self.panel.training.folder() is None:
            folder = read_training_folder() or listing.training
            self.panel.training.set_folder(folder)
        self._list()

    def _list(self, _index: int = 0) -> None:
        show = Show(self.show_box.currentData())
        self.table.show_listing(self.session.listing, show)
        self._refresh()

    def _go_to(self, index: int) -> None:
        self.session.go_to(index)
        # The user may have chosen to stay.
        self.table.select(self.session.index)

    def _on_clicked(self, index: int) -> None:
        """Bring back the layers of the sheet that is looked at, if they are gone."""
        if index == self.session.index:
            self._go_to(index)

    def _step(self, step: int) -> None:
        index = self.table.neighbour(self.session.index, step)
        if index is not None:
            self._go_to(index)

    def _on_touched(self) -> None:
        self._painted.start()

    def _on_go_on(self, go_on: bool) -> None:
        self.session.go_on = go_on


def dock_name() -> str:
    """Give the name that napari's menu gives the dock; it opens a second one else."""
    manifest = PluginManager.instance().get_manifest(PLUGIN)
    return f"{TITLE} ({manifest.display_name or PLUGIN})"
