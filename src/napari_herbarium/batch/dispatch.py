"""Handing out sheets: never more at once than needed, and none lost with its worker.

Dask says that a worker died and which sheets it had been given. One that the worker
had not begun is handed out again. One that it had begun is set aside until all others
are done, and then tried with no other sheet beside it; if that worker dies too, it was
the sheet, and it has failed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from napari_herbarium.batch.begun import was_begun
from napari_herbarium.batch.crew import Crew
from napari_herbarium.batch.ledger import Entry, State
from napari_herbarium.batch.manifest import SheetRow
from napari_herbarium.batch.outcome import Outcome
from napari_herbarium.batch.plan import Plan
from napari_herbarium.errors import HerbariumError

if TYPE_CHECKING:
    from distributed import Future

TICK_S = 0.25
SECONDS_BETWEEN_COUNTS = 2.0
QUEUED_PER_LANE = 2
"""Sheets handed out per lane: the next one is there when the last is done."""
CRASHED = (
    "Its worker died twice on this sheet (out of memory, or a fault in a decoder); "
    "give workers more memory or open the sheet alone."
)
Task: TypeAlias = tuple[SheetRow, str]
Do: TypeAlias = Callable[[SheetRow, str, Plan, str], Outcome]


class LostError(HerbariumError):
    """The run cannot go on, but can be taken up again."""


@dataclass
class Dispatcher:
    """Hands out sheets and gives their ends as they come.

    Attributes
    ----------
    crew : Crew
        Who works.
    plan : Plan
        The run.
    session : str
        Who leads it.
    do : callable
        What is done with a sheet.
    """

    crew: Crew
    plan: Plan
    session: str
    do: Do
    _flying: dict[str, tuple[Future, Task]] = field(default_factory=dict)
    _landed: SimpleQueue[str] = field(default_factory=SimpleQueue)
    _suspects: list[Task] = field(default_factory=list)
    _again: deque[Task] = field(default_factory=deque)
    _tries: int = 0
    _lanes: int = 0
    _counted: float = float("-inf")

    def run(
        self, tasks: Iterable[Task], alone: Iterable[Task]
    ) -> Iterator[list[Entry]]:
        """Do all sheets.

        Parameters
        ----------
        tasks : iterable of (SheetRow, str)
            Sheets and their names.
        alone : iterable of (SheetRow, str)
            Sheets that were in work when an earlier leader died; done last.

        Yields
        ------
        list of Entry
            Ends that came since the last time; a few times a second, even if none.

        Raises
        ------
        LostError
            The rest cannot be done now.
        """
        yield from self._all_of(tasks, self._window, self._suspect)
        self._suspects += alone
        suspects, self._suspects = self._suspects, []
        yield from self._all_of(suspects, self.crew.workers, self._convict)

    def close(self) -> None:
        """Take back what was handed out."""
        self.crew.client.cancel([future for future, _ in self._flying.values()])
        self._flying.clear()

    def _all_of(
        self,
        tasks: Iterable[Task],
        room: Callable[[], int],
        died: Callable[[Task], Entry | None],
    ) -> Iterator[list[Entry]]:
        waiting = iter(tasks)
        more = True
        while more or self._flying or self._again:
            more = self._fill(waiting, max(1, room())) and more
            yield [entry for key in self._wait() for entry in self._end(key, died)]

    def _fill(self, waiting: Iterator[Task], room: int) -> bool:
        """Hand out sheets until there is no room; tell whether there may be more."""
        while len(self._flying) < room:
            task = self._again.popleft() if self._again else next(waiting, None)
            if task is None:
                return False
            self._submit(task)
        return True

    def _window(self) -> int:
        if time.monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            self._lanes = self.crew.lanes()
            self._counted = time.monotonic()
        return QUEUED_PER_LANE * self._lanes

    def _submit(self, task: Task) -> None:
        row, name = task
        self._tries += 1
        key = f"sheet-{self.session}-{self._tries}"
        future = self.crew.client.submit(
            self.do, row, name, self.plan, self.session, key=key, pure=False
        )
        self._flying[key] = future, task
        future.add_done_callback(lambda done: self._landed.put(done.key))

    def _wait(self) -> list[str]:
        keys = []
        try:
            keys.append(self._landed.get(timeout=TICK_S))
            while True:
                keys.append(self._landed.get_nowait())
        except Empty:
            return keys

    def _end(self, key: str, died: Callable[[Task], Entry | None]) -> list[Entry]:
        from distributed import KilledWorker

        if key not in self._flying:
            return []
        future, task = self._flying.pop(key)
        try:
            outcome: Outcome = future.result()
        except KilledWorker:
            if was_begun(self.plan.layout.begun, task[1]):
                return _listed(died(task))
            self._again.append(task)
            return []
        except Exception as error:
            # Sheets end as an Outcome; whatever else comes is no fault of a sheet.
            msg = (
                f"The workers cannot go on ({type(error).__name__}: {error}); put it "
                "right and run the same command again: it does what is missing."
            )
            raise LostError(msg) from error
        if outcome.stop:
            msg = f"{outcome.stop} Run again afterwards: what is missing will be done."
            raise LostError(msg)
        if outcome.entry is None:
            was_begun(self.plan.layout.begun, task[1])
            return _listed(died(task))
        return [outcome.entry]

    def _suspect(self, task: Task) -> None:
        self._suspects.append(task)

    def _convict(self, task: Task) -> Entry:
        row, name = task
        return Entry(row.source, name, State.FAILED, CRASHED)


def _listed(entry: Entry | None) -> list[Entry]:
    return [] if entry is None else [entry]
