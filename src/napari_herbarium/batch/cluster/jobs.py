"""Workers as jobs of a cluster's queue, through dask-jobqueue."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from napari_herbarium.batch.cluster.tend import Jobs
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.batch.worker import THREADS_VARIABLE
from napari_herbarium.errors import SettingsError

_LISTS = ("job_script_prologue", "job_extra_directives", "worker_extra_args")
_SPAWN = "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON"
_KEEP_PAGES = '{"MALLOC_TRIM_THRESHOLD_": None}'
WORKER_CONFIG = {
    # Dask would look at what each worker does a hundred times a second, and keep that.
    "distributed.worker.profile.enabled": False,
    # Of the messages to each worker, which hold whole tasks, a thousand are kept else.
    "distributed.admin.low-level-log-length": 20,
}
"""How Dask is configured where workers run, wherever that is."""
_SAID_OTHERWISE = re.compile(r"[\s%\"'#:,$\\]")
"""In the path that a script tells a queue these end it, or stand for something."""
KINDS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "sge": "SGECluster",
}


def submitted(workforce: Workforce, logs: Path | None = None) -> Jobs:
    """Submit the jobs of a run.

    Parameters
    ----------
    workforce : Workforce
        What jobs, and how many.
    logs : Path, optional
        Folder for the jobs' logs, unless the configuration names one.

    Returns
    -------
    Jobs
        Their workers come when the queue starts them.

    Raises
    ------
    SettingsError
        As `check_jobs`, or the queue takes none of the jobs.
    """
    jobs = _jobs(workforce, logs)
    try:
        jobs.submit()
    except BaseException:  # Ctrl-C, too: to submit hundreds takes a while
        jobs.close()
        if logs is not None:
            with suppress(OSError):
                logs.rmdir()  # made by dask-jobqueue, and empty
        raise
    return jobs


def check_jobs(workforce: Workforce) -> None:
    """Refuse, before anything is written, jobs that could not be submitted.

    Raises
    ------
    SettingsError
        dask-jobqueue is not installed, the configuration makes no sense, or this
        machine has no command that submits jobs.
    """
    _jobs(workforce, None).close()


def _jobs(workforce: Workforce, logs: Path | None) -> Jobs:
    """Give a cluster that has no jobs yet."""
    name = workforce.cluster or ""
    kind = _kind(name)
    config = read_config(workforce.cluster_config)
    jobs = workforce.workers or config.pop("jobs", None)
    config.pop("jobs", None)
    if jobs is None:
        msg = "Say how many jobs: --workers, or 'jobs:' in the cluster configuration."
        raise SettingsError(msg)
    jobs = _whole_number("jobs", jobs)
    options = {**_where_logs_lie(name, logs), **job_options(config, workforce.lanes)}
    _refuse_without(kind.job_cls.submit_command.split()[0])
    try:
        cluster = kind(**options)
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        # Of a wrong key Dask tells on many lines; the first sentence names it.
        told = str(error).partition(". ")[0]
        msg = f"The cluster cannot be used as configured ({told})."
        raise SettingsError(msg) from error
    lie = options.get("log_directory")
    return Jobs(cluster, jobs, name, Path(lie) if lie else None)


def _where_logs_lie(kind: str, logs: Path | None) -> dict[str, Any]:
    """Have logs beside the results, not wherever the run was started."""
    import dask

    usual = dask.config.get(f"jobqueue.{kind}.log-directory", None)
    if usual is not None:
        return {"log_directory": usual}
    if logs is None or _SAID_OTHERWISE.search(str(logs)):
        return {}
    return {"log_directory": str(logs)}


def _refuse_without(command: str) -> None:
    if shutil.which(command) is None:
        msg = (
            f"There is no command {command!r} on this machine, so no job can be "
            "submitted; start the run where it is, or leave --cluster out."
        )
        raise SettingsError(msg)


def _kind(name: str) -> Any:
    if name not in KINDS:
        msg = f"There is no cluster {name!r}; choose one of {', '.join(KINDS)}."
        raise SettingsError(msg)
    try:
        with _own_interrupts():
            import dask_jobqueue
    except ImportError as error:
        msg = (
            "Running on a cluster needs dask-jobqueue: "
            "python -m pip install 'napari-herbarium[cluster]'."
        )
        raise SettingsError(msg) from error
    return getattr(dask_jobqueue, KINDS[name])


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep what Ctrl-C does: dask-jobqueue, when imported, makes it an exit."""
    usual = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not usual:
            signal.signal(signal.SIGINT, usual)


def read_config(path: Path | None) -> dict[str, Any]:
    """Read what a job asks for: a YAML mapping, handed to dask-jobqueue.

    Raises
    ------
    SettingsError
        There is none, or it is no mapping with ``cores`` and ``memory``, or lines of
        the job script are no list.
    """
    if path is None:
        msg = "A cluster needs --cluster-config: a YAML file with cores and memory."
        raise SettingsError(msg)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        msg = f"{path} cannot be read as YAML ({error})."
        raise SettingsError(msg) from error
    if not isinstance(config, dict) or not {"cores", "memory"} <= config.keys():
        msg = f"{path} has to say at least 'cores:' and 'memory:' of a job."
        raise SettingsError(msg)
    for key in _LISTS:
        if not isinstance(config.get(key) or [], list):
            msg = f"'{key}:' in {path} has to be a list; begin each line with '- '."
            raise SettingsError(msg)
    return {str(key): value for key, value in config.items()}


def job_options(config: dict[str, Any], lanes: int) -> dict[str, Any]:
    """Add to a configuration what our workers need.

    Each process of a job takes `lanes` sheets at once and shares the job's cores with
    the other processes; Dask would take a sheet per core.

    Raises
    ------
    SettingsError
        Cores or processes are no whole numbers above 0.
    """
    cores = _whole_number("cores", config["cores"])
    processes = _whole_number("processes", config.get("processes", 1))
    threads = max(1, cores // processes)
    prologue = [
        *(config.get("job_script_prologue") or []),
        f"export {THREADS_VARIABLE}={threads}",
        f"export OMP_NUM_THREADS={threads}",
        # As in `crew`: workers are not to give back every freed page at once.
        f"export {_SPAWN}='{_KEEP_PAGES}'",
        *(f"export {_variable(key)}={value}" for key, value in WORKER_CONFIG.items()),
    ]
    arguments = [*(config.get("worker_extra_args") or []), "--nthreads", str(lanes)]
    return {
        **config,
        "cores": cores,
        "processes": processes,
        "job_script_prologue": prologue,
        "worker_extra_args": arguments,
    }


def _whole_number(key: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        msg = (
            f"'{key}:' in the cluster configuration is {value}; it has to be a whole "
            "number above 0."
        )
        raise SettingsError(msg)
    return number


def _variable(key: str) -> str:
    """Environment variable that sets a key of Dask's configuration."""
    return "DASK_" + key.upper().replace(".", "__").replace("-", "_")
