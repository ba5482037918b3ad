"""The one place that starts background work.

A widget hands over a function that starts a core job (a generator of `Progress`).
The job runs in a napari worker thread, one at a time per runner; its progress,
result, failure or cancellation come back as signals in the main thread. napari's
task manager knows the worker, so closing napari stops it at the next unit of work.

A job is: idle -> running -> (cancelling) -> idle.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, TypeAlias

from napari.qt.threading import GeneratorWorker, create_worker
from psygnal import Signal

from napari_herbarium._napari.graphics import make_torch_safe
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Job, Progress

logger = logging.getLogger(__name__)

StartJob: TypeAlias = Callable[[], Job[Any]]


class State(StrEnum):
    """What a runner is doing."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class _Done:
    result: Any


@dataclass(frozen=True)
class _Failed:
    reason: str


class JobRunner:
    """Runs core jobs in the background, one at a time.

    Signals
    -------
    state_changed : State
        The runner went from one state to another.
    progressed : Progress
        A unit of work is done.
    done : object
        The job's result.
    failed : str
        What went wrong and what to do, in words.
    cancelled
        The job was stopped; it has left nothing behind.
    """

    state_changed = Signal(State)
    progressed = Signal(Progress)
    done = Signal(object)
    failed = Signal(str)
    cancelled = Signal()

    # PySide6 calls a method of an object that is gone already if its worker said
    # something shortly before, and napari ends; so who has a job at work stays.
    _at_work: ClassVar[set[JobRunner]] = set()

    def __init__(self) -> None:
        self._state = State.IDLE
        self._worker: GeneratorWorker | None = None
        self._outcome: _Done | _Failed | None = None
        self._waiting: tuple[StartJob, str] | None = None
        self._closed = False

    @property
    def state(self) -> State:
        """What the runner is doing now."""
        return self._state

    def run(self, start_job: StartJob, title: str) -> bool:
        """Start a job; refuse (False) while another one runs.

        Parameters
        ----------
        start_job : callable
            Gives the job; called in the worker thread.
        title : str
            What is being done, shown when napari is closed meanwhile.
        """
        if self._state is not State.IDLE or self._closed:
            return False
        worker = create_worker(
            _Titled(title, _guarded, start_job),
            _worker_class=_JobWorker,
            _start_thread=False,
        )
        worker.yielded.connect(self._on_progress)
        worker.returned.connect(self._on_outcome)
        worker.finished.connect(self._on_finished)
        self._worker, self._outcome = worker, None
        self._at_work.add(self)
        self._go(State.RUNNING)
        worker.start()
        return True

    def run_latest(self, start_job: StartJob, title: str) -> None:
        """Start a job in place of the one that runs, which is stopped first."""
        if not self.run(start_job, title):
            self.cancel()
            self._waiting = (start_job, title)

    def cancel(self) -> None:
        """Stop the job at its next unit of work, and forget one that waits."""
        self._waiting = None
        if self._worker is not None and self._state is State.RUNNING:
            self._go(State.CANCELLING)
            self._worker.quit()

    def close(self) -> None:
        """Stop the job and say nothing any more; for when the widget goes away."""
        self._closed, self._waiting = True, None
        if self._worker is not None:
            self._worker.quit()

    def _go(self, state: State) -> None:
        self._state = state
        self.state_changed.emit(state)

    def _on_progress(self, progress: Progress) -> None:
        if not self._closed and self._state is State.RUNNING:
            self.progressed.emit(progress)

    def _on_outcome(self, outcome: _Done | _Failed) -> None:
        self._outcome = outcome

    def _on_finished(self) -> None:
        # A worker that was told to quit while its last unit ran gives neither
        # `returned` nor `aborted`, so the end is judged here and only here.
        self._at_work.discard(self)
        outcome, stopped = self._outcome, self._state is State.CANCELLING
        self._worker = self._outcome = None
        if self._closed:
            return
        self._go(State.IDLE)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.run(*waiting)
        elif stopped or outcome is None:
            self.cancelled.emit()
        elif isinstance(outcome, _Failed):
            self.failed.emit(outcome.reason)
        else:
            self.done.emit(outcome.result)


class _JobWorker(GeneratorWorker):
    """Closes its generator when stopped, so that the job can tidy up at once."""

    def work(self) -> Any:
        try:
            return super().work()
        finally:
            self._gen.close()


class _Titled(partial):
    """A call that napari's task manager shows by a title."""

    title: str

    def __new__(cls, title: str, *args: Any) -> _Titled:
        call = super().__new__(cls, *args)
        call.title = title
        return call

    def __repr__(self) -> str:
        return self.title


def _guarded(start_job: StartJob) -> Generator[Progress, None, _Done | _Failed]:
    """Run a job and give its end as a value.

    An error that leaves the generator would not do: napari's worker swallows a
    RuntimeError (which torch raises for nearly everything) without a last signal.
    """
    make_torch_safe()
    try:
        result = yield from start_job()
    except HerbariumError as error:
        return _Failed(str(error))
    except MemoryError:
        logger.exception("Out of memory")
        return _Failed(
            "The computer ran out of memory; close other programs, or choose the "
            "detail “fast”."
        )
    except OSError as error:
        logger.exception("A file or folder could not be used")
        return _Failed(_file_trouble(error))
    except Exception as error:
        logger.exception("A background job failed")
        return _Failed(_unexpected(error))
    return _Done(result)


def _file_trouble(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return _unexpected(error)
    return f"{error.strerror}: “{error.filename}”; choose another file or folder."


def _unexpected(error: Exception) -> str:
    return f"Unexpected error, please report it: {type(error).__name__}: {error}"
