"""What one file's samples mean, and the steps that make colours of them.

Palettes, packed bits, inverted greys, YCbCr, alpha and surplus samples end here:
what comes out is grey, RGB or CMYK of 8 or 16 bits. Alpha is composited on white,
as paper is; surplus samples of unknown meaning are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.damage import damaged, unsupported
from napari_herbarium.sheet.decode.colour import CHANNELS
from napari_herbarium.sheet.decode.samples import (
    Pixels,
    composite,
    fill_range,
    keep,
    look_up,
    ycbcr_to_rgb,
)

Step = Callable[[Pixels], Pixels]

JPEG_SCHEMES = frozenset({6, 7, 33007, 34892})
"""Compressions whose decoder gives RGB for YCbCr."""
_WHITE_IS_ZERO, _PALETTE, _CMYK, _YCBCR = 0, 3, 5, 6
_INKS = {_WHITE_IS_ZERO, _CMYK}
"""Kinds whose paper is 0."""
_KINDS = {
    0: ("grey", "white-is-zero grey"),
    1: ("grey", "grey"),
    2: ("rgb", "RGB"),
    3: ("rgb", "palette"),
    5: ("cmyk", "CMYK"),
    6: ("rgb", "YCbCr"),
}
_REFUSED = {4: "a mask", 8: "CIELab", 9: "ICCLab", 32803: "raw camera data"}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_REC_601 = (0.299, 0.587, 0.114)
REMEDY = "save it as 8- or 16-bit RGB"
COMPOSITED = "composited on white"


@dataclass(frozen=True)
class Encoding:
    """How one file's samples become colours.

    Attributes
    ----------
    model : str
        ``"grey"``, ``"rgb"`` or ``"cmyk"``.
    dtype : numpy.dtype
        uint8 or uint16, full range.
    steps : tuple of callable
        Applied in turn to H x W x S samples.
    name : str
        The stored kind in words.
    alpha : str or None
        What becomes of samples beyond the colours.
    """

    model: str
    dtype: np.dtype
    steps: tuple[Step, ...] = ()
    name: str = "RGB"
    alpha: str | None = None

    @property
    def channels(self) -> int:
        """Samples per pixel after decoding."""
        return CHANNELS[self.model]

    def decode(self, samples: Pixels) -> Pixels:
        """H x W x S samples as stored -> H x W x `channels` of `dtype`."""
        for step in self.steps:
            samples = step(samples)
        return samples


def plain_encoding(samples: int, bits: int) -> Encoding:
    """Describe decoded grey, grey-alpha, RGB or RGBA pixels of up to 16 bits."""
    model, name = _KINDS[1 if samples < 3 else 2]
    wanted = CHANNELS[model]
    dtype, steps = _depth_steps(bits)
    if samples == wanted:
        return Encoding(model, dtype, tuple(steps), name)
    paper = int(np.iinfo(dtype).max)
    steps.append(_composite(model, paper, premultiplied=False))
    return Encoding(model, dtype, tuple(steps), name, COMPOSITED)


def cmyk_encoding(bits: int) -> Encoding:
    """Describe decoded inks of up to 16 bits."""
    dtype, steps = _depth_steps(bits)
    return Encoding("cmyk", dtype, tuple(steps), _KINDS[_CMYK][1])


def encoding_of(page: Any, path: Path) -> Encoding:
    """Describe the pixels of a TIFF page.

    Parameters
    ----------
    page : tifffile.TiffPage
    path : Path
        Named in errors.

    Raises
    ------
    SheetError
        For pixels that are no scan (floating point, volumes, masks, raw camera data).
    """
    photometric = int(page.photometric)
    _check_samples(page, path)
    model, name = _kind(page, path, photometric)
    dtype, steps = _depth_steps(_bits(page))
    if photometric == _PALETTE:
        steps = [partial(look_up, table=_palette(page, path))]
        return Encoding(model, np.dtype(np.uint8), tuple(steps), name)
    surplus, alpha = _surplus_steps(page, model, dtype)
    steps += surplus
    if photometric == _WHITE_IS_ZERO:
        steps.append(np.invert)  # after alpha, which is stored the usual way round
    if photometric == _YCBCR and int(page.compression) not in JPEG_SCHEMES:
        steps.append(partial(ycbcr_to_rgb, luma=_luma(page)))
    return Encoding(model, dtype, tuple(steps), name, alpha)


def _check_samples(page: Any, path: Path) -> None:
    """Refuse numbers that no scanner writes."""
    kind = page.dtype.kind if page.dtype is not None else ""
    if kind in ("f", "c"):
        raise unsupported(path, f"holds {page.dtype} numbers, not a scan", REMEDY)
    if kind not in ("u", "b") or not 1 <= _bits(page) <= 16:
        what = f"holds samples of {page.bitspersample} bits that no scanner writes"
        raise unsupported(path, what, REMEDY)
    if page.imagedepth != 1:
        raise unsupported(path, "holds a volume, not a sheet", REMEDY)


def _kind(page: Any, path: Path, photometric: int) -> tuple[str, str]:
    if photometric not in _KINDS:
        name = _REFUSED.get(photometric, f"kind {photometric}")
        raise unsupported(path, f"stores its colours as {name}", REMEDY)
    model, name = _KINDS[photometric]
    wanted = 1 if photometric == _PALETTE else CHANNELS[model]
    if page.samplesperpixel < wanted:
        raise damaged(path, f"{page.samplesperpixel} sample(s) a pixel for {name}")
    if photometric == _CMYK and page.tags.valueof(332, default=1) != 1:
        raise unsupported(path, "stores inks other than CMYK", REMEDY)
    if photometric == _YCBCR and _bits(page) != 8:
        raise unsupported(path, f"stores YCbCr of {_bits(page)} bits", REMEDY)
    return model, name


def _bits(page: Any) -> int:
    """Bits per sample, 0 when they differ between samples."""
    return page.bitspersample if isinstance(page.bitspersample, int) else 0


def _depth_steps(bits: int) -> tuple[np.dtype, list[Step]]:
    """Full-range dtype of the decoded samples, and the step that fills the range."""
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    if bits in (8, 16):
        return dtype, []
    return dtype, [partial(fill_range, bits=bits, dtype=dtype)]


def _surplus_steps(
    page: Any, model: str, dtype: np.dtype
) -> tuple[list[Step], str | None]:
    """Step that leaves the model's own samples, and what it does in words."""
    wanted = CHANNELS[model]
    if page.samplesperpixel == wanted:
        return [], None
    kind = int(page.extrasamples[0]) if page.extrasamples else 0
    if kind in (_ASSOCIATED, _UNASSOCIATED) and page.photometric != _YCBCR:
        paper = 0 if page.photometric in _INKS else int(np.iinfo(dtype).max)
        return [_composite(model, paper, kind == _ASSOCIATED)], COMPOSITED
    return [partial(keep, wanted=wanted)], "dropped"


def _composite(model: str, paper: int, premultiplied: bool) -> Step:
    wanted = CHANNELS[model]
    return partial(composite, wanted=wanted, ground=paper, premultiplied=premultiplied)


def _palette(page: Any, path: Path) -> NDArray[np.uint8]:
    """Colours by index, N x 3."""
    table = np.asarray(page.tags.valueof(320, default=()))
    if table.size != 3 * 2 ** _bits(page):
        raise damaged(path, "its palette does not fit its pixels")
    # some writers store 0..255 where the standard asks for 0..65535
    shift = 8 if table.max() > 255 else 0
    return np.ascontiguousarray((table.reshape(3, -1).T >> shift).astype(np.uint8))


def _luma(page: Any) -> tuple[float, float, float]:
    """YCbCrCoefficients, those of Rec. 601 when absent or senseless."""
    terms = page.tags.valueof(529)
    if not isinstance(terms, tuple) or len(terms) != 6 or 0 in terms[1::2]:
        return _REC_601
    red, green, blue = (n / d for n, d in zip(terms[::2], terms[1::2], strict=True))
    return (red, green, blue) if green > 0 else _REC_601
