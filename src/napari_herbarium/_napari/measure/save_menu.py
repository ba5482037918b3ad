"""The button that saves: what, where, and never over a file unasked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from napari_herbarium._napari.common.controls import is_confirmed
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.save import (
    FORMATS,
    Content,
    SaveFormat,
    iter_save,
    may_write,
)
from napari_herbarium._napari.worker import JobRunner


class SaveMenu(QPushButton):
    """Saves in one of several formats.

    Signals
    -------
    said : str
        What was saved, or why not.

    Attributes
    ----------
    content : callable
        Gives what to save, or None when there is nothing yet.
    ask_path : callable
        Asks for a path, from a format and a proposed path; None when the user
        changed their mind.
    ask_replace : callable
        Asks whether files that are there may be replaced.
    """

    said = Signal(str)

    def __init__(self) -> None:
        super().__init__("Save…")
        self.setToolTip(tooltips.SAVE)
        self.content: Callable[[], Content | None] = lambda: None
        self._folder: Path | None = None
        self.ask_path = partial(ask_path, self)
        self.ask_replace = partial(ask_replace, self)
        self.runner = JobRunner()
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self.said)
        self.destroyed.connect(self.runner.close)
        self.setMenu(self._menu())

    def save(self, kind: SaveFormat) -> None:
        """Ask where to, and save there."""
        content = self.content()
        if content is None:
            return
        folder = self._folder or content.folder or Path()
        path = self.ask_path(kind, folder / f"{_stem(content)}{kind.suffix}")
        if path is None:
            return
        if not may_write(kind.files(path), self.ask_replace):
            self.said.emit("Nothing was saved, and nothing was replaced.")
            return
        self._folder = path.parent
        job = partial(iter_save, kind, path, content)
        started = self.runner.run(job, f"Save {path.name}")
        wait = "Something is being saved already; try again in a moment."
        self.said.emit("Saving…" if started else wait)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for kind in FORMATS:
            action = menu.addAction(f"{kind.name}…")
            action.setToolTip(kind.tip)
            action.triggered.connect(lambda _=False, kind=kind: self.save(kind))
        return menu

    def _on_done(self, files: Sequence[Path]) -> None:
        names = " and ".join(path.name for path in files)
        self.said.emit(f"Saved {names} in {files[0].parent}.")


def ask_path(parent: QWidget, kind: SaveFormat, proposed: Path) -> Path | None:
    """Ask the user for a path; what is there is asked about later, with the sidecar."""
    text, _ = QFileDialog.getSaveFileName(
        parent,
        f"Save: {kind.name}",
        str(proposed),
        f"{kind.name} (*{kind.suffix})",
        options=QFileDialog.Option.DontConfirmOverwrite,
    )
    return Path(text) if text else None


def ask_replace(parent: QWidget, existing: Sequence[Path]) -> bool:
    """Ask the user whether files may be replaced; no is the default."""
    names = "\n".join(str(path) for path in existing)
    question = f"These files exist already:\n{names}\n\nReplace them?"
    return is_confirmed(parent, "Replace files?", question)


def _stem(content: Content) -> str:
    return Path(content.image_name).stem or "leaves"
