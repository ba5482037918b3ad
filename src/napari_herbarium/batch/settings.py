"""What decides the results of a run, and where it runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from napari_herbarium.settings import (
    LeafSettings,
    ScaleSettings,
    SegmentSettings,
    _Settings,
)


class BatchSettings(_Settings):
    """Everything that decides what a run writes; the run's fingerprint is made of it.

    The number of tiles at a time (``segment.batch``) is no part of the fingerprint: it
    changes nothing but memory and time.

    Attributes
    ----------
    segment : SegmentSettings
        Model, detail, device, tiles.
    leaves : LeafSettings
        How probability becomes leaves.
    measure : bool
        Measure every leaf; without it the table has areas and boxes only.
    scale : ScaleSettings
        Where the millimetres come from; what the manifest says counts more.
    overlay : bool
        Write a picture with outlines and numbers of every sheet.
    """

    segment: SegmentSettings = SegmentSettings()
    leaves: LeafSettings = LeafSettings()
    scale: ScaleSettings = ScaleSettings()
    measure: bool = False
    overlay: bool = False


class Workforce(_Settings):
    """Who does the work; it does not change the results.

    Attributes
    ----------
    workers : int, optional
        Worker processes on this machine, or jobs of the cluster. None: one per GPU,
        else as many as cores and memory allow.
    scheduler : str, optional
        Address of a Dask scheduler that runs already.
    cluster : str, optional
        ``slurm``, ``pbs``, ``lsf``, ``htcondor`` or ``sge``: jobs are submitted there.
    cluster_config : Path, optional
        YAML file with what a job asks for; see ``docs/cluster.md``.
    lanes : int
        Sheets that a worker has in hand at once: while one is in the network, the
        other is read or written.
    """

    workers: int | None = Field(default=None, ge=1, le=10_000)
    scheduler: str | None = None
    cluster: str | None = None
    cluster_config: Path | None = None
    lanes: int = Field(default=2, ge=1, le=8)
