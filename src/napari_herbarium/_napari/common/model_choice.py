"""Models a user can choose from, without loading any."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_herbarium._napari.preferences import Preferences
from napari_herbarium.errors import ModelError
from napari_herbarium.model.catalogue import Kind, find_model, kind_of, list_models
from napari_herbarium.model.checkpoint import CONFIG, read_config

_USUAL_THRESHOLD = 0.5


class Installed:
    """Tells the open widgets of all viewers that models came or went.

    Signals
    -------
    changed
        Lists of models are to be made anew.
    """

    changed = Signal()


installed = Installed()


def model_choices(preferences: Preferences) -> dict[str, str]:
    """Models by what they are called in a list.

    Parameters
    ----------
    preferences : Preferences
        Adds the models of its model folder, and its default model.

    Returns
    -------
    dict of str to str
        Shown name to the name or path that loads it.
    """
    choices = {name: name for name in list_models()}
    folders = models_in(preferences.model_folder)
    if preferences.model not in choices and Path(preferences.model).is_dir():
        folders.append(Path(preferences.model))
    for folder in folders:
        add_folder(choices, folder)
    return choices


def add_folder(choices: dict[str, str], folder: Path) -> str:
    """Add a model folder to the choices; give the name it is shown by."""
    path = str(folder)
    for shown, loads in choices.items():
        if loads == path:
            return shown
    shown = folder.name if folder.name not in choices else path
    choices[shown] = path
    return shown


def own_threshold(name_or_folder: str) -> float:
    """Give the threshold that a model asks for; 0.5 when it cannot be read."""
    try:
        return read_config(find_model(name_or_folder)).threshold
    except ModelError:
        return _USUAL_THRESHOLD


def models_in(folder: Path | None, kind: Kind = Kind.LEAF) -> list[Path]:
    """Folders of the models of a kind that lie in a folder."""
    if folder is None:
        return []
    found = [config.parent for config in sorted(folder.glob(f"*/{CONFIG}"))]
    return [model for model in found if kind_of(model) is kind]
