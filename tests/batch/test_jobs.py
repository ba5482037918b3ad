"""What a job of a cluster's queue runs."""

from __future__ import annotations

import sys

import pytest

from napari_herbarium.batch.jobs import job_cluster, job_options
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.errors import SettingsError

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
    from napari_herbarium.batch.jobs import read_config

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
    [("cores: 8\n", "at least 'cores:' and 'memory:'"), ("a: [", "as YAML")],
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
