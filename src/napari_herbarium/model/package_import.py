"""A model that came by mail, a folder or a zip of one, is taken in among the user's."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from napari_herbarium.errors import ModelError
from napari_herbarium.files import put_in_place, staging
from napari_herbarium.model.catalogue import (
    MODELS_VARIABLE,
    Kind,
    being_trained,
    kind_of,
    new_model_folder,
    user_models_folder,
)
from napari_herbarium.model.checkpoint import (
    CARD,
    CONFIG,
    WEIGHTS,
    LeafModel,
    load_model_folder,
    write_config,
)
from napari_herbarium.model.whole_network import WholeModel, load_whole_model

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
    SettingsError
        A model of that name is being trained.
    """
    source = Path(source).expanduser()
    with _stored(), staging(user_models_folder()) as staged:
        if source.is_dir():
            _copy_parts(source, staged)
        elif zipfile.is_zipfile(source):
            _unpack(source, staged)
        elif not source.exists():
            msg = f"{source} is not there; check its name."
            raise ModelError(msg)
        else:
            msg = f"{source} is neither a model folder nor a zip file of one."
            raise ModelError(msg)
        with _named_as(staged, source):
            config = _load(staged).config
        folder = new_model_folder(name or config.name)
        if config.name != folder.name:
            # What it finds is to be noted under the name that it has here.
            write_config(staged, config.model_copy(update={"name": folder.name}))
        with being_trained(folder):
            new_model_folder(folder.name)  # another may have come meanwhile
            put_in_place(staged, folder)
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
    # Windows PowerShell writes paths of its own kind, against the standard.
    paths = {PurePosixPath(e.filename.replace("\\", "/")): e for e in files}
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
