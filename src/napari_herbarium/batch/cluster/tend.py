"""As many jobs as were asked for, for as long as the run goes on.

Jobs come to the end of their time long before a large run does, nodes fail, and
administrators take jobs away. Dask would leave it at that. Here, a job that ended is
replaced by a new one; where jobs end before they begin to work, the run says why, and
stops.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_herbarium.batch.cluster.queue import (
    jobs_there,
    last_words,
    listing,
    refusal,
)
from napari_herbarium.errors import HerbariumError, SettingsError

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 15.0
MOST_BETWEEN_LOOKS = 20
"""While jobs fail looks become rarer, up to so many times, not to flood the queue."""
SECONDS_TO_BE_LISTED = 15.0
"""Some queues take a while until they list a job that they have taken."""
SECONDS_TO_COME_BACK = 120.0
"""A job without workers is over after this time, whatever the queue says."""
FAILURES_IN_A_ROW = 3
REFUSALS_IN_A_ROW = 10
"""With the pauses between looks a quarter of an hour: a queue may be restarting."""


@dataclass
class Jobs:
    """The jobs of a run.

    Attributes
    ----------
    cluster : dask_jobqueue.JobQueueCluster
        Whose scheduler the jobs' workers join.
    count : int
        How many jobs there are to be.
    kind : str
        Of queue: ``slurm`` and so on.
    logs : Path, optional
        Folder of the jobs' logs.
    """

    cluster: Any
    count: int
    kind: str
    logs: Path | None = None
    _came: set[str] = field(default_factory=set)
    _since: dict[str, float] = field(default_factory=dict)
    _gone: dict[str, float] = field(default_factory=dict)
    _failures: int = 0
    _refusals: int = 0
    _told: str = ""
    _looked: float = field(default_factory=time.monotonic)

    def submit(self) -> None:
        """Submit all; some of them are enough to go on with.

        Raises
        ------
        SettingsError
            The queue takes none of the jobs.
        """
        reason = self.cluster.sync(self._submit_missing)
        taken = len(self.cluster.workers)
        if reason and not taken:
            msg = f"The queue takes no job ({reason}); put the configuration right."
            raise SettingsError(msg)
        if reason:
            self._tell(f"The queue took {taken} of {self.count} jobs ({reason}).")

    def tend(self) -> None:
        """Replace jobs that ended; call it often, it looks every now and then.

        Raises
        ------
        HerbariumError
            One job after the other ends before its workers join, or is refused, and
            nobody works.
        """
        here = self._here()
        if not here <= self._came:
            self._came |= here
            self._failures = 0
        now = time.monotonic()
        times = min(1 + self._failures + self._refusals, MOST_BETWEEN_LOOKS)
        if now - self._looked < SECONDS_BETWEEN_LOOKS * times:
            return
        self._looked = now
        self.cluster.sync(self._replace)

    def close(self) -> None:
        """Take all jobs back."""
        try:
            self.cluster.close(timeout=10)
        except TimeoutError:
            self._tell("The queue does not answer; look whether it still has jobs.")

    def _here(self) -> set[str]:
        """Jobs that have workers now."""
        workers = list(self.cluster.scheduler_info.get("workers", {}).values())
        names = {str(worker["name"]) for worker in workers}
        # Workers of one job are called as the job, or with a number after that.
        names |= {name.rpartition("-")[0] for name in names}
        return {job.job_id for name, job in self._jobs() if name in names}

    def _jobs(self) -> list[tuple[str, Any]]:
        return list(self.cluster.workers.items())

    async def _replace(self) -> None:
        listed = await jobs_there(listing(self.kind))
        here, now = self._here(), time.monotonic()
        over = [
            (name, job)
            for name, job in self._jobs()
            if self._is_over(job.job_id, here, listed, now)
        ]
        for name, job in over:
            await self._dismiss(name, job)
        failed = [job.job_id for _, job in over if job.job_id not in self._came]
        if failed:
            self._failures += len(failed)
            self._tell_failure(failed[-1], alone=not here)
        reason = await self._submit_missing()
        self._refusals = self._refusals + 1 if reason else 0
        if reason and self._refusals >= REFUSALS_IN_A_ROW and not self._jobs():
            msg = (
                f"The queue takes no jobs any more ({reason}); when it does, run the "
                "same command again: it does what is missing."
            )
            raise HerbariumError(msg)
        if reason:
            self._tell(f"The queue takes no more jobs now ({reason}).")

    def _is_over(
        self, job: str, here: set[str], listed: set[str] | None, now: float
    ) -> bool:
        age = now - self._since.setdefault(job, now)
        if job in here:
            self._gone.pop(job, None)
            return False
        number = job.partition(".")[0]  # HTCondor says 12.0 first, and lists it as 12
        if listed is not None and number not in listed and age >= SECONDS_TO_BE_LISTED:
            return True
        away = now - self._gone.setdefault(job, now)
        return job in self._came and away >= SECONDS_TO_COME_BACK

    async def _dismiss(self, name: str, job: Any) -> None:
        self._forget(name, job)
        with suppress(OSError):  # no process to be had now; it ends by itself, too
            await job.close()  # it may be there, with nobody in it

    def _forget(self, name: str, job: Any) -> None:
        from distributed import Status

        # Dask asserts in the end that all have ended, and dask-jobqueue never says so.
        job.status = Status.closed
        self.cluster.workers.pop(name, None)
        self.cluster.worker_spec.pop(name, None)

    def _tell_failure(self, job: str, *, alone: bool) -> None:
        """Say what is wrong with jobs that never worked; stop if there is no end."""
        said, log = last_words(self.logs, job)
        why = f" ({said})" if said else ""
        where = f"its log is {log}" if log else "look what the queue says of it"
        if alone and self._failures >= max(FAILURES_IN_A_ROW, self.count):
            msg = (
                f"Job after job ends before its workers join the run{why}; put "
                f"that right and run the same command again. The last "
                f"was job {job}; {where}."
            )
            raise HerbariumError(msg)
        self._tell(f"Job {job} ended before its workers joined the run{why}; {where}.")

    def _tell(self, message: str) -> None:
        """Warn, but not of the same thing over and over."""
        gist = re.sub(r"\d+", "", message)
        if gist != self._told:
            logger.warning("%s", message)
        self._told = gist

    async def _submit_missing(self) -> str:
        """Bring the jobs up to their number; give what the queue said against it."""
        self.cluster.scale(jobs=self.count)
        try:
            await self.cluster._correct_state()  # where Dask says what the queue said
        except (RuntimeError, OSError, ValueError) as error:
            self._forget_refused(self._jobs())
            return refusal(error)
        return ""

    def _forget_refused(self, jobs: Iterable[tuple[str, Any]]) -> None:
        """Else Dask would submit them anew while it closes."""
        for name, job in jobs:
            if not job.job_id:
                self._forget(name, job)
