"""From what the user typed to the labels that are meant, each with its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_herbarium.cli.inputs import each_once, expand, refuse_same_stem
from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.file_names import as_filed
from napari_herbarium.measure.files.labels_file import SUFFIXES, sheet_name
from napari_herbarium.results import LABELS, OVERLAY
from napari_herbarium.sheet.read import SUFFIXES as SHEET_SUFFIXES

NOTHING = f"holds no labels; labels are {', '.join(sorted(SUFFIXES))}."


@dataclass(frozen=True)
class LabelsInput:
    """Labels to be measured, and where to look for their picture.

    Attributes
    ----------
    path : Path
        The labels.
    pictures : Path or None
        The picture itself or a folder that holds it.
    """

    path: Path
    pictures: Path | None

    @property
    def sheet(self) -> str:
        """Name of the sheet."""
        return sheet_name(self.path)

    def picture(self) -> Path | None:
        """Find the picture of the labels.

        Raises
        ------
        SheetError
            The folder holds none of this name, or several.
        """
        if self.pictures is None or not self.pictures.is_dir():
            return self.pictures
        alike = [
            path
            for path in sorted(self.pictures.iterdir())
            if as_filed(path.stem) == as_filed(self.sheet)
            and path.suffix.lower() in SHEET_SUFFIXES
            and path.resolve() != self.path.resolve()
        ]
        found = [path for path in alike if path.stem == self.sheet] or alike
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            msg = (
                f"{self.path} needs one picture named {self.sheet} in "
                f"{self.pictures}; there is {names}."
            )
            raise SheetError(msg)
        return found[0]


def find_labels(arguments: Sequence[str], pictures: Path | None) -> list[LabelsInput]:
    """Expand folders and patterns; each file once, in the order given.

    A folder stands for the labels that `segment` wrote there (``*.leaves.tif``) or,
    where there are none, for all TIFF and PNG files that are no overlays.

    Raises
    ------
    SettingsError
        A folder or pattern has no labels, two have the same name, or one picture is
        given for several.
    """
    paths = each_once(path for text in arguments for path in _expand(text))
    if len(paths) > 1 and pictures is not None and not pictures.is_dir():
        msg = (
            f"--image is {pictures} but there are {len(paths)} files of labels; give "
            "the folder of their pictures."
        )
        raise SettingsError(msg)
    refuse_same_stem([(sheet_name(path), str(path)) for path in paths])
    return [LabelsInput(path, pictures) for path in paths]


def _expand(text: str) -> list[Path]:
    found = expand(text, _looks_like_labels, NOTHING)
    if not Path(text).is_dir():
        return found
    return [each for each in found if each.name.endswith(LABELS)] or found


def _looks_like_labels(path: Path) -> bool:
    return (
        path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not path.name.endswith(OVERLAY)
        and path.is_file()
    )
