"""The user's choices under Preferences > Herbarium leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings

from napari_herbarium.settings import DEFAULT_MODEL, Detail, Device

PLUGIN = "napari-herbarium"


@dataclass(frozen=True)
class Preferences:
    """What new widgets start with.

    Attributes
    ----------
    device : Device
        Where the network runs.
    model : str
        Name of an installed model, or the path of a model folder.
    model_folder : Path or None
        Where the user's own models are kept; None for the usual place.
    detail : Detail
        How closely to look.
    """

    device: Device = Device.AUTO
    model: str = DEFAULT_MODEL
    model_folder: Path | None = None
    detail: Detail = Detail.FULL


def preference_events() -> Any:
    """Emitter of changes on the Preferences page; None where there is no page."""
    try:
        return get_plugin_settings(PLUGIN).segment.events
    except KeyError:
        return None


def read_preferences() -> Preferences:
    """Read the Preferences page; defaults where the plugin is not registered."""
    try:
        page = get_plugin_settings(PLUGIN).segment
    except KeyError:
        return Preferences()
    folder = page.model_folder.strip()
    return Preferences(
        device=Device(page.device),
        model=page.default_model.strip() or DEFAULT_MODEL,
        model_folder=Path(folder).expanduser() if folder else None,
        detail=Detail(page.default_detail),
    )


def read_training_folder() -> Path | None:
    """Give the training folder that was used last; None when there was none."""
    try:
        folder = get_plugin_settings(PLUGIN).fine_tune.training_folder.strip()
    except (KeyError, AttributeError):
        return None
    return Path(folder).expanduser() if folder else None


def remember_training_folder(folder: Path) -> None:
    """Keep a training folder for the next time; nothing where there is no page."""
    try:
        get_plugin_settings(PLUGIN).fine_tune.training_folder = str(folder)
    except (KeyError, AttributeError):
        return
