"""Opening JPEG, PNG and JPEG 2000 files: of any size that a scan can have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.limits import check_area, check_memory
from napari_herbarium.sheet.raster.png_header import png_header
from napari_herbarium.sheet.scale import UNITS, ResolutionTag

_X, _Y, _UNIT = 282, 283, 296

_READERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "JPEG 2000": Jpeg2KImageFile,
}


def open_raster(path: Path, kind: str, bytes_per_px: int) -> ImageFile:
    """Read the header of a picture and check that it can be held; decode nothing.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        ``"JPEG"``, ``"PNG"`` or ``"JPEG 2000"``.
    bytes_per_px : int
        Memory that decoding takes.

    Returns
    -------
    PIL.ImageFile.ImageFile
        To be closed.

    Raises
    ------
    SheetError
        It is too large.
    Exception
        Whatever Pillow raises for a header that it cannot read.
    """
    # Image.open takes more than 179 Mpx for an attack, and an A3 sheet at 1200 ppi has
    # 278; its limit is one for the whole process, the readers themselves have none
    return _checked(_READERS[kind](path), path, bytes_per_px)


def open_description(path: Path, kind: str, bytes_per_px: int) -> ImageFile:
    """Open a picture as `open_raster` does, for all that it says beside its pixels.

    Those of a PNG are left out, as Pillow would decode them to look behind them.
    """
    if kind != "PNG":
        return open_raster(path, kind, bytes_per_px)
    header, profile = png_header(path)
    opened = _checked(PngImageFile(header), path, bytes_per_px)
    if profile:
        opened.info["icc_profile"] = profile
    return opened


def _checked(opened: ImageFile, path: Path, bytes_per_px: int) -> ImageFile:
    try:
        check_area(path, opened.height, opened.width)
        check_memory(path, opened.height * opened.width * bytes_per_px)
    except SheetError:
        opened.close()
        raise
    return opened


def resolution_in(opened: Image.Image, exif: Image.Exif) -> ResolutionTag | None:
    """Give the resolution that EXIF or the header of a picture states, if any."""
    if _X in exif:
        unit = UNITS.get(exif.get(_UNIT, 2), "none")
        return ResolutionTag(_number(exif[_X]), _number(exif.get(_Y, exif[_X])), unit)
    if "jfif_density" in opened.info:
        unit = UNITS.get(opened.info.get("jfif_unit", 0) + 1, "none")
        x, y = opened.info["jfif_density"]
        return ResolutionTag(float(x), float(y), unit)
    if "dpi" in opened.info:
        x, y = opened.info["dpi"]
        return ResolutionTag(_number(x), _number(y), "inch")
    return None


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if np.isfinite(number) else 0.0
