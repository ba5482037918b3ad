"""From what the user typed to the sheets that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.file_names import as_filed
from napari_herbarium.files import staging
from napari_herbarium.results import is_result
from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.sheet.read import SUFFIXES, read_sheet
from napari_herbarium.sheet.sheet import Sheet
from napari_herbarium.words import printable

SAMPLE_STEM = "sample-sheet"
NOTHING = f"holds no sheet; sheets are {', '.join(sorted(SUFFIXES))}."

NOT_SET = "is a variable in the command not set?"
NO_NAME = f"One of the names given is empty; {NOT_SET}"


@dataclass(frozen=True)
class SheetInput:
    """A sheet to be read; the drawn sample where `path` is None."""

    stem: str
    path: Path | None

    @property
    def name(self) -> str:
        """What the user knows the sheet by."""
        return "the drawn sample" if self.path is None else str(self.path)

    def read(self) -> Sheet:
        """Read or draw the sheet.

        Raises
        ------
        SheetError
            The file cannot be read, or no table could hold its name.
        """
        if self.path is None:
            return drawn_sheet().sheet
        check_name(self.path)
        return read_sheet(self.path)


def check_name(path: Path) -> None:
    """Refuse a file whose results could not be told of in tables.

    Raises
    ------
    SheetError
        Its name has bytes that stand for no letters, as old archives leave them.
    """
    known = printable(str(path))
    if known != str(path):
        msg = f"{known} has a name with bytes that are no UTF-8: rename it."
        raise SheetError(msg)


def check_folder(folder: Path, out: Path | None = None, option: str = "--out") -> None:
    """Refuse, before any work, a folder that could not be made or written.

    Parameters
    ----------
    folder : path
    out : path, optional
        What the option is, where that is to lie in the folder.
    option : str
        Which option it was given with.

    Raises
    ------
    SettingsError
        It lies within a file, on a disk or in a folder that is read only, or its name
        is too long.
    """
    there = next(
        each for each in (folder, *folder.absolute().parents) if os.path.lexists(each)
    )
    out = out or folder
    if not there.is_dir():
        msg = f"{option} is {out}, but {there} is no folder; choose another one."
        raise SettingsError(msg)
    try:
        with staging(there):  # what may be written is not known before it is tried
            pass
        if folder != there:
            _refuse_long_name(folder)
    except OSError as error:
        msg = (
            f"{option} is {out}, but {there} cannot be written "
            f"({error.strerror or error}); choose another one."
        )
        raise SettingsError(msg) from error


def _refuse_long_name(folder: Path) -> None:
    with suppress(FileNotFoundError):
        folder.lstat()


def check_file(out: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a file that could not or shall not be written.

    Raises
    ------
    SettingsError
        It is a folder, or exists and `overwrite` is false, or as `check_folder` of
        the folder that it is in.
    """
    if out.is_dir():
        msg = f"{out} is a folder; choose another name."
        raise SettingsError(msg)
    if out.exists() and not overwrite:
        msg = f"{out} exists already; add --overwrite or choose another name."
        raise SettingsError(msg)
    check_folder(out.parent, out)


def check_text(out: Path) -> None:
    """Refuse, before any work, a folder whose name could not be told of in files.

    Raises
    ------
    SettingsError
        Its name, or that of a folder it lies in, has bytes that stand for no letters.
    """
    place = str(out.absolute())
    known = printable(place)
    if known != place:
        msg = f"--out is {known}, whose name has bytes that are no UTF-8; rename it."
        raise SettingsError(msg)


def find_sheets(arguments: Sequence[str], *, sample: bool = False) -> list[SheetInput]:
    """Expand folders and patterns; each sheet once, in the order given.

    A folder stands for the sheets directly in it, without hidden files and without
    results of our commands. A file that is named is taken as it is, also when it does
    not exist: reading it will say so.

    Raises
    ------
    SettingsError
        Nothing was given, a folder or pattern has no sheets, or two sheets share a
        stem and so would write the same files.
    """
    paths = each_once(
        path for text in arguments for path in expand(text, _looks_like_sheet, NOTHING)
    )
    found = [SheetInput(path.stem, path) for path in paths]
    if sample:
        found.append(SheetInput(SAMPLE_STEM, None))
    if not found:
        msg = "Give at least one sheet, folder or pattern, or --sample."
        raise SettingsError(msg)
    refuse_same_stem([(sheet.stem, sheet.name) for sheet in found])
    return found


def expand(text: str, is_meant: Callable[[Path], bool], nothing: str) -> list[Path]:
    """Give the files that a path, folder or pattern stands for.

    Parameters
    ----------
    text : str
        What the user typed. A file that is named is taken as it is.
    is_meant : callable
        Picks from what a folder or pattern holds.
    nothing : str
        How the sentence about a folder or pattern without such files goes on.

    Raises
    ------
    SettingsError
        A folder or pattern holds none.
    """
    if not text.strip():
        raise SettingsError(NO_NAME)
    path = Path(text)
    among: Iterable[Path]
    if path.is_dir():
        what, among = "folder", path.iterdir()
    elif glob.has_magic(text) and not path.exists():
        what, among = "pattern", map(Path, glob.glob(text, recursive=True))
    else:
        return [path]
    found = sorted(each for each in among if is_meant(each))
    if not found:
        msg = f"The {what} {text} {nothing}"
        raise SettingsError(msg)
    return found


def _looks_like_sheet(path: Path) -> bool:
    return (
        path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not is_result(path.name)
        and path.is_file()
    )


def each_once(paths: Iterable[Path]) -> list[Path]:
    """Drop paths that lead to a file that came before."""
    return list({path.resolve(): path for path in paths}.values())


def refuse_same_stem(sheets: Sequence[tuple[str, str]]) -> None:
    """Refuse sheets, given by stem and name, that would write the same files.

    Raises
    ------
    SettingsError
        All of them are named.
    """
    by_stem: dict[str, list[str]] = {}
    for stem, name in sheets:
        by_stem.setdefault(as_filed(stem), []).append(name)
    clashes = [" and ".join(names) for names in by_stem.values() if len(names) > 1]
    if clashes:
        msg = (
            "These would write the same files, so rename one or run them apart with "
            f"another --out: {'; '.join(clashes)}."
        )
        raise SettingsError(msg)
