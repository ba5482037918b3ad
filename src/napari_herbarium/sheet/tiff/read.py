"""Herbarium TIFFs: flat or pyramid, strips or tiles, of any common kind of pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tifffile

from napari_herbarium.sheet.assemble import Picture
from napari_herbarium.sheet.damage import reading
from napari_herbarium.sheet.decode.decoders import compression_name
from napari_herbarium.sheet.decode.encoding import Encoding, encoding_of
from napari_herbarium.sheet.file_metadata import (
    description_of,
    orientation_of,
    profile_of,
    resolution_of,
)
from napari_herbarium.sheet.limits import check_area, check_memory
from napari_herbarium.sheet.source import ArraySource, Source
from napari_herbarium.sheet.tiff.file_source import (
    FileSource,
    Fingerprint,
    RunSource,
    SegmentSource,
)
from napari_herbarium.sheet.tiff.pages import Page, Pages, read_pages
from napari_herbarium.sheet.tiff.quiet import without_log
from napari_herbarium.sheet.tiff.segments import segments_of

LARGEST_PART = 32 << 20
"""Strips and tiles that decode to more bytes are decoded once, not view by view."""


def read_tiff(path: Path) -> Picture:
    """Read the pages of a TIFF file and check that its sheet is whole.

    Pixels are decoded later, when they are looked at, unless the file is one piece.

    Raises
    ------
    SheetError
        For a file that is damaged or of a kind that is no scan.
    """
    with (
        without_log(),
        reading(path, "its pages make no sense"),
        tifffile.TiffFile(path, is_ndpi=False) as tif,
    ):
        pages = read_pages(tif, path)
        sheet = pages.sheet.content
        check_area(path, *pages.sheet.size)
        encoding = encoding_of(sheet, path)
        # a sheet beside its thumbnail is described where the thumbnail is
        parent = tif.pages[pages.sheet.number]
        sources = [_source(page, encoding, path) for page in pages.levels]
        return Picture(
            sources=(_sheet_source(pages, encoding, path), *sources),
            encoding=encoding,
            profile=profile_of(sheet) or profile_of(parent),
            orientation=orientation_of(sheet, parent),
            resolution=resolution_of(sheet, parent),
            description=description_of(sheet, tif.pages[0]),
            facts=_facts(pages, tif),
        )


def _sheet_source(pages: Pages, encoding: Encoding, path: Path) -> Source:
    """Pixels of the sheet, decoded now when the file cannot be read in pieces."""
    source = _source(pages.sheet, encoding, path)
    segments = source.segments
    in_pieces = segments.grid != (1, 1) or pages.levels
    if segments.is_run or (in_pieces and segments.part_bytes <= LARGEST_PART):
        return source
    check_memory(path, 2 * segments.nbytes)
    return ArraySource(source.read(slice(0, segments.height), slice(0, segments.width)))


def _source(page: Page, encoding: Encoding, path: Path) -> FileSource:
    segments = segments_of(page.content, path)
    if not segments.is_run:
        check_memory(path, segments.part_bytes)
    kind = RunSource if segments.is_run else SegmentSource
    return kind(path, Fingerprint.of(path.stat()), segments, encoding)


def _facts(pages: Pages, tif: tifffile.TiffFile) -> dict[str, Any]:
    sheet = pages.sheet.content
    return {
        "format": "BigTIFF" if tif.is_bigtiff else "TIFF",
        "page": pages.sheet.number,
        "pages": pages.count,
        "other_pages": pages.about_others(),
        "layout": "tiles" if sheet.is_tiled else "strips",
        "planar": "separate" if sheet.shaped[0] > 1 else "together",
        "compression": compression_name(sheet),
        "bit_depth": int(sheet.bitspersample),
    }
