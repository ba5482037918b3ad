"""Decoding JPEG streams only when they are whole.

Where a scan breaks off or makes no sense, the JPEG library goes on with grey or with
blocks out of place and leaves but a warning, which most of its users drop. Here the
warnings are read: those that mean missing or wrong pixels count as damage.
"""

from __future__ import annotations

import re
from typing import Any

import simplejpeg
from numpy.typing import NDArray

from napari_herbarium.sheet.damage import DamageError

GREY, RGB, INKS = "GRAY", "RGB", "CMYK"
_DAMAGE = re.compile(
    r"premature end|bad huffman code|bad arithmetic code|instead of rst", re.IGNORECASE
)
_SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0x(..)")
_RESTARTS, _END = range(0xD0, 0xD8), 0xD9
_HARMLESS = 2
"""Surplus bytes that some encoders leave behind a scan."""


def decode_whole(stream: bytes, colours: str) -> NDArray[Any] | None:
    """Decode a picture of 8-bit samples, refusing one that is not whole.

    Parameters
    ----------
    stream : bytes
        From its start to its end, with all its tables.
    colours : str
        `GREY`, `RGB` or `INKS`: what to decode to.

    Returns
    -------
    array, H x W x (1, 3 or 4), uint8, or None
        None for a kind of JPEG that this decoder does not know.

    Raises
    ------
    DamageError
        When pixels are missing or wrong.
    """
    try:
        decoded: NDArray[Any] = simplejpeg.decode_jpeg(stream, colours)
    except ValueError as error:
        if _is_damage(stream, str(error)):
            raise DamageError("a JPEG picture in it is cut off or garbled") from error
        return None
    return decoded


def _is_damage(stream: bytes, warning: str) -> bool:
    surplus = _SURPLUS.search(warning)
    if surplus is None:
        return _DAMAGE.search(warning) is not None
    return not _is_padding(stream, int(surplus[1]), int(surplus[2], 16))


def _is_padding(stream: bytes, surplus: int, marker: int) -> bool:
    """Whether surplus bytes before a marker are none of the picture."""
    before_end = stream[-2 - surplus : -2]
    is_even = marker == _END and len(set(before_end)) == 1
    return is_even or (surplus <= _HARMLESS and marker not in _RESTARTS)
