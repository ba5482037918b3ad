"""The number is found where it stands, and nonsense never stops a sheet."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from napari_herbarium import read_sheet
from napari_herbarium.sheet.catalogue_number import (
    SelfDescription,
    codes_in,
    find_catalogue_number,
)

XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dwc="http://rs.tdwg.org/dwc/terms/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def xmp(attributes: str = "", elements: str = "") -> bytes:
    return XMP.format(attributes=attributes, elements=elements).encode()


def iptc(**fields: str) -> bytes:
    datasets = {"name": 5, "caption": 120}
    packet = b"\x1c\x02\x00\x00\x02\x00\x04"
    for name, text in fields.items():
        packet += struct.pack(">BBBH", 0x1C, 2, datasets[name], len(text))
        packet += text.encode()
    return packet


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("K000123456", ["K000123456"]),
        ("BR0000005182879", ["BR0000005182879"]),
        ("P00123456", ["P00123456"]),
        ("E00012345", ["E00012345"]),
        ("COI00012345", ["COI00012345"]),
        ("COI00012345_COI00012346", ["COI00012345", "COI00012346"]),
        ("nyc01234567", ["nyc01234567"]),
        ("B_10_0123456", ["B_10_0123456"]),
        ("MA-01-00012345", ["MA-01-00012345"]),
        ("WAG.1234567", ["WAG.1234567"]),
        ("MEL 0123456A", ["MEL 0123456A"]),
        ("K000123456_a", ["K000123456"]),
        ("Viola 2021-K001614477 verso", ["K001614477"]),
        ("IMG_20210304_1234", []),
        ("IMG_2714", []),
        ("DSC01234", []),
        ("P1010234", []),
        ("scan0001234", []),
        ("A3_600ppi", []),
        ("Fagaceae-Quercus-alba-Levin-29593", []),
        ("sheet00012", []),
        ("", []),
    ],
)
def test_codes_in_file_names(name, codes):
    assert list(codes_in(name)) == codes


def test_darwin_core_is_taken_as_it_is():
    for packet in (
        xmp(attributes='dwc:catalogNumber="12/345 b"'),
        xmp(elements="<dwc:catalogNumber> 12/345 b </dwc:catalogNumber>"),
    ):
        found = find_catalogue_number(SelfDescription(packet), Path("K000123456.tif"))
        assert found.number == "12/345 b"
        assert found.source == "XMP catalogNumber"


def test_other_xmp_fields_need_a_code():
    title = "<dc:title><rdf:Alt><rdf:li>Herb. {}</rdf:li></rdf:Alt></dc:title>"
    path = Path("E00012345.tif")
    with_code = SelfDescription(xmp(elements=title.format("K000123456")))
    without = SelfDescription(xmp(elements=title.format("Kew")))
    assert find_catalogue_number(with_code, path).number == "K000123456"
    assert find_catalogue_number(without, path).number == "E00012345"


def test_iptc_comes_before_the_name():
    described = SelfDescription(iptc=iptc(name="P00123456", caption="Viola"))
    found = find_catalogue_number(described, Path("E00012345.tif"))
    assert (found.number, found.source) == ("P00123456", "IPTC object name")


@pytest.mark.parametrize("text", ["EPSON 12345 scan", "DATE 20240101"])
def test_free_text_comes_after_the_name(text):
    described = [
        SelfDescription(texts=(("image description", text),)),
        SelfDescription(xmp(elements=f"<dc:description>{text}</dc:description>")),
        SelfDescription(iptc=iptc(caption=text)),
    ]
    for description in described:
        found = find_catalogue_number(description, Path("K000123456.tif"))
        assert (found.number, found.source) == ("K000123456", "file name")
        assert find_catalogue_number(description, Path("sheet.tif")).number


def test_nothing_found():
    assert find_catalogue_number(SelfDescription(), None).number is None


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta",
        b"\xff\xfe\x00rubbish<>",
        b"<!DOCTYPE x [<!ENTITY a 'K000999999'>]><x>&a;</x>",
        b"<a>" * 5000,
        xmp() + b"<unclosed>",
        b"\x00" * 50,
    ],
    ids=["cut", "rubbish", "entities", "deep", "two roots", "zeros"],
)
def test_damaged_xmp_counts_as_absent(packet):
    found = find_catalogue_number(SelfDescription(packet), Path("E00012345.tif"))
    assert found.number == "E00012345"


@pytest.mark.parametrize("cut", range(0, 30, 4))
def test_damaged_iptc_counts_as_absent_or_short(cut):
    packet = iptc(name="P00123456")[:cut] + b"\x1c\x02"
    found = find_catalogue_number(SelfDescription(iptc=packet), None)
    assert found.number is None or "P00123456".startswith(found.number)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ((700, "B", None, xmp('dwc:catalogNumber="K7"'), True), "K7"),
        ((33723, "B", None, iptc(name="P00123456"), True), "P00123456"),
        ((270, "s", 0, "Herbarium sheet BR0000005182879", True), "BR0000005182879"),
        ((269, "s", 0, "COI00012345.tif", True), "COI00012345"),
    ],
    ids=["XMP", "IPTC", "image description", "document name"],
)
def test_numbers_in_a_tiff(save, scan, tag, expected):
    code, kind, _, value, once = tag
    length = len(value) if kind == "B" else 0
    path = save(scan, "sheet.tif", extratags=[(code, kind, length, value, once)])
    sheet = read_sheet(path)
    assert sheet.catalog_number == sheet.metadata["catalog_number"] == expected


def test_a_name_of_two_numbers(save, scan):
    sheet = read_sheet(save(scan, "COI00012345_COI00012346.tif"))
    assert sheet.catalog_number == "COI00012345"
    assert sheet.metadata["catalog_numbers"] == ["COI00012345", "COI00012346"]
    assert sheet.metadata["catalog_number_source"] == "file name"


def test_of_a_text_as_long_as_a_book_the_first_pages_are_searched():
    assert codes_in("K000123456 " + "x" * 70_000 + " K000999999") == ("K000123456",)
