"""What becomes of a training that was cut short."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_herbarium.train.files.workplace import Workplace


def settle_unfinished(out: Path, parent: QWidget | None = None) -> bool | None:
    """Decide what becomes of an unfinished training of a model, if there is one.

    One that did not get far enough to go on with is forgotten without asking.

    Parameters
    ----------
    out : path
        The model folder to be.
    parent : QWidget, optional
        Of the question.

    Returns
    -------
    bool or None
        Whether to go on with it; None when the user wants neither.

    Raises
    ------
    SettingsError
        It was not cut short: another run is at work on it.
    """
    place = Workplace(out)
    if not place.folder.exists():
        return False
    place.refuse_while_trained()
    answer = ask_unfinished(out.name, parent) if place.checkpoint.exists() else False
    if answer is False:
        place.discard()
    return answer


def ask_unfinished(name: str, parent: QWidget | None = None) -> bool | None:
    """Ask whether to go on (True), to start anew (False), or neither (None)."""
    box = QMessageBox(parent)
    box.setWindowTitle("Unfinished training")
    box.setText(
        f"The training of “{name}” was cut short. Go on where it was (with the same "
        "pairs, recipe and base model), or start anew?"
    )
    roles = QMessageBox.ButtonRole
    go_on = box.addButton("Go on", roles.AcceptRole)
    anew = box.addButton("Start anew", roles.DestructiveRole)
    box.addButton("Cancel", roles.RejectRole)
    box.exec()
    if box.clickedButton() is go_on:
        return True
    return False if box.clickedButton() is anew else None
