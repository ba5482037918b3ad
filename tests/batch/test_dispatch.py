"""Sheets that kill their worker, or lie beside one that does."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

import pytest

from napari_herbarium.batch.begun import marked
from napari_herbarium.batch.crew import local_crew
from napari_herbarium.batch.ledger import Entry, State, last_entries
from napari_herbarium.batch.outcome import Outcome
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.settings import Device

pytestmark = pytest.mark.slow


def kill_on_poison(row, name, plan, session):
    """Stand in for the work: a sheet called poison takes its worker with it."""
    with marked(plan.layout.begun, name, session):
        if name.startswith("poison"):
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        plan.layout.labels(name).parent.mkdir(parents=True, exist_ok=True)
        plan.layout.labels(name).touch()
        return Outcome(Entry(row.source, name, State.DONE))


def test_sheet_that_kills_its_worker_fails_alone(run, tmp_path, draw):
    for number in range(12):
        draw(tmp_path / "scans" / f"good{number}.png")
    draw(tmp_path / "scans" / "good5poison.png").rename(
        tmp_path / "scans" / "poison.png"
    )
    crew = partial(local_crew, Workforce(workers=2), Device.CPU)
    report = run([tmp_path / "scans"], tmp_path / "out", crew=crew, do=kill_on_poison)
    assert (report.done, report.failed) == (12, 1)
    assert "died twice" in report.failures[0].reason
    assert report.failures[0].name == "poison"
    assert len(last_entries(tmp_path / "out" / "ledger.jsonl")) == 13
