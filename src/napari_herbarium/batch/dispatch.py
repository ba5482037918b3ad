"""Handing out sheets: never more at once than needed, and none lost with its worker.

Dask says that a worker died and which sheets it had been given. One that the worker
had not begun is handed out again. One that it had begun is set aside until all others
are done, and then tried with no other sheet beside it; if that worker dies too, it was
the sheet, and it has failed. Elsewhere than on this machine it takes three such deaths.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from napari_herbarium.batch.cluster.crew import Crew
from napari_herbarium.batch.inputs.manifest import SheetRow
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.begun import was_begun
from napari_herbarium.batch.records.ledger import Entry, State
from napari_herbarium.batch.records.outcome import CRASHED, Outcome
from napari_herbarium.errors import HerbariumError

if TYPE_CHECKING:
    from distributed import Future

TICK_S = 0.25
SECONDS_TO_COLLECT = 0.02
"""Where hundreds of workers end sheets, so long is waited for some to come together."""
SECONDS_BETWEEN_COUNTS = 2.0
QUEUED_PER_LANE = 2
"""Sheets handed out per lane: the next one is there when the last is done."""
_GONE = (
    "The Dask scheduler is gone; start it and its workers anew and run the same "
    "command again: it does what is missing."
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
    _again: deque[Task] = field(default_factory=deque)
    _tries: int = 0
    _deaths: Counter[str] = field(default_factory=Counter)
    _lanes: int = 0
    _counted: float = float("-inf")
    _trouble: LostError | None = None

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
        suspects: list[Task] = []
        yield from self._all_of(tasks, self._window, suspects.append)
        suspects += alone
        workers = partial(_counted, self.crew.workers)
        yield from self._all_of(suspects, workers, self._convict)

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
            self.crew.tend()
            more = self._fill(waiting, max(1, room())) and more
            landed = [self._flying.pop(key) for key in self._wait()]
            outcomes = self._outcomes([future for future, _ in landed])
            tasks_ended = [task for _, task in landed]
            yield list(self._ends(outcomes, tasks_ended, died))
            if self._trouble:
                raise self._trouble

    def _fill(self, waiting: Iterator[Task], room: int) -> bool:
        """Hand out sheets until there is no room; tell whether there may be more."""
        free = max(0, room - len(self._flying))
        tasks = [self._again.popleft() for _ in range(min(free, len(self._again)))]
        tasks += islice(waiting, free - len(tasks))
        self._submit(tasks)
        return len(tasks) == free

    def lanes(self) -> int:
        """Sheets that could be in hand, as of a moment ago."""
        if time.monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            self._lanes = _counted(self.crew.lanes)
            self._counted = time.monotonic()
        return self._lanes

    def _window(self) -> int:
        return QUEUED_PER_LANE * self.lanes()

    def _submit(self, tasks: Sequence[Task]) -> None:
        """Hand out sheets, all in one message."""
        if not tasks:
            return
        keys = [f"sheet-{self.session}-{self._tries + n}" for n in range(len(tasks))]
        self._tries += len(tasks)
        do = partial(_do, self.do, self.plan, self.session)
        futures = self.crew.client.map(do, tasks, key=keys, pure=False)
        for key, future, task in zip(keys, futures, tasks, strict=True):
            self._flying[key] = future, task
            future.add_done_callback(lambda done: self._landed.put(done.key))

    def _wait(self) -> list[str]:
        """Wait for sheets to end; give their keys."""
        keys = []
        try:
            keys.append(self._landed.get(timeout=TICK_S))
            time.sleep(SECONDS_TO_COLLECT)
            while True:
                keys.append(self._landed.get_nowait())
        except Empty:
            return [key for key in keys if key in self._flying]

    def _ends(
        self,
        outcomes: Sequence[Outcome | Exception],
        tasks: Sequence[Task],
        died: Callable[[Task], Entry | None],
    ) -> Iterator[Entry]:
        """Give how sheets ended; those that have to be tried again are left out."""
        for outcome, task in zip(outcomes, tasks, strict=True):
            try:
                entry = self._end(outcome, task, died)
            except LostError as error:
                self._trouble = error  # once the others are in the ledger
                continue
            if entry is not None:
                yield entry

    def _outcomes(self, futures: Sequence[Future]) -> list[Outcome | Exception]:
        """Fetch what workers said.

        One question for all: a question for each would take longer than the work, on
        a network, or where many workers share a machine.
        """
        from distributed import KilledWorker

        if not futures:
            return []
        try:
            if all(future.status == "finished" for future in futures):
                outcomes: list[Outcome | Exception] = self.crew.client.gather(futures)
                return outcomes
        except (KilledWorker, CancelledError):
            pass  # of one of them; the others have ended
        except Exception as error:
            raise _lost(error) from error
        return [_outcome(future) for future in futures]

    def _end(
        self,
        outcome: Outcome | Exception,
        task: Task,
        died: Callable[[Task], Entry | None],
    ) -> Entry | None:
        from distributed import KilledWorker

        if isinstance(outcome, KilledWorker):
            if was_begun(self.plan.layout.begun, task[1]):
                return died(task)
            self._again.append(task)
            return None
        if isinstance(outcome, CancelledError):
            raise LostError(_GONE) from outcome
        if isinstance(outcome, Exception):
            # Sheets end as an Outcome; whatever else comes is no fault of a sheet.
            raise _lost(outcome) from outcome
        if outcome.stop:
            msg = f"{outcome.stop} Run again afterwards: what is missing will be done."
            raise LostError(msg)
        if outcome.entry is None:
            was_begun(self.plan.layout.begun, task[1])
            return died(task)
        return outcome.entry

    def _convict(self, task: Task) -> Entry | None:
        row, name = task
        self._deaths[name] += 1
        if self._deaths[name] < self.crew.tries:
            self._again.append(task)
            return None
        return Entry(row.source, name, State.FAILED, CRASHED)


def _counted(count: Callable[[], int]) -> int:
    try:
        return count()
    except OSError as error:  # no connection
        raise LostError(_GONE) from error


def _outcome(future: Future) -> Outcome | Exception:
    from distributed import KilledWorker

    try:
        outcome: Outcome | Exception = future.exception() or future.result()
    except (KilledWorker, CancelledError) as error:
        return error
    return outcome


def _lost(error: Exception) -> LostError:
    return LostError(
        f"The workers cannot go on ({type(error).__name__}: {error}); put it right and "
        "run the same command again: it does what is missing."
    )


def _do(do: Do, plan: Plan, session: str, task: Task) -> Outcome:
    return do(*task, plan, session)
