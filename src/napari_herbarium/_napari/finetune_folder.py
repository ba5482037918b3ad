"""The training folder: chosen, counted, and what is wrong in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium._napari import finetune_tooltips as tooltips
from napari_herbarium._napari.controls import slim
from napari_herbarium._napari.finetune_pairs import iter_look_into
from napari_herbarium._napari.preferences import (
    read_training_folder,
    remember_training_folder,
)
from napari_herbarium._napari.worker import JobRunner

_MOST_FAULTS = 12


class TrainingFolder(QWidget):
    """A line for the folder, and under it what is in there.

    Signals
    -------
    changed
        Another folder, or its content is known better.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._looked_into: Path | None = None
        self.faults: list[str] = []
        self.runner = JobRunner()
        self.line = QLineEdit()
        self.line.setPlaceholderText("none: only the pairs above")
        self.line.setClearButtonEnabled(True)
        self.line.setToolTip(tooltips.FOLDER)
        slim(self.line)
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip(tooltips.BROWSE_FOLDER)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setToolTip(tooltips.FOLDER)
        self._lay_out()
        self.line.textChanged.connect(self._on_text)
        self.line.editingFinished.connect(self.look)
        self.browse.clicked.connect(self._browse)
        self.runner.done.connect(self._on_looked)
        self.runner.failed.connect(self._say)
        self.destroyed.connect(self.runner.close)
        self._say("")

    def folder(self) -> Path | None:
        """Give the folder; None for none."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def use(self, folder: Path) -> None:
        """Take a folder, and remember it for the next time."""
        remember_training_folder(folder)
        self.line.setText(str(folder))
        self.look(again=True)

    def ask(self) -> Path | None:
        """Let the user choose a folder; None when he does not."""
        start = self.folder() or read_training_folder()
        chosen = QFileDialog.getExistingDirectory(
            self, "Choose a training folder", str(start or "")
        )
        return Path(chosen) if chosen else None

    def look(self, *, again: bool = False) -> None:
        """Look into the folder, in the background, if it is another one."""
        folder = self.folder()
        if folder == self._looked_into and not again:
            return
        self._looked_into, self.faults = folder, []
        self._say("" if folder is None else "Looking into the folder…")
        if folder is None:
            self.runner.cancel()
        else:
            job = partial(iter_look_into, folder)
            self.runner.run_latest(job, "Look into the training folder")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(QLabel("Folder"))
        row.addWidget(self.line)
        row.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.text)

    def _on_text(self, text: str) -> None:
        if not text:
            self.look()

    def _on_looked(self, found: tuple[int, list[str]]) -> None:
        count, self.faults = found
        pairs = "1 pair" if count == 1 else f"{count or 'No'} pairs"
        lines = [f"⚠ {fault}" for fault in self.faults[:_MOST_FAULTS]]
        more = len(self.faults) - _MOST_FAULTS
        if more > 0:
            lines.append(f"⚠ … and {more} more")
        self._say("\n".join([f"{pairs} in the folder.", *lines]))

    def _say(self, text: str) -> None:
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.changed.emit()

    def _browse(self) -> None:
        chosen = self.ask()
        if chosen is not None:
            self.use(chosen)
