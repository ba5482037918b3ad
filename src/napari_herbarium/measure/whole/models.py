"""Which classifiers of whole leaves are there, and the one that settings name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_herbarium.measure.whole import judge as whole
from napari_herbarium.model.catalogue import Kind, find_of_kind, model_folders
from napari_herbarium.model.checkpoint import (
    CONFIG,
    WEIGHTS,
    read_config_as,
    weights_sha256,
)
from napari_herbarium.model.whole_network import WholeConfig, WholeModel
from napari_herbarium.settings import DEFAULT_WHOLE_MODEL, WholeSettings


def whole_model_folders() -> dict[str, Path]:
    """Map the name of each classifier to its folder; the bundled one is the first.

    Those that the user fine-tuned lie beside the user's leaf models. None of them
    hides the bundled one.
    """
    bundled = {DEFAULT_WHOLE_MODEL: whole.BUNDLED}
    return bundled | model_folders(Kind.WHOLE) | bundled


def list_whole_models() -> list[str]:
    """Names of the installed classifiers, the bundled one first."""
    return list(whole_model_folders())


def find_whole_model(name_or_folder: str | Path = DEFAULT_WHOLE_MODEL) -> Path:
    """Folder of a classifier given by name or folder.

    Raises
    ------
    ModelError
        There is no such classifier, or it is a model of another kind.
    """
    return find_of_kind(name_or_folder, Kind.WHOLE, whole_model_folders())


def chosen_classifier(settings: WholeSettings) -> WholeModel | None:
    """Load the classifier that settings name; the last one is kept in memory.

    Returns
    -------
    WholeModel or None
        What `napari_herbarium.measure.whole.judge.iter_whole_leaf_probability` takes;
        None for the bundled one.

    Raises
    ------
    ModelError
        There is no such classifier, or its files are damaged.
    """
    if settings.model == DEFAULT_WHOLE_MODEL:
        return None
    folder = find_whole_model(settings.model)
    return _loaded(folder, _state_of(folder))


def chosen_threshold(settings: WholeSettings) -> float:
    """Probability from which the classifier of settings takes a leaf for whole.

    Raises
    ------
    ModelError
        There is no such classifier, or its configuration is damaged.
    """
    if settings.model == DEFAULT_WHOLE_MODEL:
        return whole.default_whole_threshold()
    return read_config_as(WholeConfig, find_whole_model(settings.model)).threshold


def classifier_facts(settings: WholeSettings) -> dict[str, Any]:
    """Give what an output records of the classifier that judged its leaves.

    Returns
    -------
    dict
        Name, version, SHA-256 of the weights, and threshold.

    Raises
    ------
    ModelError
        There is no such classifier, or it cannot be read.
    """
    folder = find_whole_model(settings.model)
    return dict(_facts(folder, _state_of(folder)))


@lru_cache(maxsize=1)
def _loaded(folder: Path, _state: object) -> WholeModel:
    return whole.load_ready(folder)


@lru_cache(maxsize=8)
def _facts(folder: Path, _state: object) -> tuple[tuple[str, Any], ...]:
    config = read_config_as(WholeConfig, folder)
    return (
        ("name", config.name),
        ("version", config.version),
        ("sha256", weights_sha256(folder)),
        ("threshold", config.threshold),
    )


def _state_of(folder: Path) -> tuple[tuple[int, int], ...]:
    """Tell a folder whose files were exchanged from what it was."""
    files = [folder / CONFIG, folder / WEIGHTS]
    facts = [file.stat() for file in files if file.is_file()]
    return tuple((fact.st_mtime_ns, fact.st_size) for fact in facts)
