"""What a job of a cluster's queue runs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
import yaml

from napari_herbarium.batch.cluster.crew import check_workforce, crew_for
from napari_herbarium.batch.cluster.jobs import (
    _where_logs_lie,
    job_options,
    submitted,
)
from napari_herbarium.batch.cluster.queue import (
    jobs_there,
    last_words,
    listing,
    numbers,
    refusal,
)
from napari_herbarium.batch.cluster.tend import REFUSALS_IN_A_ROW, Jobs
from napari_herbarium.batch.records.ledger import Entry, State, last_entries
from napari_herbarium.batch.records.outcome import Outcome
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.errors import HerbariumError, SettingsError
from napari_herbarium.settings import Device

SLURM = """
cores: 8
processes: 4
memory: 24GB
walltime: "08:00:00"
queue: gpu
job_extra_directives: ["--gres=gpu:1"]
job_script_prologue: [". venv/bin/activate"]
"""


def test_every_process_gets_its_share_of_the_cores():
    options = job_options({"cores": 8, "memory": "24GB", "processes": 4}, lanes=2)
    assert "export NAPARI_HERBARIUM_THREADS=2" in options["job_script_prologue"]
    assert options["worker_extra_args"][-2:] == ["--nthreads", "2"]


def test_job_script_of_slurm(tmp_path):
    jobqueue = pytest.importorskip("dask_jobqueue")
    from napari_herbarium.batch.cluster.jobs import read_config

    (tmp_path / "slurm.yaml").write_text(SLURM)
    options = job_options(read_config(tmp_path / "slurm.yaml"), lanes=2)
    job = jobqueue.slurm.SLURMJob("tcp://10.0.0.1:8786", name="w", **options)
    script = job.job_script()
    for line in ("#SBATCH -p gpu", "#SBATCH --gres=gpu:1", "#SBATCH -t 08:00:00"):
        assert line in script
    assert script.index(". venv/bin/activate") < script.index("export OMP_NUM_THREADS")
    assert script.rstrip().endswith("--nthreads 2")
    assert "--nworkers 4" in script


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cores: 8\n", "at least 'cores:' and 'memory:'"),
        ("a: [", "as YAML"),
        ("[" * 9_999, "as YAML"),
        ("cores: many\nmemory: 2GB\n", "'cores:' .* is many; it has to be a whole"),
        ("cores: 2\nmemory: 2GB\nprocesses: 0\n", "'processes:' .* is 0;"),
        (
            "cores: 2\nmemory: 2GB\njob_script_prologue: . venv/bin/activate\n",
            "'job_script_prologue:' .* has to be a list",
        ),
    ],
)
def test_configuration_that_makes_no_sense(tmp_path, text, said):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    force = Workforce(cluster="slurm", cluster_config=path, workers=1)
    pytest.importorskip("dask_jobqueue")
    with pytest.raises(SettingsError, match=said):
        submitted(force)


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(SettingsError, match=r"napari-herbarium\[cluster\]"):
        submitted(Workforce(cluster="slurm"))


def test_unknown_cluster_names_the_known_ones():
    with pytest.raises(SettingsError, match="slurm, pbs, lsf, htcondor, sge"):
        submitted(Workforce(cluster="cloud"))


def test_every_kind_of_queue_gets_our_threads():
    pytest.importorskip("dask_jobqueue")
    from napari_herbarium.batch.cluster.jobs import KINDS, _kind

    for name in KINDS:
        more = {"disk": "10GB"} if name == "htcondor" else {}
        config = {"cores": 4, "memory": "12GB", "processes": 2, **more}
        options = job_options(config, lanes=2)
        job = _kind(name).job_cls("tcp://10.0.0.1:8786", name="w", **options)
        assert "NAPARI_HERBARIUM_THREADS=2" in job.job_script()
        assert "--nthreads 2" in job.job_script()


def test_ctrl_c_is_what_it_was_after_dask_jobqueue_came(monkeypatch):
    pytest.importorskip("dask_jobqueue")
    from napari_herbarium.batch.cluster.jobs import _kind

    for name in [n for n in sys.modules if n.split(".")[0] == "dask_jobqueue"]:
        monkeypatch.delitem(sys.modules, name)
    before = signal.getsignal(signal.SIGINT)
    _kind("slurm")
    assert signal.getsignal(signal.SIGINT) is before


def put_command(folder, name, text):
    """Stand in for a command of the queue."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Give workers through a queue, whose commands lie in tmp_path / bin."""
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    config = {"cores": 2, "memory": "2GB", "processes": 1, "walltime": "00:10:00"}
    config |= {"scheduler_options": {"host": "127.0.0.1"}}
    path = tmp_path / "slurm.yaml"
    path.write_text(yaml.safe_dump(config))
    return Workforce(cluster="slurm", cluster_config=path, workers=1)


def test_a_machine_without_a_queue_is_said_to_be_one(slurm):
    if shutil.which("sbatch"):
        pytest.skip("this machine has a queue")
    with pytest.raises(SettingsError, match="no command 'sbatch' on this machine"):
        check_workforce(slurm)


def test_a_key_that_the_queue_does_not_know_is_named_in_one_sentence(slurm, tmp_path):
    put_command(tmp_path / "bin", "sbatch", "#!/bin/sh\n")
    path = slurm.cluster_config
    path.write_text(path.read_text() + "queu: standard\n")
    with pytest.raises(SettingsError, match="argument 'queu'") as refused:
        check_workforce(slurm)
    assert "job_kwargs" not in str(refused.value)


@pytest.mark.skipif(shutil.which("sh") is None, reason="stands in for a queue")
def test_what_the_queue_says_against_a_job_is_told(slurm, tmp_path):
    refusal = "#!/bin/sh\necho 'sbatch: error: no such partition' >&2\nexit 1\n"
    put_command(tmp_path / "bin", "sbatch", refusal)
    with (
        pytest.raises(SettingsError, match=r"takes no job \(.*no such partition\)"),
        crew_for(slurm, Device.CPU),
    ):
        pass


def test_a_queue_that_fails_without_a_word_is_named_all_the_same():
    def sync(_submit):
        return "TimeoutError"

    cluster = SimpleNamespace(sync=sync, workers={})
    with pytest.raises(SettingsError, match=r"takes no job \(TimeoutError\)"):
        Jobs(cluster, 1, "slurm").submit()


@pytest.mark.skipif(shutil.which("sh") is None, reason="stands in for a queue")
def test_a_run_that_the_queue_refuses_leaves_nothing(slurm, tmp_path, draw, run):
    put_command(tmp_path / "bin", "sbatch", "#!/bin/sh\nexit 1\n")
    scans, out = tmp_path / "scans", tmp_path / "out"
    draw(scans / "K1.png")
    with pytest.raises(SettingsError, match="takes no job"):
        run([scans], out, crew=None, workforce=slurm)
    assert not out.exists()
    run([scans], out)
    draw(scans / "K2.png")
    with pytest.raises(SettingsError, match="takes no job"):
        run([scans], out, crew=None, workforce=slurm, new_run=True)
    assert list(last_entries(out / "ledger.jsonl")) == [str(scans / "K1.png")]


@pytest.mark.skipif(shutil.which("sh") is None, reason="stands in for a queue")
def test_ctrl_c_while_jobs_are_submitted_takes_them_back(slurm, tmp_path, monkeypatch):
    put_command(tmp_path / "bin", "sbatch", "#!/bin/sh\necho Submitted batch job 7\n")
    put_command(tmp_path / "bin", "scancel", '#!/bin/sh\necho "$@" > "$0.told"\n')
    submit = Jobs.submit

    def interrupted(jobs):
        submit(jobs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Jobs, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt), crew_for(slurm, Device.CPU):
        pass
    assert (tmp_path / "bin" / "scancel.told").read_text() == "7\n"


# Writes the logs that the script asks for, as the real one does.
SBATCH = """#!/bin/bash
script=$0.$RANDOM
cp "$1" "$script"  # the caller removes its own
setsid bash -c 'err=$(sed -n "s/^#SBATCH -e //p" "$0"); exec bash "$0" \
    > "${err:+${err/\\%J.err/$$.out}}" 2> "${err/\\%J/$$}"' "$script" &
echo $! >> "$0.jobs"
echo "Submitted batch job $!"
"""
SQUEUE = """#!/bin/bash
while read -r job; do kill -0 "$job" 2>/dev/null && echo "$job"; done \
    < "${0/%squeue/sbatch}.jobs"
exit 0
"""
SCANCEL = """#!/bin/bash
for job in "$@"; do kill -- "-$job"; done
"""


@pytest.fixture
def queue(slurm, tmp_path, monkeypatch):
    """Give a queue that runs jobs at once, and is looked at all the time."""
    commands = {"sbatch": SBATCH, "squeue": SQUEUE, "scancel": SCANCEL}
    for name, text in commands.items():
        put_command(tmp_path / "bin", name, text)
    monkeypatch.setattr("napari_herbarium.batch.cluster.tend.SECONDS_BETWEEN_LOOKS", 1)
    monkeypatch.setattr("napari_herbarium.batch.cluster.tend.SECONDS_TO_BE_LISTED", 0)
    return partial(crew_for, slurm, Device.CPU, tmp_path / "out" / "jobs")


needs_setsid = pytest.mark.skipif(
    shutil.which("setsid") is None, reason="stands in for a queue"
)


@pytest.mark.slow
@needs_setsid
def test_jobs_that_end_at_once_end_the_run_and_say_why(
    queue, slurm, tmp_path, draw, run, caplog
):
    config = yaml.safe_load(slurm.cluster_config.read_text())
    config["job_script_prologue"] = ["no-such-command || exit 1"]
    slurm.cluster_config.write_text(yaml.safe_dump(config))
    draw(tmp_path / "scans" / "K1.png")
    with pytest.raises(HerbariumError, match=r"Job after job.*no-such-command") as end:
        run([tmp_path / "scans"], tmp_path / "out", crew=queue)
    log = re.search(r"its log is (.*)\.$", str(end.value)).group(1)
    assert "no-such-command" in Path(log).read_text(encoding="utf-8")
    assert Path(log).parent == tmp_path / "out" / "jobs"
    said = [each.getMessage() for each in caplog.records if each.name.endswith("tend")]
    assert len(said) == 1  # of the same thing
    assert said[0].startswith("Job ")


@pytest.mark.slow
@needs_setsid
def test_a_job_that_ends_midway_is_replaced(queue, tmp_path, draw, run):
    for stem in ("K1", "K2", "K3"):
        draw(tmp_path / "scans" / f"{stem}.png")
    ended = str(tmp_path / "ended")

    def end_once(row, name, plan, session):
        with suppress(FileExistsError):
            os.mkdir(ended)
            os.killpg(0, signal.SIGKILL)
        return Outcome(Entry(row.source, name, State.DONE, facts={"leaves": 1}))

    report = run([tmp_path / "scans"], tmp_path / "out", crew=queue, do=end_once)
    assert (report.done, report.failed) == (3, 0)
    assert len((tmp_path / "bin" / "sbatch.jobs").read_text().split()) == 2


class FakeCluster:
    """Jobs that the queue takes, and that are never seen again; one of them works."""

    def __init__(self, *, one_works):
        self.workers, self.worker_spec, self.one_works = {}, {}, one_works
        self.submitted, self.closed_for = 0, ""

    def sync(self, ask):
        return asyncio.run(ask())

    def scale(self, jobs):
        while len(self.workers) < jobs:
            self.submitted += 1
            number = None if self.closed_for else str(self.submitted)
            self.workers[f"w-{self.submitted}"] = SimpleNamespace(
                job_id=number, close=self._nothing
            )

    async def _nothing(self):
        pass

    async def _correct_state(self):
        if self.closed_for:
            raise RuntimeError(self.closed_for)

    @property
    def scheduler_info(self):
        return {"workers": {"tcp://a": {"name": "w-1"}} if self.one_works else {}}


@pytest.fixture
def empty_queue(monkeypatch):
    """Give a queue in which no job ever is."""
    tend = "napari_herbarium.batch.cluster.tend"
    monkeypatch.setattr(f"{tend}.SECONDS_BETWEEN_LOOKS", 0)
    monkeypatch.setattr(f"{tend}.SECONDS_TO_BE_LISTED", 0)

    async def none_there(_command):
        return set()

    monkeypatch.setattr(f"{tend}.jobs_there", none_there)


@pytest.mark.usefixtures("empty_queue")
@pytest.mark.parametrize("one_works", [True, False])
def test_one_bad_node_does_not_end_a_run_that_works(one_works):
    cluster = FakeCluster(one_works=one_works)
    jobs = Jobs(cluster, 4, "slurm")
    jobs.submit()
    with nullcontext() if one_works else pytest.raises(HerbariumError, match="Job aft"):
        for _ in range(10):
            jobs.tend()
    assert cluster.submitted == (4 + 10 * 3 if one_works else 4)


@pytest.mark.usefixtures("empty_queue")
def test_a_queue_that_takes_no_more_jobs_ends_the_run_after_a_while(caplog):
    cluster = FakeCluster(one_works=False)
    jobs = Jobs(cluster, 2, "slurm")
    jobs.submit()
    cluster.closed_for = "Unable to contact slurm controller"
    for _ in range(REFUSALS_IN_A_ROW - 1):
        jobs.tend()
    assert caplog.text.count("takes no more jobs now (Unable to contact") == 1
    with pytest.raises(HerbariumError, match=r"no jobs any more \(Unable to"):
        jobs.tend()


@pytest.mark.usefixtures("empty_queue")
def test_a_job_of_htcondor_is_found_in_its_list(monkeypatch):
    async def one_there(_command):
        return numbers("1\n")

    monkeypatch.setattr("napari_herbarium.batch.cluster.tend.jobs_there", one_there)
    cluster = FakeCluster(one_works=False)
    jobs = Jobs(cluster, 1, "htcondor")
    jobs.submit()
    cluster.workers["w-1"].job_id = "1.0"
    for _ in range(3):
        jobs.tend()
    assert list(cluster.workers) == ["w-1"]


@pytest.mark.parametrize(
    "told",
    [
        "12\n7\n",
        "job-ID  prior   name\n-----------\n     12 0.5 worker\n      7 0.5 qw\n",
        "\npbs:\nJob ID   Username\n----\n12.pbs  me\n7.pbs  me\n",
    ],
)
def test_numbers_of_the_jobs_that_a_queue_lists(told):
    assert numbers(told) == {"12", "7"}


def test_a_queue_that_does_not_answer_is_not_an_empty_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(jobs_there(listing("slurm"))) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("stderr:\nUnable to run job: no such queue.\nExiting.\n", "no such queue."),
        ("stderr:\nsbatch: error: no such partition\n", "no such partition"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_told_that_a_queue_gave(error, said):
    assert refusal(RuntimeError(error)).endswith(said)


def test_why_a_worker_could_not_join_is_told(tmp_path):
    (tmp_path / "dask-worker.o7").write_text(
        "OSError: Timed out trying to connect\n\nThe above exception was the direct "
        "cause of this:\n\nTraceback (most recent call last):\n  raise from exc\n"
        "RuntimeError: Nanny failed to start.\n"
    )
    assert last_words(tmp_path, "7")[0] == "OSError: Timed out trying to connect"


def test_what_a_job_said_last_is_found_in_its_own_log(tmp_path):
    (tmp_path / "dask-worker-7.out").write_text("all well\n")
    (tmp_path / "dask-worker-7.err").write_text("no disk\nx - INFO - End worker\n\n")
    (tmp_path / "dask-worker-17.err").write_text("another job\n")
    assert last_words(tmp_path, "7") == ("no disk", tmp_path / "dask-worker-7.err")
    assert last_words(tmp_path, "1") == ("", None)


@pytest.mark.slow
@needs_setsid
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_through_sbatch(queue, slurm, tmp_path, draw, run, jobs, caplog):
    """The queue takes one job; where two are asked for that is said."""
    once = f'mkdir {tmp_path}/taken || {{ echo "too many jobs" >&2; exit 1; }}\n'
    put_command(
        tmp_path / "bin", "sbatch", SBATCH.replace("script", once + "script", 1)
    )
    for stem in ("K1", "K2", "K3"):
        draw(tmp_path / "scans" / f"{stem}.png")

    def tell(row, name, plan, session):
        facts = {"threads": os.environ["NAPARI_HERBARIUM_THREADS"], "leaves": 1}
        return Outcome(Entry(row.source, name, State.DONE, facts=facts))

    force = slurm.model_copy(update={"workers": jobs})
    crew = partial(crew_for, force, Device.CPU, tmp_path / "out" / "jobs")
    report = run([tmp_path / "scans"], tmp_path / "out", crew=crew, do=tell)
    assert (report.done, report.failed, report.leaves) == (3, 0, 3)
    ledger = last_entries(tmp_path / "out" / "ledger.jsonl")
    assert {entry.facts["threads"] for entry in ledger.values()} == {"2"}
    said = [each.getMessage() for each in caplog.records if each.name.endswith("tend")]
    assert said[:1] == (
        [] if jobs == 1 else ["The queue took 1 of 2 jobs (too many jobs)."]
    )


@pytest.mark.parametrize(
    ("logs", "lie"), [("out/jobs", "out/jobs"), ("my run/jobs", None), ("a:b/j", None)]
)
def test_logs_lie_beside_the_results_where_a_job_script_can_say_so(logs, lie):
    where = _where_logs_lie("slurm", PurePosixPath(logs))
    assert where.get("log_directory") == lie
