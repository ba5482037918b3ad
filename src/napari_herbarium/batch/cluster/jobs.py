"""Workers as jobs of a cluster's queue, through dask-jobqueue."""

from __future__ import annotations

import logging
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from napari_herbarium.batch.settings import Workforce
from napari_herbarium.batch.worker import THREADS_VARIABLE
from napari_herbarium.errors import SettingsError

logger = logging.getLogger(__name__)
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
        As `check_jobs`, or the queue takes none of the jobs.
    """
    cluster, jobs = _cluster(workforce)
    try:
        _submit(cluster, jobs)
    except SettingsError:
        cluster.close()
        raise
    return cluster


def check_jobs(workforce: Workforce) -> None:
    """Refuse, before anything is written, jobs that could not be submitted.

    Raises
    ------
    SettingsError
        dask-jobqueue is not installed, the configuration makes no sense, or this
        machine has no command that submits jobs.
    """
    cluster, _ = _cluster(workforce)
    cluster.close()


def _cluster(workforce: Workforce) -> tuple[Any, int]:
    """Give a cluster that has no jobs yet, and how many it is to have."""
    kind = _kind(workforce.cluster or "")
    config = read_config(workforce.cluster_config)
    jobs = workforce.workers or config.pop("jobs", None)
    config.pop("jobs", None)
    if jobs is None:
        msg = "Say how many jobs: --workers, or 'jobs:' in the cluster configuration."
        raise SettingsError(msg)
    jobs = _whole_number("jobs", jobs)
    options = job_options(config, workforce.lanes)
    _refuse_without(kind.job_cls.submit_command.split()[0])
    try:
        return kind(**options), jobs
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        # Of a wrong key Dask tells on many lines; the first sentence names it.
        told = str(error).partition(". ")[0]
        msg = f"The cluster cannot be used as configured ({told})."
        raise SettingsError(msg) from error


def _refuse_without(command: str) -> None:
    if shutil.which(command) is None:
        msg = (
            f"There is no command {command!r} on this machine, so no job can be "
            "submitted; start the run where it is, or leave --cluster out."
        )
        raise SettingsError(msg)


def _submit(cluster: Any, jobs: int) -> None:
    """Wait until the queue has the jobs; some of them are enough to go on with."""
    from distributed import Status

    async def submit() -> None:
        cluster.scale(jobs=jobs)
        await cluster._correct_state()  # where Dask says what the queue said

    try:
        cluster.sync(submit)
    except (RuntimeError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        taken = [j for j in cluster.workers.values() if j.status is Status.running]
        _mark_ended(cluster.workers.values())
        if not taken:
            msg = f"The queue takes no job ({reason}); put the configuration right."
            raise SettingsError(msg) from error
        logger.warning("The queue took %d of %d jobs (%s).", len(taken), jobs, reason)


def _mark_ended(jobs: Iterable[Any]) -> None:
    """Spare jobs what Dask does with those that are not marked so.

    It would submit anew those that were refused, and asserts in the end that all have
    ended, of which dask-jobqueue says nothing. Nothing else looks at the mark.
    """
    from distributed import Status

    for job in jobs:
        job.status = Status.failed


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
