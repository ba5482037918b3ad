"""Save as training pair: the current sheet and its repaired labels into a folder."""

# No `from __future__ import annotations`: napari injects the viewer by annotation.

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from psygnal import Signal
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_herbarium._napari.common.controls import is_confirmed
from napari_herbarium._napari.finetune.current import chosen_pair
from napari_herbarium._napari.finetune.pairs import OpenPair, open_pair, pair_name
from napari_herbarium._napari.preferences import (
    read_training_folder,
    remember_training_folder,
)
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.errors import SheetError
from napari_herbarium.progress import Job, Progress
from napari_herbarium.train.pairs.folder import pair_exists, save_pair

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Labels

_NO_FILE_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')
_NOTHING = (
    "There is no sheet with labels of its size: run Segment leaves and repair the "
    "leaves, then save the pair."
)


def save_training_pair(viewer: "napari.viewer.Viewer") -> None:
    """Store the selected sheet and its labels in a training folder; a menu entry.

    Asks for the folder, and before anything is replaced. What became of it is told as
    a notification.
    """
    pair = chosen_pair(viewer)
    if pair is None:
        show_error(_NOTHING)
        return
    folder = ask_folder(read_training_folder())
    if folder is not None:
        remember_training_folder(folder)
        saver = PairSaver()
        _busy.add(saver)
        for signal, tell in ((saver.saved, show_info), (saver.failed, show_error)):
            signal.connect(tell)
        saver.runner.state_changed.connect(partial(_let_go, saver))
        if not saver.save(folder, *pair):
            _busy.discard(saver)


def ask_folder(start: Path | None) -> Path | None:
    """Let the user choose a training folder; None when he does not."""
    window = QApplication.activeWindow()
    chosen = QFileDialog.getExistingDirectory(
        window, "Training folder to save the pair in", str(start or "")
    )
    return Path(chosen) if chosen else None


def ask_replace(stem: str, folder: Path) -> bool:
    """Ask whether a pair that is in the folder may be replaced."""
    return is_confirmed(
        QApplication.activeWindow(),
        "Replace the training pair?",
        f"There is a pair “{stem}” in {folder} already. Replace its sheet and mask?",
    )


class PairSaver:
    """Stores pairs in the background.

    Signals
    -------
    saved : str
        Where the pair went, in words.
    failed : str
        Why it was not stored.
    """

    saved = Signal(str)
    failed = Signal(str)

    def __init__(self) -> None:
        self.runner = JobRunner()
        self.runner.done.connect(self.saved)
        self.runner.failed.connect(self.failed)

    def save(self, folder: Path, image: "Image", labels: "Labels") -> bool:
        """Store a pair, asking before one is replaced; tell whether it began."""
        pair = open_pair(pair_name(image, labels), image, labels)
        stem = file_stem(pair.name)
        replace = pair_exists(folder, stem)
        if replace and not ask_replace(stem, folder):
            return False
        job = partial(iter_save, folder, stem, pair, overwrite=replace)
        return self.runner.run(job, f"Save training pair “{stem}”")


def iter_save(
    folder: Path, stem: str, pair: OpenPair, *, overwrite: bool = False
) -> Job[str]:
    """Store a pair; give where it went, in words.

    Raises
    ------
    HerbariumError
        It is no pair, or the folder cannot be written.
    """
    yield Progress(0, 0, "saving")
    if pair.sheet is None:
        raise SheetError(pair.reason)
    mask = save_pair(
        folder,
        stem,
        pair.sheet.rgb8(),
        pair.labels_in_memory(),
        pair.sheet.mm_per_px,
        overwrite=overwrite,
        facts=pair.facts,
    )
    return f"Saved the training pair “{stem}” in {folder} (mask: {mask.name})."


def file_stem(name: str) -> str:
    """Turn the name of a sheet or layer into one that a file can have."""
    return _NO_FILE_NAME.sub("-", name).strip(". ") or "sheet"


_busy: set[Any] = set()
"""Nobody else holds the savers of the menu entry while they work."""


def _let_go(saver: PairSaver, state: State) -> None:
    if state is State.IDLE:
        _busy.discard(saver)
