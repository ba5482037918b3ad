"""How long steps report progress, return and stop."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from napari_herbarium.progress import Job, Progress, finish


def count(total: int, closed: list[str] | None = None) -> Job[str]:
    """Yield `total` times, return a word; note how it ended in `closed`."""
    try:
        for done in range(1, total + 1):
            yield Progress(done, total, "tiles")
        if closed is not None:
            closed.append("done")
    finally:
        if closed is not None:
            closed.append("cleaned up")
    return "leaves"


def test_finish_returns_the_result_of_the_job() -> None:
    assert finish(count(3)) == "leaves"


def test_finish_returns_the_result_of_a_job_without_steps() -> None:
    assert finish(count(0)) == "leaves"


def test_finish_reports_every_step_once_and_in_order() -> None:
    seen: list[Progress] = []
    finish(count(3), seen.append)
    assert seen == [Progress(n, 3, "tiles") for n in (1, 2, 3)]


def test_finish_lets_an_error_through() -> None:
    def fails() -> Job[None]:
        yield Progress(1, 2)
        raise ValueError("tile 2")

    with pytest.raises(ValueError, match="tile 2"):
        finish(fails())


def test_closing_a_job_stops_it_between_two_units_and_lets_it_clean_up() -> None:
    ended: list[str] = []
    job = count(3, ended)
    assert next(job) == Progress(1, 3, "tiles")
    job.close()
    assert ended == ["cleaned up"]
    with pytest.raises(StopIteration):
        next(job)


def test_a_listener_that_raises_stops_the_job() -> None:
    ended: list[str] = []
    job = count(3, ended)

    def refuse(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(job, refuse)
    del job
    assert "done" not in ended


def test_progress_cannot_be_changed_by_a_listener() -> None:
    progress = Progress(1, 2)
    with pytest.raises(FrozenInstanceError):
        progress.done = 2
