"""Folders, patterns and URLs: which sheets are there."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec

from napari_herbarium.errors import SettingsError
from napari_herbarium.results import is_result
from napari_herbarium.sheet.read import SUFFIXES

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:::|://)")
_DRIVE = re.compile(r"/?[A-Za-z]:[/\\]")
_WILD = re.compile(r"[*?\[]")
_PACKAGES = {
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
}


@dataclass(frozen=True)
class Found:
    """What an input stands for.

    Attributes
    ----------
    sheets : list of str
        Absolute paths or URLs.
    skipped : dict of str to str
        Files that are no sheets, and why.
    """

    sheets: list[str]
    skipped: dict[str, str] = field(default_factory=dict)


def is_url(text: str) -> bool:
    """Tell a URL from a path; ``file://`` is a path in disguise."""
    return bool(_URL.match(text)) and not text.startswith("file://")


def identity(source: str) -> str:
    """Give what the spellings of one path have in common, as this system sees it."""
    return source if is_url(source) else os.path.normcase(source)


def as_path(text: str, home: str = "") -> str:
    """Give the path that a ``file://`` URL stands for; a path as it is.

    Parameters
    ----------
    text : str
        Path, pattern or URL.
    home : str
        Where a relative path begins.
    """
    if not text.startswith("file://"):
        return text
    path = text.removeprefix("file://")
    if "%" in path and not os.path.lexists(_known_part(os.path.join(home, path))):
        path = unquote(path)
    if _DRIVE.match(path):
        return path.removeprefix("/")
    is_share = os.name == "nt" and not path.startswith("/")
    return f"//{path}" if is_share else path


def _known_part(path: str) -> str:
    """Give a path, or the folder that a pattern looks in."""
    known, *wild = _WILD.split(path, maxsplit=1)
    return os.path.dirname(known) if wild else known


def expand(text: str, out: Path | None = None) -> Found:
    """Give the sheets that a path, folder, pattern or URL stands for.

    Raises
    ------
    SettingsError
        It holds no sheet, or the package that reads the URL is missing.
    """
    if is_url(text):
        return _expand_url(text)
    text = as_path(text)
    if Path(text).is_dir():
        return _in_folder(text)
    if glob.has_magic(text) and not Path(text).exists():
        return _by_pattern(text, out)
    return Found([os.path.abspath(text)])


def _in_folder(text: str) -> Found:
    try:
        with os.scandir(os.path.abspath(text)) as entries:
            files = sorted(e.path for e in entries if _is_file(e) and _is_shown(e.name))
    except OSError as error:
        msg = f"The folder {text} cannot be read ({error.strerror})."
        raise SettingsError(msg) from error
    sheets = [path for path in files if _has_suffix(path)]
    if not sheets:
        msg = (
            f"The folder {text} holds no sheet; sheets are {_suffixes()}. For sheets "
            f'in its subfolders give the pattern "{Path(text) / "**"}".'
        )
        raise SettingsError(msg)
    others = {path: _no_sheet(path) for path in files if not _has_suffix(path)}
    return Found(sheets, others)


def _is_file(entry: os.DirEntry[str]) -> bool:
    # A link to nothing is named as a sheet that is not there.
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))


def _by_pattern(text: str, out: Path | None) -> Found:
    matches = glob.iglob(text, recursive=True)
    within = None
    if out is not None:
        within = identity(os.path.join(os.path.abspath(out), ""))
    paths = (os.path.abspath(match) for match in matches)
    sheets = sorted(
        path
        for path in paths
        if _has_suffix(path)
        and _is_shown(os.path.basename(path))
        and not (within and identity(path).startswith(within))
        and os.path.isfile(path)
    )
    if not sheets:
        msg = f"The pattern {text} matches no sheet; sheets are {_suffixes()}."
        raise SettingsError(msg)
    return Found(sheets)


def _expand_url(text: str) -> Found:
    system, path = file_system(text)
    if glob.has_magic(path) and not is_http(text):
        matches: Iterable[Any] = _asked(text, lambda: system.glob(path))
    elif text.endswith("/") and not is_http(text):
        matches = _asked(text, lambda: system.ls(path, detail=False))
    else:
        return Found([text])
    sheets = sorted(
        system.unstrip_protocol(match)
        for match in matches
        if _has_suffix(match) and _is_shown(os.path.basename(match))
    )
    if not sheets:
        msg = f"{text} holds no sheet; sheets are {_suffixes()}."
        raise SettingsError(msg)
    return Found(sheets)


def check_kind(url: str) -> None:
    """Refuse a URL of a kind that nothing here reads.

    Raises
    ------
    SettingsError
        The package for this kind of URL is not installed, or it is of no known kind.
    """
    _check_protocol(re.split("::|://", url, maxsplit=1)[0])


@cache
def _check_protocol(protocol: str) -> None:
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        package = _PACKAGES.get(protocol)
        what = f"python -m pip install {package}" if package else str(error)
        msg = (
            f"{protocol}:// needs a package that is not installed, here and on the "
            f"workers: {what}."
        )
        raise SettingsError(msg) from error
    except ValueError as error:
        msg = f"{protocol}:// is no kind of URL that is known here; check the address."
        raise SettingsError(msg) from error


def is_http(url: str) -> bool:
    """Whether a URL is of a web server, which lists nothing."""
    return url.lower().startswith(("http://", "https://"))


def file_system(url: str) -> tuple[Any, str]:
    """Give who reads a URL, and the path that it knows it by.

    Raises
    ------
    SettingsError
        The package for this kind of URL is not installed, or it is of no known kind.
    """
    check_kind(url)
    return fsspec.core.url_to_fs(url)


def _asked(url: str, question: Any) -> Any:
    try:
        return question()
    except Exception as error:  # every file system has its own errors
        msg = f"{url} cannot be listed ({error}); check address and access."
        raise SettingsError(msg) from error


def _has_suffix(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES


def _is_shown(name: str) -> bool:
    return not name.startswith(".") and not is_result(name)


def _no_sheet(path: str) -> str:
    name = os.path.basename(path)
    return f"{name} is no sheet by its name; sheets are {_suffixes()}."


def _suffixes() -> str:
    return ", ".join(sorted(SUFFIXES))
