"""The workers of a run: here, on a cluster, or of a scheduler that runs already."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from napari_herbarium.batch.cluster.jobs import WORKER_CONFIG, check_jobs, submitted
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.batch.worker import THREADS_VARIABLE
from napari_herbarium.errors import SettingsError
from napari_herbarium.model.torch_there import need_torch
from napari_herbarium.settings import Device

if TYPE_CHECKING:
    from distributed import Client

MEMORY_PER_WORKER = 3 << 30
"""What a worker needs for two A3 sheets at 600 ppi, in bytes."""
SECONDS_TO_ANSWER = 20
TRIES_ELSEWHERE = 3
"""Workers elsewhere die of other things than sheets, such as the end of a job."""
_CONFIG = {
    # The first death of a worker is looked into by us, see `dispatch`.
    "distributed.scheduler.allowed-failures": 0,
    # A paused worker might wait for ever; one that takes all memory is ended.
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    # Sheets are independent and unlike: moving them about costs more than it gains.
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.log-length": 100,
    # Jobs whose workers are gone are ended, and replaced, by us; see `tend`.
    "distributed.deploy.lost-worker-timeout": "3650 days",
    **WORKER_CONFIG,
    # Dask would have workers give back every freed page at once (its
    # MALLOC_TRIM_THRESHOLD_); a network that asks for the same pages layer after layer
    # takes twice as long then.
    "distributed.nanny.pre-spawn-environ": {},
    "logging": {"distributed": "critical"},
}


@dataclass(frozen=True)
class Crew:
    """Who does the work.

    Attributes
    ----------
    client : distributed.Client
        Hands out sheets.
    dashboard : str or None
        Where Dask shows what goes on.
    tend : callable
        Looks after the workers; called a few times a second.
    tries : int
        How often a sheet is tried alone before it is to blame for its worker's death.
    """

    client: Client
    dashboard: str | None
    tend: Callable[[], object] = lambda: None
    tries: int = 1

    def lanes(self) -> int:
        """Sheets that can be in hand at once, now."""
        return sum(self.client.nthreads().values())

    def workers(self) -> int:
        """Workers there are, now."""
        return len(self.client.nthreads())


def check_workforce(workforce: Workforce) -> None:
    """Refuse, before anything is written, workers that cannot be had.

    Raises
    ------
    SettingsError
        The scheduler does not answer, the cluster is not configured, or more than one
        kind of workers was asked for.
    """
    if workforce.scheduler and workforce.cluster:
        msg = "Give a scheduler or a cluster, not both."
        raise SettingsError(msg)
    if workforce.cluster_config and not workforce.cluster:
        msg = "--cluster-config is for --cluster; say which one, such as slurm."
        raise SettingsError(msg)
    if workforce.scheduler:
        with _crew_of_scheduler(workforce.scheduler):
            return
    if workforce.cluster:
        with _quiet(), _any_port():
            check_jobs(workforce)


def crew_for(
    workforce: Workforce, device: Device, logs: Path | None = None
) -> AbstractContextManager[Crew]:
    """Bring the workers together; they go home at the end.

    Parameters
    ----------
    workforce : Workforce
        Who they are.
    device : Device
        Where networks run.
    logs : Path, optional
        Folder for the logs of a cluster's jobs.

    Raises
    ------
    SettingsError
        The scheduler does not answer, or the cluster is not configured.
    """
    if workforce.scheduler:
        return _crew_of_scheduler(workforce.scheduler)
    if workforce.cluster:
        return _crew_of_jobs(workforce, logs)
    return local_crew(workforce, device)


@contextmanager
def local_crew(
    workforce: Workforce, device: Device, *, in_process: bool = False
) -> Iterator[Crew]:
    """Start workers on this machine, one per GPU where there are GPUs.

    Parameters
    ----------
    workforce : Workforce
        How many.
    device : Device
        Where networks run.
    in_process : bool
        Threads of this process instead of processes of their own; for tests.
    """
    with _quiet():
        from distributed import Nanny, Scheduler, SpecCluster, Worker

        kind = Worker if in_process else Nanny
        options: dict[str, Any] = {"dashboard": False, "port": 0}
        if has_dashboard():
            options |= {"dashboard": True, "dashboard_address": "127.0.0.1:8787"}
        workers = _local_workers(workforce, device, in_process=in_process)
        with _any_port():
            cluster = SpecCluster(
                scheduler={
                    "cls": Scheduler,
                    "options": {**options, "host": "127.0.0.1"},
                },
                workers={
                    number: {"cls": kind, "options": each}
                    for number, each in enumerate(workers)
                },
                silence_logs=logging.CRITICAL,
            )
        with _closing(cluster), _crew(cluster) as crew:
            yield crew


def _local_workers(
    workforce: Workforce, device: Device, *, in_process: bool
) -> list[dict[str, Any]]:
    gpus = gpu_count(device)
    count = workforce.workers or default_workers(gpus)
    threads = max(1, core_count() // count)
    workers: list[dict[str, Any]] = []
    for number in range(count):
        each: dict[str, Any] = {
            "nthreads": workforce.lanes,
            "host": "127.0.0.1",
            "silence_logs": logging.CRITICAL,
        }
        if in_process:
            each["memory_limit"] = 0
        else:
            each["preload"] = ["napari_herbarium.batch.cluster.preload"]
            each["env"] = {
                THREADS_VARIABLE: threads,
                "OMP_NUM_THREADS": threads,
            }
            each["memory_limit"] = psutil.virtual_memory().total // count
            if gpus:
                each["env"]["CUDA_VISIBLE_DEVICES"] = _gpu(number % gpus)
        workers.append(each)
    return workers


def _gpu(number: int) -> str:
    """Name of a GPU; who starts us may have chosen some of them already."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return chosen.split(",")[number] if chosen else str(number)


def gpu_count(device: Device) -> int:
    """Count the CUDA devices that the run may use.

    Raises
    ------
    ModelError
        When torch cannot be loaded.
    """
    if device not in (Device.AUTO, Device.CUDA):
        return 0
    need_torch()
    import torch

    return torch.cuda.device_count()


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_workers(gpus: int) -> int:
    """One worker per GPU, else as many as cores and free memory allow."""
    if gpus:
        return gpus
    fitting = psutil.virtual_memory().available // MEMORY_PER_WORKER
    return int(max(1, min(core_count(), fitting)))


@contextmanager
def _crew_of_scheduler(address: str) -> Iterator[Crew]:
    with _quiet():
        from distributed import Client

        try:
            client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            msg = (
                f"No Dask scheduler answers at {address}; check the address, such as "
                "tcp://host:8786."
            )
            raise SettingsError(msg) from error
        with client:
            yield Crew(client, client.dashboard_link, tries=TRIES_ELSEWHERE)


@contextmanager
def _crew_of_jobs(workforce: Workforce, logs: Path | None) -> Iterator[Crew]:
    with _quiet():
        with _any_port():
            jobs = submitted(workforce, logs)
        with closing(jobs), _crew(jobs.cluster) as crew:
            yield replace(crew, tend=jobs.tend, tries=TRIES_ELSEWHERE)


@contextmanager
def _crew(cluster: Any) -> Iterator[Crew]:
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        yield Crew(client, cluster.dashboard_link if has_dashboard() else None)


@contextmanager
def _closing(cluster: Any) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(TimeoutError):
            cluster.close(timeout=10)


def has_dashboard() -> bool:
    """Whether Dask can show what goes on; it needs bokeh for that."""
    return importlib.util.find_spec("bokeh") is not None


@contextmanager
def _any_port() -> Iterator[None]:
    """Let another run have the dashboard's usual port."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\\s*Port .* is already in use")
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Configure Dask for our kind of work; what it has to say comes as errors."""
    import dask

    # Its own settings must be there before ours: set first, ours would take them along
    # when they go, and a second run of this process would find none.
    import distributed  # noqa: F401

    with dask.config.set(_CONFIG), _silent_loggers():
        yield


@contextmanager
def _silent_loggers() -> Iterator[None]:
    known = logging.root.manager.loggerDict
    talkers = [n for n in known if n.split(".")[0] in ("distributed", "tornado")]
    loggers = [logging.getLogger(name) for name in talkers]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
