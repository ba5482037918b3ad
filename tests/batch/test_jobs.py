"""What a job of a cluster's queue runs."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from functools import partial
from types import SimpleNamespace

import pytest
import yaml

from napari_herbarium.batch.cluster.crew import check_workforce, crew_for
from napari_herbarium.batch.cluster.jobs import _submit, job_cluster, job_options
from napari_herbarium.batch.records.ledger import Entry, State, last_entries
from napari_herbarium.batch.records.outcome import Outcome
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.errors import SettingsError
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
        job_cluster(force)


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(SettingsError, match=r"napari-herbarium\[cluster\]"):
        job_cluster(Workforce(cluster="slurm"))


def test_unknown_cluster_names_the_known_ones():
    with pytest.raises(SettingsError, match="slurm, pbs, lsf, htcondor, sge"):
        job_cluster(Workforce(cluster="cloud"))


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
        raise TimeoutError

    with pytest.raises(SettingsError, match=r"takes no job \(TimeoutError\)"):
        _submit(SimpleNamespace(sync=sync, workers={}), 1)


SBATCH = """#!/bin/bash
cp "$1" "$0.job"  # the caller removes its own
setsid bash "$0.job" > "$0.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/bash
for job in "$@"; do kill -- "-$job"; done
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setsid") is None, reason="stands in for a queue")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_through_sbatch(slurm, tmp_path, draw, run, jobs, caplog):
    """The queue takes one job; where two are asked for that is said."""
    once = f'mkdir {tmp_path}/taken || {{ echo "too many jobs" >&2; exit 1; }}\n'
    put_command(tmp_path / "bin", "sbatch", SBATCH.replace("cp", once + "cp", 1))
    put_command(tmp_path / "bin", "scancel", SCANCEL)
    for stem in ("K1", "K2", "K3"):
        draw(tmp_path / "scans" / f"{stem}.png")

    def tell(row, name, plan, session):
        facts = {"threads": os.environ["NAPARI_HERBARIUM_THREADS"], "leaves": 1}
        return Outcome(Entry(row.source, name, State.DONE, facts=facts))

    force = slurm.model_copy(update={"workers": jobs})
    crew = partial(crew_for, force, Device.CPU)
    report = run([tmp_path / "scans"], tmp_path / "out", crew=crew, do=tell)
    assert (report.done, report.failed, report.leaves) == (3, 0, 3)
    ledger = last_entries(tmp_path / "out" / "ledger.jsonl")
    assert {entry.facts["threads"] for entry in ledger.values()} == {"2"}
    said = [each.getMessage() for each in caplog.records if each.name.endswith("jobs")]
    assert said == (
        [] if jobs == 1 else ["The queue took 1 of 2 jobs (too many jobs)."]
    )
