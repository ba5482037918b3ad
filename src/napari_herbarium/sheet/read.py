"""Opening a sheet: what kind of file it is, and who reads it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.assemble import assemble
from napari_herbarium.sheet.damage import COPY_AGAIN, reading, unsupported
from napari_herbarium.sheet.raster.read import read_raster
from napari_herbarium.sheet.sheet import Sheet
from napari_herbarium.sheet.tiff.read import read_tiff

SUFFIXES = frozenset(
    [".tif", ".tiff", ".btf", ".jpg", ".jpeg", ".png", ".jp2", ".j2k", ".jpx"]
)
_MAGIC = {
    b"II\x2a\x00": "TIFF",
    b"MM\x00\x2a": "TIFF",
    b"II\x2b\x00": "TIFF",
    b"MM\x00\x2b": "TIFF",
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
}


def read_sheet(path: str | os.PathLike[str]) -> Sheet:
    """Open a scanned herbarium sheet.

    Serves TIFF and BigTIFF (strips or tiles, any common compression and kind of
    pixels, pyramids), JPEG, PNG and JPEG 2000. The file is never written to.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Sheet
        Upright, in sRGB, with its scale judged. Pixels of TIFF files are decoded when
        they are looked at, so a damaged strip may raise `SheetError` only then.

    Raises
    ------
    SheetError
        When the file is missing, damaged, or of a kind that is no scanned sheet; the
        message is one sentence naming the file and the reason.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind is None:
        raise unsupported(
            path, "is no TIFF, JPEG, PNG or JPEG 2000 file", "open a scanned sheet"
        )
    with reading(path, "what it says of itself makes no sense"):
        picture = read_tiff(path) if kind == "TIFF" else read_raster(path, kind)
        return assemble(picture, path)


def kind_of(path: Path) -> str | None:
    """Kind of a picture file by its first bytes, None for anything else.

    Raises
    ------
    SheetError
        When there is no such file, or it is empty.
    """
    with reading(path, "its first bytes cannot be read"):
        mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        name = path.name or path.absolute()
        msg = f"{name} is a folder: open the sheets in it one by one."
        raise SheetError(msg)
    if not stat.S_ISREG(mode):  # reading a pipe would wait for its writer for ever
        raise unsupported(path, "is a pipe or a device", "open a file")
    with reading(path, "its first bytes cannot be read"), path.open("rb") as file:
        head = file.read(16)
    if not head:
        msg = f"{path.name} is empty (0 bytes): {COPY_AGAIN}."
        raise SheetError(msg)
    return next(
        (kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None
    )
