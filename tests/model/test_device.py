from __future__ import annotations

import pytest
import torch
import torchvision  # noqa: F401  as it is loaded, it looks for real GPUs

from napari_herbarium.errors import SettingsError
from napari_herbarium.model.device import (
    choose_device,
    fast_dtype,
    is_out_of_memory,
)
from napari_herbarium.settings import Device


@pytest.fixture
def gpus(monkeypatch):
    def pretend(cuda, mps):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest_there_is(gpus, cuda, mps, chosen):
    gpus(cuda, mps)
    assert choose_device(Device.AUTO).type == chosen


def test_the_cpu_can_be_asked_for_beside_a_gpu(gpus):
    gpus(True, False)
    assert choose_device(Device.CPU).type == "cpu"


@pytest.mark.parametrize("device", [Device.CUDA, Device.MPS])
def test_a_missing_device_is_named(gpus, device):
    gpus(False, False)
    with pytest.raises(SettingsError, match=f"no {device.upper()} device"):
        choose_device(device)


@pytest.mark.parametrize(
    ("has", "dtype"), [(True, torch.bfloat16), (False, torch.float32)]
)
def test_half_precision_only_where_the_cpu_computes_in_it(monkeypatch, has, dtype):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has)
    assert fast_dtype(torch.device("cpu")) is dtype


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_recognised(error, is_memory):
    assert is_out_of_memory(error) is is_memory
