"""Questions of "Batch review" before something would be lost."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_herbarium._napari.common.controls import is_confirmed


class Unsaved(StrEnum):
    """What to do with repairs that were not saved."""

    SAVE = "save"
    DROP = "drop"
    STAY = "stay"


def ask_unsaved(parent: QWidget, name: str) -> Unsaved:
    """Ask what to do with repairs of a sheet; to stay is the default."""
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent,
        "Save the repairs?",
        f"You have changed the leaves of {name}, and have not saved that yet.",
        buttons.Save | buttons.Discard | buttons.Cancel,
        buttons.Cancel,
    )
    return {buttons.Save: Unsaved.SAVE, buttons.Discard: Unsaved.DROP}.get(
        answer, Unsaved.STAY
    )


def ask_replace(parent: QWidget, name: str, folder: Path) -> bool:
    """Ask whether a training pair may be replaced; no is the default."""
    question = f"{folder} has a pair {name} already. Replace it?"
    return is_confirmed(parent, "Replace the training pair?", question)
