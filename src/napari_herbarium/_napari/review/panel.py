"""The sheet that is looked at, and what can be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from napari_herbarium import words
from napari_herbarium._napari.common.controls import bare, button, check, text_label
from napari_herbarium._napari.common.path_line import FolderRow
from napari_herbarium._napari.review import tooltips

if TYPE_CHECKING:
    from napari_herbarium._napari.review.session import ReviewSession

_UNSAVED = "Your repairs are not saved yet."
_HINT = "Repair the leaves with the brush, the bucket or the eraser of their layer."


class ReviewPanel(QWidget):
    """Steps, facts and verdicts for one sheet.

    Signals
    -------
    stepped : int
        The user wants the sheet above (-1) or below (1).
    accepted, rejected, restored, taken
        The user clicked the button.
    """

    stepped = Signal(int)
    accepted = Signal()
    rejected = Signal()
    restored = Signal()
    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.previous = button("◀ Previous", tooltips.PREVIOUS)
        self.next = button("Next ▶", tooltips.NEXT)
        self.facts = text_label()
        self.accept = button("Accept", tooltips.ACCEPT)
        self.reject = button("Reject", tooltips.REJECT)
        self.restore = button("Back to the model's leaves", tooltips.RESTORE)
        self.go_on = check("Then open the next sheet", tooltips.GO_ON, checked=True)
        self.training = FolderRow(
            tooltips.TRAINING, tooltips.BROWSE_TRAINING, "folder for training pairs"
        )
        self.train = button("Use for training", tooltips.TRAIN)
        self._lay_out()
        self._connect()

    def show_sheet(self, session: ReviewSession) -> None:
        """Show what is known of a sheet, and allow what can be done with it."""
        busy, listing = session.is_saving, session.listing
        self.facts.setText(_facts(session))
        self.facts.setVisible(bool(self.facts.text()))
        there = listing is not None and len(listing) > 0 and not busy
        self.previous.setEnabled(there)
        self.next.setEnabled(there)
        self.accept.setText("Save and accept" if session.edited else "Accept")
        for verdict in (self.accept, self.reject, self.restore, self.train):
            verdict.setEnabled(session.is_open and not busy)

    def _lay_out(self) -> None:
        steps, verdicts = QHBoxLayout(), QHBoxLayout()
        steps.addWidget(self.previous)
        steps.addWidget(self.next)
        verdicts.addWidget(self.accept)
        verdicts.addWidget(self.reject)
        training = bare(QFormLayout())
        training.addRow("Training pairs", self.training)
        bare(
            QVBoxLayout(self),
            steps,
            self.facts,
            verdicts,
            self.go_on,
            self.restore,
            training,
            self.train,
        )

    def _connect(self) -> None:
        self.previous.clicked.connect(lambda: self.stepped.emit(-1))
        self.next.clicked.connect(lambda: self.stepped.emit(1))
        self.accept.clicked.connect(lambda: self.accepted.emit())
        self.reject.clicked.connect(lambda: self.rejected.emit())
        self.restore.clicked.connect(lambda: self.restored.emit())
        self.train.clicked.connect(lambda: self.taken.emit())


def _facts(session: ReviewSession) -> str:
    """Say what is known of the sheet, in a few lines."""
    listing, index = session.listing, session.index
    if listing is None or index is None:
        return ""
    sheet, entry = listing.sheet(index), listing.entry(index)
    if sheet is None:
        return f"{entry.name} failed: {entry.reason}\n{entry.source}"
    scale = "no scale: areas in px"
    if sheet.mm_per_px is not None:
        scale = f"{sheet.mm_per_px:.4g} mm per px ({sheet.facts().scale_source})"
    leaves = words.leaves(sheet.leaves)
    if sheet.leaves != sheet.leaves_of_model:
        leaves += f" (the model found {sheet.leaves_of_model:,})"
    known = f"{entry.name}: {leaves}, confidence {sheet.confidence:.2f}, {scale}"
    hint = _UNSAVED if session.edited else _HINT if session.is_open else ""
    return f"{known}\nState: {listing.state(index)}. {hint}".rstrip()
