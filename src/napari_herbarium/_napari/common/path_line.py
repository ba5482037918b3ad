"""A line for paths, which can be typed, dropped or chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QWidget

from napari_herbarium._napari.common.controls import bare, tool_button

BETWEEN = " ; "
"""Divides paths in a line; no file has it in its name."""


class PathLine(QLineEdit):
    """A line that takes paths; files and folders can be dropped on it.

    Parameters
    ----------
    tip : str
        What it is for.
    placeholder : str
        Shown while it is empty.
    single : bool
        Whether it is for one path; several at once cannot be dropped then.
    """

    def __init__(self, tip: str, placeholder: str, *, single: bool = False) -> None:
        super().__init__()
        self._single = single
        self.setToolTip(tip)
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(True)

    def paths(self) -> list[str]:
        """Give the paths in the line."""
        parts = map(_unquoted, self.text().split(BETWEEN.strip()))
        return [str(Path(part).expanduser()) for part in parts if part]

    def set_paths(self, paths: Sequence[str]) -> None:
        """Put paths into the line."""
        self.setText(BETWEEN.join(paths))
        self.setCursorPosition(0)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders of this computer; the mouse shows what is refused."""
        dropped = _dropped(event)
        if dropped and not (self._single and len(dropped) > 1):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Put what was dropped in the place of what was there."""
        self.set_paths(_dropped(event))
        self.editingFinished.emit()
        event.acceptProposedAction()


class FolderRow(QWidget):
    """A line for one folder, with a button to choose it.

    Signals
    -------
    changed
        Another folder is in the line.

    Parameters
    ----------
    tip, button_tip : str
        What folder it is, and what the button does.
    placeholder : str
        Shown while there is none.
    label : str
        Written before the line.
    """

    changed = Signal()

    def __init__(
        self, tip: str, button_tip: str, placeholder: str, label: str = ""
    ) -> None:
        super().__init__()
        self.line = PathLine(tip, placeholder, single=True)
        self.browse = tool_button("…", button_tip)
        self.ask: Callable[[], str] = lambda: ask_folder(self, button_tip, self.line)
        layout = bare(QHBoxLayout(self))
        if label:
            layout.addWidget(QLabel(label))
        layout.addWidget(self.line)
        layout.addWidget(self.browse)
        self.browse.clicked.connect(self._browse)
        self.line.textChanged.connect(self.changed)

    def folder(self) -> Path | None:
        """Give the folder in the line, None when it is empty."""
        text = _unquoted(self.line.text())
        return Path(text).expanduser() if text else None

    def set_folder(self, folder: Path | str) -> None:
        """Put a folder into the line."""
        self.line.set_paths([str(folder)])

    def _browse(self) -> None:
        folder = self.ask()
        if folder:
            self.set_folder(folder)
            self.line.editingFinished.emit()


def ask_folder(parent: QWidget, title: str, line: PathLine) -> str:
    """Ask for a folder, beginning with the one in a line; empty when none is chosen."""
    before = line.paths()
    return QFileDialog.getExistingDirectory(
        parent, title.rstrip("."), before[0] if before else ""
    )


def _unquoted(text: str) -> str:
    """Take off blanks, and the quotes that Windows copies a path with."""
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if is_quoted else text


def _dropped(event: QDropEvent) -> list[str]:
    urls = event.mimeData().urls()
    return [url.toLocalFile() for url in urls if url.isLocalFile()]
