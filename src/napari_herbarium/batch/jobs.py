"""Workers as jobs of a cluster's queue, through dask-jobqueue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from napari_herbarium.batch.settings import Workforce
from napari_herbarium.batch.worker import THREADS_VARIABLE
from napari_herbarium.errors import SettingsError

_SPAWN = "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON"
_KEEP_PAGES = '{"MALLOC_TRIM_THRESHOLD_": None}'
WORKER_CONFIG = {
    # Dask would look at what each worker does a hundred times a second, and keep that.
    "distributed.worker.profile.enabled": False,
    # Of the messages to each worker, which hold whole tasks, a thousand are kept else.
    "distributed.admin.low-level-log-length": 20,
}
"""How Dask is configured where workers run, wherever that is."""
KINDS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "sge": "SGECluster",
}


def job_cluster(workforce: Workforce) -> Any:
    """Submit the jobs of a run.

    Returns
    -------
    dask_jobqueue.JobQueueCluster
        Its workers come when their jobs start.

    Raises
    ------
    SettingsError
        dask-jobqueue is not installed, or the configuration makes no sense.
    """
    kind = _kind(workforce.cluster or "")
    options = job_options(read_config(workforce.cluster_config), workforce.lanes)
    jobs = workforce.workers or options.pop("jobs", None)
    options.pop("jobs", None)
    if not jobs:
        msg = "Say how many jobs: --workers, or 'jobs:' in the cluster configuration."
        raise SettingsError(msg)
    try:
        cluster = kind(**options)
        cluster.scale(jobs=int(jobs))
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        msg = f"The cluster cannot be used as configured ({error})."
        raise SettingsError(msg) from error
    return cluster


def _kind(name: str) -> Any:
    if name not in KINDS:
        msg = f"There is no cluster {name!r}; choose one of {', '.join(KINDS)}."
        raise SettingsError(msg)
    try:
        import dask_jobqueue
    except ImportError as error:
        msg = (
            "Running on a cluster needs dask-jobqueue: "
            "python -m pip install 'napari-herbarium[cluster]'."
        )
        raise SettingsError(msg) from error
    return getattr(dask_jobqueue, KINDS[name])


def read_config(path: Path | None) -> dict[str, Any]:
    """Read what a job asks for: a YAML mapping, handed to dask-jobqueue.

    Raises
    ------
    SettingsError
        There is none, or it is no mapping with ``cores`` and ``memory``.
    """
    if path is None:
        msg = "A cluster needs --cluster-config: a YAML file with cores and memory."
        raise SettingsError(msg)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        msg = f"{path} cannot be read as YAML ({error})."
        raise SettingsError(msg) from error
    if not isinstance(config, dict) or not {"cores", "memory"} <= config.keys():
        msg = f"{path} has to say at least 'cores:' and 'memory:' of a job."
        raise SettingsError(msg)
    return {str(key): value for key, value in config.items()}


def job_options(config: dict[str, Any], lanes: int) -> dict[str, Any]:
    """Add to a configuration what our workers need.

    Each process of a job takes `lanes` sheets at once and shares the job's cores with
    the other processes; Dask would take a sheet per core.
    """
    processes = int(config.get("processes", 1))
    threads = max(1, int(config["cores"]) // processes)
    prologue = [
        *config.get("job_script_prologue", []),
        f"export {THREADS_VARIABLE}={threads}",
        f"export OMP_NUM_THREADS={threads}",
        # As in `crew`: workers are not to give back every freed page at once.
        f"export {_SPAWN}='{_KEEP_PAGES}'",
        *(f"export {_variable(key)}={value}" for key, value in WORKER_CONFIG.items()),
    ]
    arguments = [*config.get("worker_extra_args", []), "--nthreads", str(lanes)]
    return {
        **config,
        "processes": processes,
        "job_script_prologue": prologue,
        "worker_extra_args": arguments,
    }


def _variable(key: str) -> str:
    """Environment variable that sets a key of Dask's configuration."""
    return "DASK_" + key.upper().replace(".", "__").replace("-", "_")
