"""Conversion of decoded colours to sRGB, through the file's ICC profile.

LCMS does the work at the depth of the pixels, so that 16-bit scans stay 16-bit.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

Pixels = NDArray[Any]

_SPACES = {
    "grey": (b"GRAY", "gray"),
    "rgb": (b"RGB ", "rgb"),
    "cmyk": (b"CMYK", "cmyk"),
}
CHANNELS = {"grey": 1, "rgb": 3, "cmyk": 4}
_ASSUMED = {
    "grey": "taken as sRGB grey: there is no profile",
    "rgb": "taken as sRGB: there is no profile",
    "cmyk": "CMYK by the plain ink formula: there is no profile",
}
_MAX_PROFILE = 16 << 20


@dataclass(frozen=True)
class Conversion:
    """How decoded colours become sRGB.

    Attributes
    ----------
    profile : str or None
        Name of the file's profile.
    words : str
        What is done, for the metadata.
    convert : callable or None
        H x W x C pixels -> H x W x 3 of the same dtype; None when they are sRGB.
    """

    profile: str | None
    words: str
    convert: Callable[[Pixels], Pixels] | None

    def in_8_bit(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Convert to 8-bit sRGB; rounding first, since LCMS is fast at 8 bits."""
        small = to_8_bit(pixels)
        return small if self.convert is None else self.convert(small)


def conversion_to_srgb(model: str, profile: bytes | None) -> Conversion:
    """Choose the conversion of ``"grey"``, ``"rgb"`` or ``"cmyk"`` pixels.

    A profile that cannot be used is named in the words and then passed over: the
    pixels are whole, only their shades less certain.
    """
    if not profile:
        return Conversion(None, _ASSUMED[model], _without_profile(model))
    name = profile_name(profile)
    fault = _fault(model, profile)
    if fault is not None:
        words = f"{_ASSUMED[model].partition(':')[0]}: {fault}"
        return Conversion(name, words, _without_profile(model))
    if model == "rgb" and _is_srgb(profile):
        return Conversion(name, "sRGB", None)
    convert = partial(_by_profile, profile=profile, space=_SPACES[model][1])
    return Conversion(name, "converted to sRGB", convert)


def profile_name(profile: bytes) -> str:
    """Name of an ICC profile in its own words."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return " ".join(ImageCms.getProfileDescription(opened).split())
    except (OSError, ImageCms.PyCMSError):
        return "unreadable profile"


def to_8_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Round uint16 to uint8, so that 65535 becomes 255; uint8 stays as it is."""
    if pixels.dtype == np.uint8:
        return pixels
    # (v + 128) // 257 in uint32; 257 = 65535 / 255
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _without_profile(model: str) -> Callable[[Pixels], Pixels] | None:
    return {"grey": _spread_grey, "rgb": None, "cmyk": _mix_inks}[model]


def _spread_grey(grey: Pixels) -> Pixels:
    return np.repeat(grey, 3, axis=2)


def _mix_inks(cmyk: Pixels) -> Pixels:
    """Inks that each take away their part of the light."""
    top = int(np.iinfo(cmyk.dtype).max)
    light = top - cmyk.astype(np.uint64)
    return ((light[..., :3] * light[..., 3:] + top // 2) // top).astype(cmyk.dtype)


def _by_profile(pixels: Pixels, profile: bytes, space: str) -> Pixels:
    source = np.ascontiguousarray(pixels[..., 0] if space == "gray" else pixels)
    # for 16 bits LCMS would interpolate in a coarse table, 15/255 off at bright colours
    exact = imagecodecs.CMS.FLAGS.NOOPTIMIZE if source.itemsize == 2 else None
    converted: Pixels = imagecodecs.cms_transform(
        source, profile, _srgb(), colorspace=space, outcolorspace="rgb", flags=exact
    )
    return converted


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    return bytes(imagecodecs.cms_profile("srgb"))


def _fault(model: str, profile: bytes) -> str | None:
    """Why the profile cannot be used, or None."""
    signature, space = _SPACES[model]
    if len(profile) > _MAX_PROFILE:
        return "the profile is too large to be one"
    if profile[16:20] != signature:
        stated = profile[16:20].decode("latin-1").strip()
        return f"the profile is for {stated or 'nothing'}"
    try:
        _by_profile(np.zeros((1, 1, CHANNELS[model]), np.uint8), profile, space)
    except (imagecodecs.CmsError, ValueError):
        return "the profile is damaged"
    return None


def _is_srgb(profile: bytes) -> bool:
    """Whether the profile leaves every colour where it is, but for rounding."""
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    moved = _by_profile(cube, profile, "rgb").astype(int) - cube
    return bool(np.abs(moved).max() <= 1)
