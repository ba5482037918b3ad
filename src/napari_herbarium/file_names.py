"""What file systems make of names."""

from __future__ import annotations

import re
import unicodedata

_DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def as_filed(name: str) -> str:
    """Give what two names share that are one file on Windows or macOS.

    Upper and lower case are the same there, and so are letters with marks, whether
    they are composed or not.
    """
    return unicodedata.normalize("NFC", name).casefold()


def is_device(name: str) -> bool:
    """Tell what no file may be called on Windows, whatever comes after a dot."""
    return bool(_DEVICES.fullmatch(name.split(".")[0].rstrip()))
