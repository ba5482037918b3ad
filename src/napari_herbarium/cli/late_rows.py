"""Rows of a table that is open in Excel: kept beside it until it can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from napari_herbarium import words
from napari_herbarium.errors import HerbariumError
from napari_herbarium.files import is_held

Write = Callable[[Path], None]
"""Puts the rows of one sheet into a table of this path."""
_MOST_NAMED = 10


class LateRows:
    """Takes rows that a table does not take now, and adds them in the end.

    Until then they lie in a table of their own, so that nothing is lost whatever
    happens to the run.
    """

    def __init__(self) -> None:
        self._waiting: dict[Path, dict[str, Write]] = {}
        self._beside: dict[Path, list[Path]] = {}
        self._news: list[str] = []

    def put(self, table: Path, sheet: str, write: Write) -> None:
        """Write the rows of a sheet into a table, or beside it where it is held.

        Raises
        ------
        HerbariumError
            They cannot be written for any other reason.
        """
        if _takes(table, write):
            return
        places = self._beside.setdefault(table, [])
        # What they lie in may have been opened, too, to look at them.
        if not places or not _takes(places[-1], write):
            place = _new_name(table)
            write(place)
            places.append(place)
            self._news.append(
                f"{table} is open in another program, such as Excel: close it. New "
                f"rows go to {place.name} until the end."
            )
        self._waiting.setdefault(table, {})[sheet] = write

    def news(self) -> list[str]:
        """Say of each table once that it has to be closed."""
        told, self._news = self._news, []
        return told

    def settle(self) -> Iterator[str]:
        """Add what waits; say of each table that is still held what it lacks."""
        for table, waiting in self._waiting.items():
            try:
                for sheet in list(waiting):
                    waiting[sheet](table)
                    del waiting[sheet]
            except HerbariumError as error:
                places = " and ".join(place.name for place in self._beside[table])
                yield (
                    f"{error} Rows of {words.some(list(waiting), _MOST_NAMED)} are in "
                    f"{places} beside it; copy them over."
                )
            else:
                self._remove_beside(table)

    def _remove_beside(self, table: Path) -> None:
        for place in self._beside[table]:
            try:
                place.unlink(missing_ok=True)
            except OSError:
                self._news.append(
                    f"The rows of {place} are in {table.name} now; close it and "
                    "remove it."
                )


def _takes(table: Path, write: Write) -> bool:
    """Write rows into a table; give False where another program has it open."""
    try:
        write(table)
    except HerbariumError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and is_held(cause):
            return False
        raise
    return True


def _new_name(table: Path) -> Path:
    """Give a name that no file has: what lies there is of a run before."""
    ends = (f".rest{n if n > 1 else ''}{table.suffix}" for n in count(1))
    places = (table.with_name(table.stem + end) for end in ends)
    return next(place for place in places if not place.exists())
