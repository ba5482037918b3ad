"""What a cluster's queue, and the log of a job, say of the jobs of a run."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

SECONDS_TO_ANSWER = 60.0
_FIRST_NUMBER = re.compile(r"^\s*(\d+)", re.MULTILINE)
_END_OF_A_LOG = 20_000
_SMALL_TALK = (
    " - INFO - ",
    "slurmstepd-",
    " failed to start.",  # which Dask says last, after the reason
    "The above exception was",
    "Traceback (most recent call last)",
)
_BARE_END = "Exiting."
"""What SGE says after the reason."""


def listing(kind: str) -> tuple[str, ...]:
    """Give the command that lists my jobs; lines begin with their numbers."""
    me = psutil.Process().username()  # its number, where a container has no names
    return {
        "slurm": ("squeue", "--noheader", f"--user={me}", "--format=%A"),
        "pbs": ("qstat", "-u", me),
        "sge": ("qstat", "-u", me),
        "lsf": ("bjobs", "-noheader", "-o", "jobid"),
        "htcondor": ("condor_q", "-format", "%d\\n", "ClusterId"),
    }[kind]


async def jobs_there(command: Sequence[str]) -> set[str] | None:
    """Ask which of my jobs wait or run; None if the queue does not answer."""
    try:
        asked = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except OSError:
        return None
    try:
        told, _ = await asyncio.wait_for(asked.communicate(), SECONDS_TO_ANSWER)
    except TimeoutError:
        with suppress(ProcessLookupError):
            asked.kill()
        return None
    return numbers(told.decode(errors="replace")) if asked.returncode == 0 else None


def numbers(told: str) -> set[str]:
    """Numbers of the jobs in a listing."""
    return set(_FIRST_NUMBER.findall(told))


def last_words(logs: Path | None, job: str) -> tuple[str, Path | None]:
    """Give what a job said last, without small talk, and the log where it did."""
    for log in _logs_of(logs, job):
        telling = [line for line in _end_of(log).splitlines() if _tells(line)]
        if telling:
            return telling[-1].rstrip(), log
    return "", None


def _tells(line: str) -> bool:
    """Leave out the inner lines of a traceback, too; they are indented."""
    blank = not line.strip() or line[0].isspace()
    return not blank and not any(talk in line for talk in _SMALL_TALK)


def refusal(error: Exception) -> str:
    """Give what a queue said against a job, in one line."""
    said = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in said if line and line != _BARE_END]
    return telling[-1] if telling else type(error).__name__


def _logs_of(folder: Path | None, job: str) -> Iterator[Path]:
    """Give the logs of a job, that of errors first."""
    if folder is None or not folder.is_dir():
        return
    number = re.compile(rf"(?<!\d){re.escape(job)}(?!\d)")
    found = [path for path in folder.iterdir() if number.search(path.name)]
    yield from sorted(found, key=lambda path: (path.suffix[:2] != ".e", path.name))


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _END_OF_A_LOG))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
