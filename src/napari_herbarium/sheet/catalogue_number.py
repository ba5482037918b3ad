"""The catalogue number of a specimen, from what the file says or from its name.

It is carried along for the table, never taken for truth: a sheet may hold several
specimens, and files are renamed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

DARWIN_CORE = "catalogNumber"
_XMP_NAMES, _XMP_TEXTS = ("identifier", "title", "Title"), ("description", "Headline")
_XMP_FIELDS = frozenset({DARWIN_CORE, *_XMP_NAMES, *_XMP_TEXTS})
_IPTC_NAMES = {5: "object name", 103: "reference"}
_IPTC_TEXTS = {105: "headline", 120: "caption"}
_MAX_XMP = 4 << 20
_MAX_TEXT = 64 << 10
"""Characters of a text that are searched: whole protocols are kept in descriptions."""

_CODE = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(?:[a-z]{1,4}\d{5,14}|[A-Z]{1,8}\d{5,14}"
    r"|[A-Z]{1,6}(?:[ ._-]\d{1,3})?[ ._-]\d{5,14})"
    r"[A-Za-z]?(?![A-Za-z0-9])"
)
_CAMERA = re.compile(
    r"(?:IMG|DSC[NF]?|DCIM|PXL|PICT|MVI|IMAGE|PHOTO|VID|SAM|GOPR|SCA?N)(?![A-Z])"
    r"|P\d{7}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SelfDescription:
    """What a file says about its picture, as raw as it was found.

    Attributes
    ----------
    xmp, iptc : bytes
        Packets, empty when absent.
    texts : tuple of (str, str)
        Other fields: where they stood, and what they said.
    """

    xmp: bytes = b""
    iptc: bytes = b""
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CatalogueNumber:
    """The number, all numbers found in the same place, and that place in words."""

    number: str | None = None
    all_numbers: tuple[str, ...] = ()
    source: str | None = None


def find_catalogue_number(
    description: SelfDescription, path: Path | None
) -> CatalogueNumber:
    """Look for a catalogue number in fields for names, the file's name, then texts.

    Free texts come last: scanning programs put dates and serial numbers there.
    Damaged metadata counts as absent.
    """
    xmp = _xmp_fields(description.xmp)
    if number := xmp.get(DARWIN_CORE, "").strip():
        return CatalogueNumber(number, (number,), "XMP catalogNumber")
    places = _places(xmp, description.iptc, _XMP_NAMES, _IPTC_NAMES)
    if path is not None:
        places.append(("file name", path.stem))
    places += _places(xmp, description.iptc, _XMP_TEXTS, _IPTC_TEXTS)
    places += description.texts
    for source, text in places:
        if numbers := codes_in(text):
            return CatalogueNumber(numbers[0], numbers, source)
    return CatalogueNumber()


def _places(
    xmp: dict[str, str],
    iptc: bytes,
    xmp_names: tuple[str, ...],
    iptc_names: dict[int, str],
) -> list[tuple[str, str]]:
    """Fields in words, with what they say."""
    places = [(f"XMP {name}", xmp.get(name, "")) for name in xmp_names]
    found = _iptc_fields(iptc, iptc_names)
    return places + [(f"IPTC {name}", text) for name, text in found]


def codes_in(text: str) -> tuple[str, ...]:
    """Catalogue numbers in a text, such as ``K000123456`` or ``BR0000005182879``.

    An institution's letters followed by at least five digits count; names that
    cameras give to their pictures, and collectors with their numbers, do not.
    """
    codes = (found[0] for found in _CODE.finditer(text[:_MAX_TEXT]))
    return tuple(dict.fromkeys(code for code in codes if not _CAMERA.match(code)))


def _xmp_fields(packet: bytes) -> dict[str, str]:
    """Text of the attributes and elements of an XMP packet that we know."""
    start, end = packet.find(b"<"), packet.rfind(b">")
    body = packet[start : end + 1] if 0 <= start < end else b""
    if not body or len(body) > _MAX_XMP or b"<!" in body:
        return {}  # a doctype has no place in XMP and could blow up
    try:
        root = ElementTree.fromstring(body.decode("utf-8", "replace"))
    except (ElementTree.ParseError, ValueError):
        return {}
    fields: dict[str, str] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            fields.setdefault(_local(name), value)
        name = _local(element.tag)
        if name in _XMP_FIELDS and name not in fields:
            fields[name] = " ".join("".join(element.itertext()).split())
    return fields


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _iptc_fields(packet: bytes, names: dict[int, str]) -> list[tuple[str, str]]:
    """Fields of some names in an IPTC-IIM packet; stops quietly where it is damaged."""
    fields = []
    position = 0
    while packet[position : position + 1] == b"\x1c":
        header = packet[position : position + 5]
        if len(header) < 5:
            break
        _, record, dataset, length = struct.unpack(">BBBH", header)
        value = packet[position + 5 : position + 5 + length]
        if record == 2 and dataset in names:
            fields.append((names[dataset], value.decode("utf-8", "replace")))
        position += 5 + length
    return fields
