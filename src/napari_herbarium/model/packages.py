"""Models tell about themselves, and go."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from napari_herbarium.errors import ModelError
from napari_herbarium.model.catalogue import (
    Kind,
    being_trained,
    find_of_kind,
    is_bundled,
    kind_of,
    model_folders,
    training_folder,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import (
    CARD,
    CONFIG,
    WEIGHTS,
    ModelConfig,
    read_config,
    read_config_as,
    weights_sha256,
)
from napari_herbarium.model.whole_network import WholeConfig


@dataclass(frozen=True)
class ModelInfo:
    """What there is to know of a model without loading it.

    Attributes
    ----------
    folder : Path
    bundled : bool
        Came with the package.
    config : ModelConfig or WholeConfig
        With its figures; tells a leaf model from a classifier of whole leaves.
    card : str
        Markdown; empty where there is none.
    size : int
        Bytes of the weights.
    sha256 : str
        Of the weights; what outputs record.
    """

    folder: Path
    bundled: bool
    config: ModelConfig | WholeConfig
    card: str
    size: int
    sha256: str


def model_info(name_or_folder: str | Path) -> ModelInfo:
    """Tell about a model of any kind.

    Raises
    ------
    ModelError
        There is no such model, or its configuration or weights cannot be read.
    """
    folder = find_of_kind(name_or_folder, None, model_folders(None))
    card = folder / CARD
    try:
        return ModelInfo(
            folder=folder,
            bundled=is_bundled(folder),
            config=config_of(folder),
            card=card.read_text(encoding="utf-8") if card.is_file() else "",
            size=(folder / WEIGHTS).stat().st_size,
            sha256=weights_sha256(folder),
        )
    except (OSError, UnicodeDecodeError) as error:
        msg = f"The model {folder} cannot be read ({error}); get a fresh copy of it."
        raise ModelError(msg) from error


def config_of(folder: Path) -> ModelConfig | WholeConfig:
    """Read the configuration of a model of any kind.

    Raises
    ------
    ModelError
        It is missing or damaged.
    """
    if kind_of(folder) is Kind.WHOLE:
        return read_config_as(WholeConfig, folder)
    return read_config(folder)


def remove_model(name: str) -> Path:
    """Remove one of the user's models, or what is left of its unfinished training.

    Parameters
    ----------
    name : str
        A name from `list_models`, not a path: nothing outside the user's model
        folder is ever removed.

    Returns
    -------
    Path
        The folder that is gone.

    Raises
    ------
    ModelError
        There is no such model, it is bundled, or it cannot be removed.
    SettingsError
        A training is at work on it.
    """
    place = user_models_folder()
    folder = place / name
    if is_bundled(folder):
        msg = f"{name!r} came with the package and stays; only your models can go."
        raise ModelError(msg)
    # A name with a slash in it would lead out of the folder.
    is_name = name not in ("", ".", "..") and folder.parent == place
    there = _parts_there(folder) if is_name else []
    if not there:
        msg = f"You have no model {name!r} in {place}; see `models list`."
        raise ModelError(msg)
    with being_trained(folder):
        for path in there:
            _remove(path)
    return folder


def _parts_there(folder: Path) -> list[Path]:
    """Folders of a model: of a training that is not finished, and its own."""
    unfinished = training_folder(folder)
    there = [unfinished] if unfinished.is_dir() else []
    return there + ([folder] if (folder / CONFIG).is_file() else [])


def _remove(path: Path) -> None:
    try:
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    except OSError as error:
        msg = f"{path} cannot be removed ({error.strerror}); close what is using it."
        raise ModelError(msg) from error
