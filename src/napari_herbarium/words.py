"""Numbers and names in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, one: str, several: str = "") -> str:
    """Say how many there are: ``1 sheet``, ``2,134 leaves``.

    Parameters
    ----------
    count : int
    one : str
        What there may be one of.
    several : str
        The same for more or none; `one` and an s where it is empty.
    """
    return f"1 {one}" if count == 1 else f"{count:,} {several or one + 's'}"


def leaves(count: int) -> str:
    """Say how many leaves there are."""
    return counted(count, "leaf", "leaves")


def sheets(count: int) -> str:
    """Say how many sheets there are."""
    return counted(count, "sheet")


def some(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Name the first few: ``K1, K2 and 2,134 more``."""
    more = len(names) - most
    rest = f" and {more:,} more" if more > 0 else ""
    return between.join(names[:most]) + rest


def unit(what: str, total: int | None) -> str:
    """Say what is counted behind ``1/1`` or ``3/7``: ``tile`` or ``tiles``.

    The first word counts, as of ``leaves measured``.

    Parameters
    ----------
    what : str
        More than one of it.
    total : int or None
        How many there are in all, None where nobody knows.
    """
    if total != 1:
        return what
    first, space, rest = what.partition(" ")
    one = "leaf" if first == "leaves" else first.removesuffix("s")
    return f"{one}{space}{rest}"


def duration(seconds: float) -> str:
    """Say a time in its two largest units: ``2 h 5 min``, ``40 s``, never nothing."""
    minutes, left = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(place for place, (count, _) in enumerate(units) if count)
    return " ".join(f"{n:,} {unit}" for n, unit in units[first : first + 2] if n)


def printable(text: str) -> str:
    """Text as any terminal and file can hold it: bytes that are no UTF-8 escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
