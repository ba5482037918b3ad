"""The pages of a TIFF file: which is the sheet, which are its smaller levels.

Scanning programs put a thumbnail first, a mask or a second view after; pyramids are
kept in SubIFDs or in further pages marked as reduced. The largest page is the sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tifffile

from napari_herbarium.sheet.damage import damaged
from napari_herbarium.sheet.tiff.ifd import Ifd, IfdReader

_REDUCED, _MASK = 1, 4
_PALETTE = 3
_UNPREDICTED = {1, 32773}
"""Compressions that know no differences: some writers leave the tag behind."""
_DEFINING = frozenset(
    {254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322}
    | {323, 324, 325, 330, 332, 338, 339, 347, 529, 530, 34675}
)
"""Tags without which pixels or colours would come out wrong."""
_NEEDED = {256: "width", 257: "height", 262: "colour kind"}
_THUMBNAIL = frozenset({513, 514})
_PICTURE = frozenset({256, 257, 273, 324})
_KIND_FACTS = (
    "photometric",
    "bitspersample",
    "samplesperpixel",
    "extrasamples",
    "dtype",
    "compression",
)
_STEP = (1.5, 4.6)
"""How much smaller the next level of a pyramid may be."""


@dataclass(frozen=True)
class Page:
    """One page or SubIFD.

    Attributes
    ----------
    number : int
        Position among the pages, from 0; a SubIFD has that of its page.
    content : tifffile.TiffPage
        Parsed tags.
    is_sub : bool
        Whether it is a SubIFD of page `number`.
    """

    number: int
    content: Any
    is_sub: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as stored, in px."""
        return self.content.imagelength, self.content.imagewidth

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.size[0] * self.size[1]

    @property
    def is_reduced(self) -> bool:
        """Whether it is marked as a smaller version of another page."""
        return bool(self.content.subfiletype & _REDUCED)

    def about(self) -> dict[str, Any]:
        """Describe a page that is not the sheet, for the metadata."""
        height, width = self.size
        kind = "mask" if self.content.subfiletype & _MASK else "picture"
        return {"page": self.number, "height": height, "width": width, "kind": kind}


@dataclass(frozen=True)
class Pages:
    """The sheet, its smaller levels from large to small, and everything else."""

    sheet: Page
    levels: tuple[Page, ...]
    others: tuple[Page, ...]
    count: int
    thumbnails: tuple[int, ...] = ()

    def about_others(self) -> list[dict[str, Any]]:
        """Describe what is not the sheet, for the metadata."""
        pages = [page.about() for page in self.others]
        pages += [{"page": number, "kind": "thumbnail"} for number in self.thumbnails]
        return sorted(pages, key=lambda page: int(page["page"]))


def read_pages(tif: tifffile.TiffFile, path: Path) -> Pages:
    """Parse all pages of an open file and choose the sheet.

    Raises
    ------
    SheetError
        When any page or a tag that pixels depend on cannot be read: what is left
        could be a thumbnail.
    """
    with path.open("rb") as file:
        links = IfdReader(file, path)
        chain = links.chain()
        pages: list[Page] = []
        thumbnails = []
        for number, ifd in enumerate(chain):
            if number and _is_exif_thumbnail(ifd):
                thumbnails.append(number)
                continue
            pages.append(Page(number, _parse(tif, ifd, number, path)))
            pages += _sub_pages(tif, links, pages[-1], path)
    return replace(_choose(pages, len(chain), path), thumbnails=tuple(thumbnails))


def _is_exif_thumbnail(ifd: Ifd) -> bool:
    """Whether a page is but a link to a small JPEG, as cameras and EXIF tools add."""
    codes = set(ifd.codes)
    return codes >= _THUMBNAIL and not codes & _PICTURE


def _sub_pages(
    tif: tifffile.TiffFile, links: IfdReader, parent: Page, path: Path
) -> list[Page]:
    offsets = parent.content.subifds or ()
    subs = []
    for index, offset in enumerate(offsets[:64]):
        ifd = links.at(int(offset))
        content = _parse(tif, ifd, (parent.number, index), path)
        subs.append(Page(parent.number, content, is_sub=True))
    return subs


def _parse(tif: tifffile.TiffFile, ifd: Ifd, index: Any, path: Path) -> Any:
    tif.filehandle.seek(ifd.offset)
    page = tifffile.TiffPage(tif, index)
    for code in ifd.codes:
        if code in _DEFINING and code not in page.tags:
            raise damaged(path, f"tag {code} of a page cannot be read")
    for code, name in _NEEDED.items():
        if code not in page.tags:
            raise damaged(path, f"a page has no {name}")
    if page.predictor == 0 or int(page.compression) in _UNPREDICTED:
        page.predictor = 1
    return page


def _choose(pages: list[Page], count: int, path: Path) -> Pages:
    pictures = [p for p in pages if not p.content.subfiletype & _MASK] or pages
    sheet = max(pictures, key=lambda page: page.area)  # the first of equals
    if sheet.area == 0:
        height, width = sheet.size
        raise damaged(path, f"its largest page is {width} x {height} px")
    levels = _chain(sheet, _candidates(sheet, pages))
    others = [p for p in pages if p is not sheet and p not in levels]
    return Pages(sheet, tuple(levels), tuple(others), count)


def _candidates(sheet: Page, pages: list[Page]) -> list[Page]:
    """SubIFDs of the sheet, or the reduced pages that follow it directly."""
    subs = [p for p in pages if p.is_sub and p.number == sheet.number and p != sheet]
    if subs or sheet.is_sub:
        return subs
    following = []
    for page in pages[pages.index(sheet) + 1 :]:
        if page.content.subfiletype & _MASK:
            continue  # GDAL puts the mask of each level behind it
        if not page.is_reduced or page.is_sub:
            break
        following.append(page)
    return following


def _chain(sheet: Page, candidates: list[Page]) -> list[Page]:
    """Candidates that each continue the pyramid, from large to small."""
    levels = [sheet]
    for page in sorted(candidates, key=lambda page: -page.area):
        if _continues(levels[-1], page, sheet):
            levels.append(page)
    return levels[1:]


def _continues(above: Page, page: Page, sheet: Page) -> bool:
    (tall, wide), (height, width) = sheet.size, page.size
    if min(height, width) < 1 or not _alike(page, sheet):
        return False
    same_shape = abs(height * wide - width * tall) <= 2 * max(tall, wide)
    return same_shape and _STEP[0] <= above.size[0] / height <= _STEP[1]


def _alike(page: Page, sheet: Page) -> bool:
    """Whether both store the same kind of pixels; palettes may differ unseen."""
    return page.content.photometric != _PALETTE and all(
        getattr(page.content, fact) == getattr(sheet.content, fact)
        for fact in _KIND_FACTS
    )
