"""Choose where and in which precision a network runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium.errors import SettingsError
from napari_herbarium.model.torch_there import need_torch
from napari_herbarium.settings import Device

if TYPE_CHECKING:
    import torch


def choose_device(device: Device = Device.AUTO) -> torch.device:
    """Turn the device setting into a device of this machine.

    Parameters
    ----------
    device : Device
        ``auto`` takes CUDA, then MPS, then the CPU.

    Returns
    -------
    torch.device
        One that PyTorch can use here.

    Raises
    ------
    SettingsError
        When the device that was asked for is not there.
    ModelError
        When torch cannot be loaded.
    """
    need_torch()
    import torch

    usable = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if device is Device.AUTO:
        device = next(kind for kind, there in usable.items() if there)
    if not usable[device]:
        msg = (
            f"PyTorch finds no {device.upper()} device on this machine; "
            "set the device to 'auto' or 'cpu'."
        )
        raise SettingsError(msg)
    return torch.device(device.value)


def fast_dtype(device: torch.device) -> torch.dtype:
    """Give the precision to run a network in.

    Half precision is used only where the hardware computes in it: an emulated
    bfloat16 is slower than float32. MPS stays with float32, which is always right.

    Parameters
    ----------
    device : torch.device
        From `choose_device`.

    Returns
    -------
    torch.dtype
        bfloat16, float16 or float32.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bfloat16() -> bool:
    import torch

    # PyTorch knows the answer but has no public name for it; without it: float32.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that a device has no memory left.

    CUDA has a class for it; the CPU and MPS allocators raise a plain RuntimeError.
    """
    import torch

    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in text for said in _NO_MEMORY)
