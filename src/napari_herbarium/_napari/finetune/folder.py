"""Folders to train on: chosen, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_herbarium._napari.common.controls import bare, slim, text_label
from napari_herbarium._napari.common.path_line import FolderRow
from napari_herbarium._napari.finetune import tooltips
from napari_herbarium._napari.finetune.look import (
    iter_look_at_others,
    iter_look_at_pairs,
)
from napari_herbarium._napari.preferences import (
    read_training_folder,
    remember_training_folder,
)
from napari_herbarium._napari.worker import JobRunner
from napari_herbarium.progress import Job


class SeenFolder(QWidget):
    """A line for a folder, and under it what is in there.

    Signals
    -------
    changed
        Another folder, or its content is known better.

    Parameters
    ----------
    row : FolderRow
        The line.
    look_into : callable
        Gives the job that says, line by line, what is in a folder.
    """

    changed = Signal()

    def __init__(
        self, row: FolderRow, look_into: Callable[[Path], Job[list[str]]]
    ) -> None:
        super().__init__()
        self._look_into = look_into
        self._seen: Path | None = None
        self.runner = JobRunner()
        self.row = row
        slim(self.row.line)
        self.text = text_label()
        self.text.setToolTip(self.row.line.toolTip())
        bare(QVBoxLayout(self), self.row, self.text)
        self._connect()
        self._say([])

    def folder(self) -> Path | None:
        """Give the folder; None for none."""
        return self.row.folder()

    def look(self, *, again: bool = False) -> None:
        """Look into the folder, in the background, if it is another one."""
        folder = self.folder()
        if folder == self._seen and not again:
            return
        self._seen = folder
        self._say([] if folder is None else ["Looking into the folder…"])
        if folder is None:
            self.runner.cancel()
        else:
            job = partial(self._look_into, folder)
            self.runner.run_latest(job, f"Look into {folder.name}")

    def _connect(self) -> None:
        self.row.changed.connect(self._on_text)
        self.row.line.editingFinished.connect(self.look)
        self.runner.done.connect(self._say)
        self.runner.failed.connect(lambda reason: self._say([reason]))
        self.destroyed.connect(self.runner.close)

    def _on_text(self) -> None:
        if self.folder() is None:
            self.look()
        self.changed.emit()

    def _say(self, lines: list[str]) -> None:
        self.text.setText("\n".join(lines))
        self.text.setVisible(bool(lines))
        self.changed.emit()


class TrainingFolder(SeenFolder):
    """The folder of pairs, which is remembered for the next time."""

    def __init__(self) -> None:
        row = FolderRow(
            tooltips.FOLDER,
            tooltips.BROWSE_FOLDER,
            "none: only the pairs above",
            label="Folder",
        )
        row.ask = lambda: str(self.ask() or "")
        super().__init__(row, iter_look_at_pairs)

    def ask(self) -> Path | None:
        """Let the user choose a folder; None when he does not."""
        start = self.folder() or read_training_folder()
        chosen = QFileDialog.getExistingDirectory(
            self, "Choose a training folder", str(start or "")
        )
        if not chosen:
            return None
        remember_training_folder(Path(chosen))
        return Path(chosen)


def other_plants() -> SeenFolder:
    """Line for the folder of sheets of other plants."""
    row = FolderRow(tooltips.OTHERS, tooltips.BROWSE_OTHERS, "optional")
    return SeenFolder(row, iter_look_at_others)
