"""The list of pairs: one row each, with what is known of it and what is wrong."""

from __future__ import annotations

from functools import partial
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_herbarium import words
from napari_herbarium._napari.common.controls import (
    bare,
    settling,
    text_label,
    tool_button,
)
from napari_herbarium._napari.common.layer_chooser import Wires
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.finetune.pairs import (
    OpenPair,
    PairFacts,
    iter_look,
    open_pair,
    pair_name,
)
from napari_herbarium._napari.worker import JobRunner

if TYPE_CHECKING:
    from napari.layers import Image, Labels

WARNING = "#e0a030"
_SETTLE_MS = 800
_NONE_YET = "No pairs yet: choose a sheet and its corrected leaves, then “Add pair”."


class PairRow(QFrame):
    """One pair.

    Signals
    -------
    removed
        It is to be taken out of the list.
    edited
        Its labels may be other ones now.
    """

    removed = Signal()
    edited = Signal()

    def __init__(self, name: str, image: Image, labels: Labels) -> None:
        super().__init__()
        self.name, self.image, self.labels = name, image, labels
        self.facts: PairFacts | None = None
        self.text = text_label(tooltips.ROW)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.remove = tool_button("✕", tooltips.REMOVE)
        layout = bare(QHBoxLayout(self))
        layout.addWidget(self.text, 1)
        layout.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)
        self.remove.clicked.connect(self.removed)
        self._wires = Wires(self)
        for emitter in (labels.events.data, labels.events.paint, image.events.data):
            self._wires.connect(emitter, self._on_edit)
        self.show_facts(None)

    def taken(self) -> OpenPair:
        """Give the pair as it is now."""
        return open_pair(self.name, self.image, self.labels)

    def show_facts(self, facts: PairFacts | None) -> None:
        """Say what is known; None while it is being looked at."""
        self.facts = facts
        lines = [f"<b>{escape(self.name)}</b>", escape(_known(facts))]
        text = " · ".join(lines)
        if self.labels.name != f"{self.name} leaves":
            text += f"<br>leaves: {escape(self.labels.name)}"
        for fault in facts.faults if facts else ():
            text += f"<br><span style='color:{WARNING}'>⚠</span> {escape(fault)}"
        self.text.setText(text)

    def close_wires(self) -> None:
        """Hear no more of the layers."""
        self._wires.cut()

    def _on_edit(self, _event: object = None) -> None:
        self.edited.emit()


class PairRows(QWidget):
    """Rows of pairs; looks at new and edited ones in the background.

    Signals
    -------
    changed
        Pairs came, went, or are known better.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PairRow] = []
        self._unseen: set[PairRow] = set()
        self._looking: list[PairRow] = []
        self.runner = JobRunner()
        self._settle = settling(self, _SETTLE_MS)
        self._empty = QLabel(_NONE_YET)
        self._empty.setWordWrap(True)
        self._layout = bare(QVBoxLayout(self), self._empty)
        self._settle.timeout.connect(self._look)
        self.runner.done.connect(self._on_looked)
        self.runner.failed.connect(self._on_not_looked)
        self.destroyed.connect(self.runner.close)

    def add(self, image: Image, labels: Labels) -> None:
        """Add a pair; a sheet that is in the list gets these labels instead."""
        name = pair_name(image, labels)
        same = next((row for row in self.rows if row.image is image), None)
        if same is not None:
            name = same.name
            self.remove(same)
        row = PairRow(self._free(name), image, labels)
        row.removed.connect(partial(self.remove, row))
        row.edited.connect(partial(self._on_edited, row))
        self.rows.append(row)
        self._layout.addWidget(row)
        self._on_edited(row, 0)
        self._tell()

    def remove(self, row: PairRow) -> None:
        """Take a pair out of the list."""
        self.rows.remove(row)
        self._unseen.discard(row)
        row.close_wires()
        self._layout.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._tell()

    def tab_after(self, control: QWidget) -> None:
        """Let Tab find the rows where they are seen, not after all that was there."""
        for stop, following in pairwise([control, *(row.remove for row in self.rows)]):
            QWidget.setTabOrder(stop, following)

    def taken(self) -> list[OpenPair]:
        """Give all pairs as they are now."""
        return [row.taken() for row in self.rows]

    def faults(self) -> list[str]:
        """Give all that is wrong with the pairs, as far as is known."""
        return [fault for row in self.rows if row.facts for fault in row.facts.faults]

    def is_looking(self) -> bool:
        """Whether pairs are still being looked at."""
        return bool(self._unseen or self._looking)

    def _free(self, name: str) -> str:
        taken = {row.name for row in self.rows}
        others = (f"{name} {number}" for number in range(2, len(taken) + 3))
        return next(x for x in (name, *others) if x not in taken)

    def _on_edited(self, row: PairRow, wait_ms: int = _SETTLE_MS) -> None:
        self._unseen.add(row)
        self._settle.start(wait_ms)

    def _look(self) -> None:
        if self._looking:
            return
        self._looking = [row for row in self.rows if row in self._unseen]
        self._unseen.clear()
        if self._looking:
            pairs = [row.taken() for row in self._looking]
            self.runner.run(partial(iter_look, pairs), "Look at training pairs")

    def _on_looked(self, found: list[PairFacts]) -> None:
        looked, self._looking = self._looking, []
        for row, facts in zip(looked, found, strict=True):
            if row in self.rows:
                row.show_facts(facts)
        if self._unseen:
            self._settle.start(_SETTLE_MS)
        self._tell()

    def _on_not_looked(self, reason: str) -> None:
        self._on_looked([PairFacts((), 0, (reason,))] * len(self._looking))

    def _tell(self) -> None:
        self._empty.setVisible(not self.rows)
        self.changed.emit()


def _known(facts: PairFacts | None) -> str:
    if facts is None:
        return "being looked at…"
    size = " x ".join(str(side) for side in facts.shape[::-1])
    leaves = words.leaves(facts.leaves) if facts.leaves else "no leaves"
    return f"{size} px · {leaves}"
