"""Sheets that kill their worker, or lie beside one that does."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from napari_herbarium.batch.cluster.crew import TRIES_ELSEWHERE, Crew, local_crew
from napari_herbarium.batch.dispatch import Dispatcher, LostError
from napari_herbarium.batch.records.begun import marked
from napari_herbarium.batch.records.ledger import Entry, State, last_entries
from napari_herbarium.batch.records.outcome import Outcome
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.settings import Device


def kill_on_poison(row, name, plan, session):
    """Stand in for the work: a sheet called poison takes its worker with it."""
    with marked(plan.layout.begun, name, session):
        if name.startswith("poison"):
            time.sleep(0.2)
            psutil.Process().kill()
        time.sleep(0.05)
        plan.layout.labels(name).parent.mkdir(parents=True, exist_ok=True)
        plan.layout.labels(name).touch()
        return Outcome(Entry(row.source, name, State.DONE))


@pytest.mark.slow
def test_sheet_that_kills_its_worker_fails_alone(run, tmp_path, draw):
    for number in range(12):
        draw(tmp_path / "scans" / f"good{number}.png")
    draw(tmp_path / "scans" / "good5poison.png").rename(
        tmp_path / "scans" / "poison.png"
    )
    crew = partial(local_crew, Workforce(workers=2), Device.CPU)
    report = run([tmp_path / "scans"], tmp_path / "out", crew=crew, do=kill_on_poison)
    assert (report.done, report.failed) == (12, 1)
    assert "died each time" in report.failures[0].reason
    assert report.failures[0].name == "poison"
    assert len(last_entries(tmp_path / "out" / "ledger.jsonl")) == 13


class Client:
    """Stands in for Dask's: does at once what is handed out, and counts questions."""

    def __init__(self):
        self.questions = 0

    def map(self, do, tasks, key, pure):
        return [Future(k, do(task)) for k, task in zip(key, tasks, strict=True)]

    def gather(self, futures):
        self.questions += 1
        return [future.outcome for future in futures]

    def nthreads(self):
        return {"w1": 2, "w2": 2}


class Future:
    """A future that has ended."""

    status = "finished"

    def __init__(self, key, outcome):
        self.key, self.outcome = key, outcome

    def add_done_callback(self, call):
        call(self)

    def exception(self):
        return None

    def result(self):
        return self.outcome


class Cancelled(Future):
    """One whose scheduler went away."""

    status = "cancelled"

    def result(self):
        raise CancelledError


def _dispatched(do, names):
    client = Client()
    plan = SimpleNamespace()
    dispatcher = Dispatcher(Crew(client, None), plan, "session", do)
    tasks = [(SimpleNamespace(source=name), name) for name in names]
    return client, dispatcher.run(tasks, [])


def _done(row, name, plan, session):
    stop = "The disk is full." if name == "full" else ""
    return Outcome(None if stop else Entry(row.source, name, State.DONE), stop)


def test_many_ends_take_one_question():
    client, ends = _dispatched(_done, [f"s{n}" for n in range(20)])
    names = [entry.name for some in ends for entry in some]
    assert names == [f"s{n}" for n in range(20)]
    assert client.questions == 3  # two sheets per lane at once: eight


def test_what_ended_beside_a_sheet_that_stops_the_run_is_not_lost():
    _, ends = _dispatched(_done, ["a", "full", "b"])
    assert [entry.name for entry in next(ends)] == ["a", "b"]
    with pytest.raises(LostError, match="The disk is full"):
        next(ends)


def test_a_scheduler_that_is_gone_is_told_and_what_had_ended_is_kept():
    client, ends = _dispatched(_done, ["a", "b"])
    client.map = lambda do, tasks, key, pure: [
        Future(key[0], do(tasks[0])),
        Cancelled(key[1], None),
    ]
    assert [entry.name for entry in next(ends)] == ["a"]
    with pytest.raises(LostError, match="scheduler is gone"):
        next(ends)


def test_a_scheduler_that_cannot_be_asked_is_gone(monkeypatch):
    client, ends = _dispatched(_done, ["a"])

    def nthreads():
        raise OSError

    monkeypatch.setattr(client, "nthreads", nthreads)
    with pytest.raises(LostError, match="scheduler is gone"):
        next(ends)


@pytest.mark.parametrize(("deaths", "state"), [(3, State.DONE), (4, State.FAILED)])
def test_a_job_whose_time_is_over_does_not_convict_its_sheet(deaths, state):
    """Workers of a cluster die of other things; the first death is beside others."""
    left = iter(range(deaths))

    def die(row, name, plan, session):
        lost = next(left, None) is not None
        return Outcome(None if lost else Entry(row.source, name, State.DONE))

    layout = SimpleNamespace(begun=Path("no-such-folder"))
    crew = Crew(Client(), None, tries=TRIES_ELSEWHERE)
    dispatcher = Dispatcher(crew, SimpleNamespace(layout=layout), "session", die)
    ends = dispatcher.run([(SimpleNamespace(source="a"), "a")], [])
    assert [entry.state for some in ends for entry in some] == [state]
