"""Which models are there, and load one by name or folder."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import get_args

from platformdirs import user_data_path

from napari_herbarium.errors import ModelError
from napari_herbarium.file_names import is_device
from napari_herbarium.locks import holding
from napari_herbarium.model.checkpoint import (
    CONFIG,
    WEIGHTS,
    LeafModel,
    load_model_folder,
)
from napari_herbarium.model.whole_network import Architecture
from napari_herbarium.plain_json import parsed
from napari_herbarium.settings import DEFAULT_MODEL, DEFAULT_WHOLE_MODEL

MODELS_VARIABLE = "NAPARI_HERBARIUM_MODELS"
_NAME = re.compile(r"\w([\w .-]{0,78}[\w-])?")
_MOST_BYTES = 200
"""Of a name; file systems hold 255, and the folder of a training is named longer."""
_BUNDLED = Path(__file__).parent / "weights"


class Kind(StrEnum):
    """What a model is for; one folder holds the user's models of all kinds."""

    LEAF = "leaf"
    """Finds leaves on sheets."""
    WHOLE = "whole"
    """Tells single whole leaves from everything else."""


_WHAT = {
    Kind.LEAF: "finds leaves on sheets; it is chosen when they are segmented (--model)",
    Kind.WHOLE: "tells whole leaves from partial ones; it is chosen when leaves are "
    "measured (--whole-model)",
}


def kind_of(folder: Path) -> Kind:
    """Tell what the model of a folder is for.

    Where its configuration is damaged the weights tell, by their names. Where they are
    damaged, too, it counts as a leaf model.
    """
    try:
        told = parsed((Path(folder) / CONFIG).read_text(encoding="utf-8"))
        is_whole = told.get("architecture") in get_args(Architecture)
    except (OSError, ValueError, AttributeError):
        is_whole = _are_of_whole(Path(folder) / WEIGHTS)
    return Kind.WHOLE if is_whole else Kind.LEAF


def _are_of_whole(weights: Path) -> bool:
    """Whether weights are there, and none of them is of what every leaf model has."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            names = list(file.keys())
    except (OSError, SafetensorError):
        return False
    return not any(name.startswith("segmentation_head.") for name in names)


def user_models_folder() -> Path:
    """Folder in which the user's own models lie, one folder each.

    Returns
    -------
    Path
        The environment variable ``NAPARI_HERBARIUM_MODELS`` where it is set, else
        ``models`` in the system's folder for user data. It need not exist.
    """
    chosen = os.environ.get(MODELS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_data_path("napari-herbarium", appauthor=False) / "models"


def model_folders(kind: Kind | None = Kind.LEAF) -> dict[str, Path]:
    """Map the name of each installed model to its folder.

    Parameters
    ----------
    kind : Kind or None
        Of this kind, None for all. The bundled classifier of whole leaves is not among
        them; see `napari_herbarium.measure.whole.models`.

    Returns
    -------
    dict of str to Path
        Bundled models first, then the user's, each in alphabetical order. A bundled
        name always means the bundled model, so that it means the same everywhere; a
        user's model of the same name can be given by its path.
    """
    found: dict[str, Path] = {}
    for place in (_BUNDLED, user_models_folder()):
        for config in sorted(place.glob(f"*/{CONFIG}")):
            # Hidden are trainings under way, and imports that were killed.
            if not config.parent.name.startswith("."):
                found.setdefault(config.parent.name, config.parent)
    return {n: f for n, f in found.items() if kind is None or kind_of(f) is kind}


def is_bundled(folder: Path) -> bool:
    """Tell whether a folder is, or lies in, or is named as, a bundled model's."""
    folder = Path(folder)
    names = {config.parent.name for config in _BUNDLED.glob(f"*/{CONFIG}")}
    names.add(DEFAULT_WHOLE_MODEL)
    return folder.name in names or folder.resolve().is_relative_to(_BUNDLED.resolve())


def training_folder(model: Path) -> Path:
    """Hidden folder beside a model-to-be, in which its training keeps its state."""
    return model.with_name(f".{model.name}.training")


def being_trained(model: Path) -> AbstractContextManager[None]:
    """Be the only one at work on a model until the end of the block.

    Raises
    ------
    SettingsError
        Another training is.
    HerbariumError
        The folder that it lies in cannot be written.
    """
    return holding(
        model.with_name(f".{model.name}.training.lock"),
        f"{model} is being trained by another run; wait for it to end, or stop it.",
    )


def new_model_folder(name: str) -> Path:
    """Folder for a new model of that name among the user's; it is not created.

    Parameters
    ----------
    name : str
        Letters, digits, blanks, ``-``, ``_`` and ``.``, up to 80; no ``.`` at its
        beginning or end. Letters with marks are composed (NFC).

    Raises
    ------
    ModelError
        The name cannot be a folder's everywhere, or there is such a model already.
    """
    name = unicodedata.normalize("NFC", name)
    _refuse_bad_name(name)
    folder = user_models_folder() / name
    taken = [DEFAULT_WHOLE_MODEL, *model_folders(None)]
    same = {known for known in taken if known.casefold() == name.casefold()}
    if same or folder.exists():
        msg = f"There is a model {name!r} already; choose another name."
        raise ModelError(msg)
    return folder


def _refuse_bad_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        msg = (
            f"{name!r} cannot be a model's name; use up to 80 letters, digits, blanks, "
            "'-', '_' and '.', beginning with a letter or digit."
        )
        raise ModelError(msg)
    if is_device(name):
        msg = (
            f"{name!r} cannot be a model's name, as Windows keeps it for a device; "
            "choose another one."
        )
        raise ModelError(msg)
    size = len(name.encode())
    if size > _MOST_BYTES:
        msg = (
            f"{name!r} cannot be a model's name, as it takes {size} bytes of at most "
            f"{_MOST_BYTES}; choose a shorter one."
        )
        raise ModelError(msg)


def list_models() -> list[str]:
    """Names of the installed leaf models, bundled ones first."""
    return list(model_folders())


def load_model(name_or_folder: str | Path = DEFAULT_MODEL) -> LeafModel:
    """Load a model; the last one loaded is kept in memory.

    Parameters
    ----------
    name_or_folder : str or path
        A name from `list_models`, or the path of a model folder.

    Returns
    -------
    LeafModel
        The network with what has to be known to use it. Asking again for the same
        unchanged folder gives the same object.

    Raises
    ------
    ModelError
        When there is no such model or its files are damaged.
    """
    return _last.get(find_model(name_or_folder))


def find_model(name_or_folder: str | Path) -> Path:
    """Folder of a leaf model given by name or folder.

    Raises
    ------
    ModelError
        When there is no such model, or it is of another kind.
    """
    return find_of_kind(name_or_folder, Kind.LEAF, model_folders())


def find_of_kind(
    name_or_folder: str | Path, kind: Kind | None, installed: Mapping[str, Path]
) -> Path:
    """Folder of a model of some kind, given by name or folder.

    Parameters
    ----------
    name_or_folder : str or path
    kind : Kind or None
        What it is to be for; None for anything.
    installed : mapping
        Name to folder of the models of that kind.

    Raises
    ------
    ModelError
        When there is no such model, or it is of another kind.
    """
    folder = _found(name_or_folder, installed) or _found(
        name_or_folder, model_folders(None), Path(name_or_folder).expanduser()
    )
    if folder is None:
        if kind is Kind.LEAF and str(name_or_folder) == DEFAULT_WHOLE_MODEL:
            raise _other_kind(DEFAULT_WHOLE_MODEL, Kind.WHOLE)
        names = ", ".join(installed) or "none"
        msg = (
            f"There is no model {str(name_or_folder)!r} (installed: {names}); give one "
            f"of these names or the path of a folder with {CONFIG} and {WEIGHTS}."
        )
        raise ModelError(msg)
    if kind is not None and (folder / CONFIG).is_file():
        _refuse_other_kind(folder, kind)
    return folder


def _found(
    given: str | Path, installed: Mapping[str, Path], path: Path | None = None
) -> Path | None:
    for name in (str(given), unicodedata.normalize("NFC", str(given))):
        if name in installed:
            return installed[name]
    return path if str(given) and path is not None and path.is_dir() else None


def _refuse_other_kind(folder: Path, kind: Kind) -> None:
    other = kind_of(folder)
    if other is not kind:
        raise _other_kind(folder.name, other)


def _other_kind(name: str, kind: Kind) -> ModelError:
    return ModelError(f"The model {name!r} {_WHAT[kind]}. Choose another one here.")


class _LastLoaded:
    """Keeps one model, for as long as its files stay as they were."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: object = None
        self._model: LeafModel | None = None

    def get(self, folder: Path) -> LeafModel:
        with self._lock:
            state = _state_of(folder)
            if self._model is None or state != self._state:
                self._model = None  # two models at once may not fit into memory
                self._model, self._state = load_model_folder(folder), state
            return self._model


def _state_of(folder: Path) -> tuple[object, ...]:
    files = [folder / CONFIG, folder / WEIGHTS]
    facts = [(f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file()]
    return folder.resolve(), *facts


_last = _LastLoaded()
