"""How cores, GPUs and memory are shared out between workers."""

from __future__ import annotations

import pytest

from napari_herbarium.batch.cluster import crew
from napari_herbarium.batch.settings import Workforce
from napari_herbarium.batch.worker import THREADS_VARIABLE
from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import Device


def environments(workforce, device=Device.AUTO):
    workers = crew._local_workers(workforce, device, in_process=False)
    return [worker["env"] for worker in workers]


def test_one_worker_per_gpu_and_each_sees_its_own(monkeypatch):
    monkeypatch.setattr(crew, "gpu_count", lambda device: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen = [env["CUDA_VISIBLE_DEVICES"] for env in environments(Workforce())]
    assert seen == ["0", "1", "2"]


def test_gpus_chosen_by_the_user_are_the_ones_shared_out(monkeypatch):
    monkeypatch.setattr(crew, "gpu_count", lambda device: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    four = environments(Workforce(workers=4))
    assert [env["CUDA_VISIBLE_DEVICES"] for env in four] == ["5", "7", "5", "7"]


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(crew, "core_count", lambda: 16)
    workers = environments(Workforce(workers=4), Device.CPU)
    assert [env[THREADS_VARIABLE] for env in workers] == [4] * 4
    assert "CUDA_VISIBLE_DEVICES" not in workers[0]


def test_scheduler_that_is_not_there(monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_TO_ANSWER", 0.5)
    force = Workforce(scheduler="tcp://127.0.0.1:9")
    with (
        pytest.raises(SettingsError, match="No Dask scheduler answers"),
        crew.crew_for(force, Device.CPU),
    ):
        pass


def test_scheduler_and_cluster_exclude_each_other():
    force = Workforce(scheduler="tcp://127.0.0.1:9", cluster="slurm")
    with pytest.raises(SettingsError, match="not both"):
        crew.check_workforce(force)
