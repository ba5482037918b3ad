"""Models come, go, and tell about themselves."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from napari_herbarium.errors import ModelError
from napari_herbarium.files import staging
from napari_herbarium.model.catalogue import (
    MODELS_VARIABLE,
    Kind,
    being_trained,
    find_of_kind,
    is_bundled,
    kind_of,
    model_folders,
    new_model_folder,
    training_folder,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import (
    CARD,
    CONFIG,
    WEIGHTS,
    LeafModel,
    ModelConfig,
    load_model_folder,
    read_config,
    read_config_as,
    write_config,
)
from napari_herbarium.model.whole_network import (
    WholeConfig,
    WholeModel,
    load_whole_model,
)

PARTS = (CONFIG, WEIGHTS, CARD, "recipe.json", "split.json", "metrics.csv")
"""Files of a model folder that travel; anything else in an archive is left."""
MOST_BYTES = 2_000_000_000
_CHUNK = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What unpacking raises; bz2 has an OSError without a number for it."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LOCKED = (errno.EROFS, errno.EACCES, errno.EPERM)


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
    card, weights = folder / CARD, folder / WEIGHTS
    try:
        return ModelInfo(
            folder=folder,
            bundled=is_bundled(folder),
            config=config_of(folder),
            card=card.read_text(encoding="utf-8") if card.is_file() else "",
            size=weights.stat().st_size,
            sha256=_sha256(weights),
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


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def import_model(source: Path, name: str | None = None) -> str:
    """Copy a model folder, or a zip of one, to the user's models, of whatever kind.

    The model is loaded once before it is taken in, so that a damaged one is refused.
    Nothing of it can run, and only the files of a model are taken.

    Parameters
    ----------
    source : path
        A folder with ``config.json`` and ``model.safetensors``, or a zip with these
        two, at its top or in one folder.
    name : str, optional
        Its name here; the one in its configuration when None.

    Returns
    -------
    str
        The name to load it by.

    Raises
    ------
    ModelError
        It is no model, damaged, too large, or there is a model of that name.
    """
    source = Path(source).expanduser()
    with _stored(), staging(user_models_folder()) as staged:
        if source.is_dir():
            _copy_parts(source, staged)
        elif zipfile.is_zipfile(source):
            _unpack(source, staged)
        else:
            msg = f"{source} is neither a model folder nor a zip file of one."
            raise ModelError(msg)
        with _named_as(staged, source):
            config = _load(staged).config
        folder = new_model_folder(name or config.name)
        if config.name != folder.name:
            # What it finds is to be noted under the name that it has here.
            write_config(staged, config.model_copy(update={"name": folder.name}))
        os.replace(staged, folder)
    return folder.name


def _load(folder: Path) -> LeafModel | WholeModel:
    is_whole = kind_of(folder) is Kind.WHOLE
    return load_whole_model(folder) if is_whole else load_model_folder(folder)


@contextmanager
def _named_as(staged: Path, source: Path) -> Iterator[None]:
    """Say what the user has given, not the folder that it is unpacked to."""
    try:
        yield
    except ModelError as error:
        raise ModelError(str(error).replace(str(staged), str(source))) from error


@contextmanager
def _stored() -> Iterator[None]:
    """Say why a model cannot be stored, and what to do."""
    try:
        yield
    except OSError as error:
        raise ModelError(_why_not_stored(error)) from error


def _why_not_stored(error: OSError) -> str:
    where = error.filename or user_models_folder()
    if error.errno in _FULL:
        advice = "free the space"
    elif error.errno in _LOCKED:
        advice = f"give yourself access, or set {MODELS_VARIABLE} to another folder"
    else:
        advice = "check this place"
    return f"The model cannot be stored ({error.strerror or error}: {where}); {advice}."


def _copy_parts(source: Path, target: Path) -> None:
    for name in PARTS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _unpack(source: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            for name, entry in _entries(archive).items():
                _extract(archive, entry, target / name)
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # by the disk, not by the archive
        msg = f"{source} is damaged or locked ({error}); get a fresh copy of it."
        raise ModelError(msg) from error


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Give the files of the model in an archive; their folder must be one."""
    files = [e for e in archive.infolist() if not e.is_dir() and _is_plain(e)]
    paths = {PurePosixPath(entry.filename): entry for entry in files}
    homes = {path.parent for path in paths if path.name == CONFIG}
    homes = {home for home in homes if home / WEIGHTS in paths}
    if len(homes) != 1:
        what = "several models" if homes else "no model"
        msg = f"{archive.filename} holds {what}; give one with one {CONFIG}."
        raise ModelError(msg)
    home = homes.pop()
    found = {name: paths[home / name] for name in PARTS if home / name in paths}
    if sum(entry.file_size for entry in found.values()) > MOST_BYTES:
        msg = f"{archive.filename} holds more than {MOST_BYTES / 1e9:g} GB; unpack it."
        raise ModelError(msg)
    return found


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Tell a file from a link."""
    return not stat.S_ISLNK(entry.external_attr >> 16)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write one file under a name of ours, and no more of it than it says."""
    left = entry.file_size
    with archive.open(entry) as packed, path.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                msg = f"{archive.filename} is not what it says; get a fresh copy."
                raise ModelError(msg)
            file.write(chunk)
