"""Profiles are applied, named, or passed over in words."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest

from napari_herbarium import read_sheet

ADOBE = imagecodecs.cms_profile("adobergb")
SRGB = imagecodecs.cms_profile("srgb")


def adobe_to_srgb(rgb: np.ndarray) -> np.ndarray:
    """Adobe RGB (1998) to sRGB, both 0..1, by the published matrices."""
    to_xyz = np.array(
        [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529],
         [0.02703, 0.07069, 0.99134]]
    )  # fmt: skip
    from_xyz = np.array(
        [[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156],
         [0.05564, -0.20403, 1.05723]]
    )  # fmt: skip
    linear = np.clip(rgb ** (563 / 256) @ to_xyz.T @ from_xyz.T, 0, 1)
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )


def colours() -> np.ndarray:
    steps = np.linspace(30, 225, 7).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(7, 49, 3)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "rowsperstrip": 2}])
def test_adobe_rgb_becomes_srgb(save, options):
    sheet = read_sheet(save(colours(), iccprofile=ADOBE, **options))
    expected = adobe_to_srgb(colours() / 255) * 255
    assert np.abs(np.asarray(sheet.image) - expected).max() < 2
    assert sheet.metadata["profile"].startswith("Adobe RGB")
    assert sheet.metadata["conversion"] == "converted to sRGB"


def test_16_bit_colours_are_converted_at_16_bits(save):
    deep = colours().astype(np.uint16) * 257
    sheet = read_sheet(save(deep, iccprofile=ADOBE))
    levels = np.asarray(sheet.levels[0])
    expected = adobe_to_srgb(deep / 65535) * 65535
    assert levels.dtype == np.uint16
    assert np.abs(levels - expected).max() < 40
    assert len(np.unique(levels % 257)) > 50  # more than 8 bits survive
    assert np.abs(np.asarray(sheet.image) - levels / 257).max() < 1.1


def test_srgb_pixels_are_left_alone(save):
    sheet = read_sheet(save(colours(), iccprofile=SRGB))
    assert np.array_equal(np.asarray(sheet.image), colours())
    assert sheet.metadata["conversion"] == "sRGB"


def test_a_grey_profile_counts(save):
    linear = imagecodecs.cms_profile("gray", gamma=1.0)
    ramp = np.arange(256, dtype=np.uint8)[None]
    sheet = read_sheet(save(ramp, photometric="minisblack", iccprofile=linear))
    image = np.asarray(sheet.image).astype(int)
    assert np.ptp(image, axis=2).max() <= 1
    # linear 55/255 is sRGB 0.5
    assert abs(image[0, 55, 0] - 128) <= 2


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (b"no profile at all" * 20, "profile is for"),
        (ADOBE[:200] + b"\0" * 600, "profile is damaged"),
        (imagecodecs.cms_profile("gray", gamma=2.2), "profile is for GRAY"),
    ],
    ids=["rubbish", "cut", "other space"],
)
def test_a_profile_that_cannot_be_used_is_named_and_passed_over(save, profile, words):
    sheet = read_sheet(save(colours(), iccprofile=profile))
    assert np.array_equal(np.asarray(sheet.image), colours())
    assert words in sheet.metadata["conversion"]


def test_cmyk_by_its_profile(save):
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    options = {"photometric": "separated", "iccprofile": ink_profile()}
    white, cyan, black = np.asarray(read_sheet(save(inks, **options)).image)[0]
    assert white.min() >= 253
    assert black.max() <= 10
    # the profile's cyan is Lab (60, -40, -40), not the formula's pure cyan
    assert np.abs(cyan.astype(int) - [0, 165, 215]).max() < 25


def ink_profile() -> bytes:
    """A CMYK profile with a table of two steps an ink."""
    table = bytearray()
    for corner in range(16):
        c, m, y, k = ((corner >> bit) & 1 for bit in (3, 2, 1, 0))
        light = max(0, 100 - 40 * c - 45 * m - 10 * y) * (1 - k)
        a, b = (-40 * c + 70 * m) * (1 - k), (-40 * c + 80 * y) * (1 - k)
        table += bytes([round(light * 2.55), 128 + a, 128 + min(b, 127)])
    ramp = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity
    lut += ramp * 4 + bytes(table) + ramp * 3
    header = bytearray(128)
    header[8:12] = b"\x02\x20\0\0"
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    body = struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut
    header[0:4] = struct.pack(">I", 128 + len(body))
    return bytes(header) + body
