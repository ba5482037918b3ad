"""Background jobs: one at a time, stoppable, and failing in words."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from napari_herbarium import ModelError, Progress
from napari_herbarium._napari.worker import JobRunner, State


class Watch:
    """Writes down what a runner says."""

    def __init__(self, runner):
        self.said = []
        for name in ("state_changed", "progressed", "done", "failed"):
            getattr(runner, name).connect(self._note(name))
        runner.cancelled.connect(lambda: self.said.append(("cancelled",)))
        self.keep = runner

    def _note(self, name):
        return lambda value: self.said.append((name, value))

    def of(self, name):
        return [entry[1:] for entry in self.said if entry[0] == name]


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    runner.close()


@pytest.fixture
def watch(runner):
    return Watch(runner)


def counting(result, steps=3):
    def job():
        for i in range(steps):
            yield Progress(i + 1, steps, "tiles")
        return result

    return job


class Held:
    """A job that waits after its first step, and tells when it was closed."""

    def __init__(self):
        self.go_on = threading.Event()
        self.closed = threading.Event()

    def __call__(self):
        try:
            yield Progress(1, 3, "tiles")
            self.go_on.wait(60)
            yield Progress(2, 3, "tiles")
            return "whole"
        finally:
            self.closed.set()


def idle(runner):
    return lambda: runner.state is State.IDLE


def test_a_job_reports_progress_and_result(runner, watch, until):
    assert runner.run(counting(42), "Count")
    until(idle(runner))
    assert watch.of("progressed") == [(Progress(i, 3, "tiles"),) for i in (1, 2, 3)]
    assert watch.of("done") == [(42,)]
    assert watch.of("state_changed") == [(State.RUNNING,), (State.IDLE,)]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("Choose another model."), "Choose another model."),
        (RuntimeError("aten went away"), "report it: RuntimeError: aten went away"),
        (MemoryError(), "ran out of memory"),
    ],
)
def test_an_error_comes_as_words_and_the_runner_is_free_again(
    runner, watch, until, error, words
):
    def job():
        yield Progress(1, 3, "tiles")
        raise error

    runner.run(job, "Fail")
    until(idle(runner))
    ((reason,),) = watch.of("failed")
    assert words in reason
    assert not watch.of("done")
    assert runner.run(counting(1), "Again")
    until(lambda: watch.of("done") == [(1,)])


def test_cancel_stops_at_the_next_step_and_closes_the_job(runner, watch, until):
    held = Held()
    runner.run(held, "Hold")
    until(lambda: bool(watch.of("progressed")))
    runner.cancel()
    assert runner.state is State.CANCELLING
    held.go_on.set()
    until(idle(runner))
    assert held.closed.is_set()
    assert watch.said[-1] == ("cancelled",)
    assert not watch.of("done")


def test_cancel_during_the_last_step_still_gives_no_result(runner, watch, until):
    go_on, reached = threading.Event(), threading.Event()

    def job():
        yield Progress(1, 1, "tiles")
        reached.set()
        go_on.wait(60)
        return "late"

    runner.run(job, "Last")
    until(reached.is_set)
    runner.cancel()
    go_on.set()
    until(idle(runner))
    assert watch.said[-1] == ("cancelled",)
    assert not watch.of("done")


def test_two_jobs_never_overlap(runner, watch, until):
    held = Held()
    assert runner.run(held, "First")
    assert not runner.run(counting("second"), "Second")
    held.go_on.set()
    until(idle(runner))
    assert watch.of("done") == [("whole",)]


def test_the_latest_request_replaces_those_before(runner, watch, until):
    held = Held()
    runner.run_latest(held, "First")
    until(lambda: bool(watch.of("progressed")))
    runner.run_latest(counting("second"), "Second")
    runner.run_latest(counting("third"), "Third")
    held.go_on.set()
    until(lambda: bool(watch.of("done")))
    assert watch.of("done") == [("third",)]
    assert held.closed.is_set()


def test_cancel_forgets_a_job_that_waits(runner, watch, until):
    held = Held()
    runner.run_latest(held, "First")
    until(lambda: bool(watch.of("progressed")))
    runner.run_latest(counting("second"), "Second")
    runner.cancel()
    held.go_on.set()
    until(idle(runner))
    assert watch.said[-1] == ("cancelled",)
    assert not watch.of("done")


def test_a_closed_runner_stops_its_job_and_keeps_silent(runner, watch, qtbot, until):
    held = Held()
    runner.run(held, "Hold")
    until(lambda: bool(watch.of("progressed")))
    before = list(watch.said)
    runner.close()
    held.go_on.set()
    until(held.closed.is_set)
    qtbot.wait(50)
    assert watch.said == before
    assert not runner.run(counting(1), "Again")


def test_a_runner_that_nobody_holds_stays_until_its_job_ends(qapp, until):
    runner, held = JobRunner(), Held()
    still_there = weakref.ref(runner)
    runner.run(held, "Hold")
    runner.close()
    del runner
    gc.collect()
    assert still_there() is not None
    held.go_on.set()
    until(lambda: gc.collect() >= 0 and still_there() is None)


def test_a_file_that_cannot_be_used_is_no_unexpected_error(
    runner, watch, until, tmp_path
):
    def job():
        yield Progress(0, 0, "looking")
        (tmp_path / ("x" * 300)).stat()

    runner.run(job, "Look")
    until(idle(runner))
    ((reason,),) = watch.of("failed")
    assert "Unexpected" not in reason
    assert "xxx" in reason
    assert "choose another" in reason
