"""`napari-herbarium batch`: what it says, and with which exit code it ends."""

from __future__ import annotations

import signal

import pytest

from napari_herbarium.batch.cluster.crew import local_crew
from napari_herbarium.batch.run import BatchProgress
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.cli import batch
from napari_herbarium.cli.interrupt import finish_unless_stopped
from napari_herbarium.settings import Device


@pytest.fixture(autouse=True)
def workers_in_this_process(monkeypatch):
    monkeypatch.setattr(
        "napari_herbarium.batch.run.crew_for",
        lambda *_: local_crew(Workforce(workers=2), Device.CPU, in_process=True),
    )


@pytest.fixture
def scans(tmp_path, draw):
    for stem in "abc":
        draw(tmp_path / "scans" / f"{stem}.png")
    return tmp_path / "scans"


def test_says_what_was_done_and_where(scans, run, tmp_path):
    out = tmp_path / "out"
    result = run("batch", scans, "--out", out, "--no-ruler", "--csv")
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert first.startswith("3 sheets done (3 now")
    assert first.endswith("0 failed; 6 leaves.")
    assert f"Report:  {out / 'report.html'}" in result.stdout
    assert (out / "traits.csv").exists()
    again = run("batch", scans, "--out", out, "--no-ruler")
    assert again.exit_code == 0
    assert "3 sheets done (0 now" in again.stdout


def test_failures_are_named_and_the_exit_code_says_so(scans, run, tmp_path):
    (scans / "bad.tif").write_bytes(b"II*\0 not a sheet")
    result = run("batch", scans, "--out", tmp_path / "out", "--no-ruler")
    assert result.exit_code == 1
    assert "Failed: bad: bad.tif is damaged" in result.stderr
    assert "3 sheets done" in result.stdout
    assert "--retry-failed" in result.stdout


def test_changed_settings_are_refused_with_the_way_out(scans, run, tmp_path):
    out = tmp_path / "out"
    run("batch", scans, "--out", out, "--no-ruler")
    args = ("--no-ruler", "--threshold", "0.7")
    refused = run("batch", scans, "--out", out, *args)
    assert refused.exit_code == 2
    assert "leaves.threshold (None to 0.7)" in refused.stderr
    assert "--new-run" in refused.stderr
    assert run("batch", scans, "--out", out, *args, "--new-run").exit_code == 0


def test_dry_run_writes_nothing(scans, run, tmp_path, draw):
    draw(tmp_path / "more" / "a.png")
    (scans / "notes.txt").touch()
    out = tmp_path / "out"
    result = run("batch", scans, tmp_path / "more", "--out", out, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "4 sheets to do" in result.stdout
    assert "a__2" in result.stdout
    assert "notes.txt is no sheet" in result.stdout
    assert not out.exists()


def test_dry_run_tells_what_is_given_twice_and_names_the_first_others(
    scans, run, tmp_path
):
    for number in range(12):
        (scans / f"note{number:02}.txt").touch()
    given = (scans, scans / "*.png")
    result = run("batch", *given, "--out", tmp_path / "out", "--dry-run")
    assert "given more than once, to be done once." in result.stdout
    assert "12 skipped:" in result.stdout
    assert "note00.txt" in result.stdout
    assert "more\n" in result.stdout
    assert "note11.txt" not in result.stdout


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_how_to_go_on_and_leaves_no_lock(
    scans, run, tmp_path, draw, monkeypatch, sent
):
    for number in range(20):
        draw(scans / f"m{number}.png")
    told = batch._Teller.tell

    def tell(self, now):
        told(self, now)
        if now.done >= 3:
            signal.raise_signal(sent)

    with monkeypatch.context() as patch:
        patch.setattr(batch._Teller, "tell", tell)
        result = run("batch", scans, "--out", tmp_path / "out", "--no-ruler")
    assert result.exit_code == 130
    assert "The same command goes on" in result.stdout
    assert not (tmp_path / "out" / ".running").exists()
    assert run("batch", scans, "--out", tmp_path / "out", "--no-ruler").exit_code == 0


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"waiting": True}, "waiting for workers"),
        (
            {"waiting": True, "per_second": 1.0, "seconds_left": 60.0},
            "waiting for workers",
        ),
        ({}, "workers are at the first sheets"),
        ({"per_second": 1.0, "failed": 2}, "3,600 sheets/h, 2 failed"),
    ],
)
def test_a_line_says_whether_anybody_works(now, said):
    assert batch._how_fast(BatchProgress(1, 9, "sheets", **now)) == said


def test_a_second_sigterm_does_not_break_off_a_proper_end():
    ended = []

    def job():
        try:
            yield
        finally:
            signal.raise_signal(signal.SIGTERM)
            ended.append(True)

    finish_unless_stopped(job(), lambda _: signal.raise_signal(signal.SIGTERM))
    assert ended


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", "0"), "--workers is 0"),
        (("--threshold", "2"), "--threshold is 2"),
        (("--cluster", "nonsense"), "There is no cluster 'nonsense'"),
        (("--cluster", "nonsense", "--dry-run"), "There is no cluster 'nonsense'"),
        (("--cluster-config", "slurm.yaml"), "--cluster-config is for --cluster"),
        (("--cluster", "slurm"), "A cluster needs --cluster-config"),
    ],
)
def test_option_that_makes_no_sense(scans, run, tmp_path, options, said):
    result = run("batch", scans, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_folder_that_cannot_be_made_is_refused(scans, run, tmp_path, link, more):
    (tmp_path / "file").write_text("mine")
    link(tmp_path / "link", tmp_path / "nowhere" / "x")
    for out in ("file/run", "link", "link/run"):
        result = run("batch", scans, "--out", tmp_path / out, *more)
        assert result.exit_code == 2, (out, result.output)
        assert "is no folder; choose another one" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "link", "scans"]


def test_a_folder_whose_name_is_no_text_is_refused_before_any_work(
    scans, run, tmp_path
):
    result = run("batch", scans, "--out", tmp_path / "no\udcff")
    assert result.exit_code == 2
    assert "no UTF-8; rename it" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["scans"]
