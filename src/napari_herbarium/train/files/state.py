"""The state of a training run in one file that cannot run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_herbarium.errors import ModelError
from napari_herbarium.files import replacing
from napari_herbarium.plain_json import parsed

if TYPE_CHECKING:
    from torch import Tensor

_FACTS = "facts"


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write named tensors and JSON-able facts as one safetensors file.

    An earlier file stays as it was until the new one is complete.

    Raises
    ------
    HerbariumError
        The disk is full or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    metadata = {_FACTS: json.dumps(dict(facts))}
    # Not `save`: it keeps all other threads waiting, a window's too.
    with replacing(path) as temporary:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote; nothing is unpickled.

    Raises
    ------
    ModelError
        The file is damaged or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = parsed((file.metadata() or {})[_FACTS])
            # Copies: the tensors are the file itself, mapped, and Windows would not let
            # it be replaced for as long as an optimiser goes on with one of them.
            return {n: file.get_tensor(n).clone() for n in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        msg = f"{path} is no saved training that can be read; start again without it."
        raise ModelError(msg) from error


def flat_optimiser(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], list[Any]]:
    """Split an optimiser's state dict into named tensors and JSON-able groups."""
    tensors = {
        f"{index}.{key}": value
        for index, entry in state["state"].items()
        for key, value in entry.items()
    }
    return tensors, state["param_groups"]


def whole_optimiser(tensors: Mapping[str, Tensor], groups: list[Any]) -> dict[str, Any]:
    """Put together what `flat_optimiser` split."""
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        entries.setdefault(int(index), {})[key] = value
    return {"state": entries, "param_groups": groups}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors whose names begin with ``prefix.``, without it."""
    start = f"{prefix}."
    return {n[len(start) :]: v for n, v in tensors.items() if n.startswith(start)}


def named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put ``prefix.`` before every name."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def random_states() -> dict[str, Tensor]:
    """Give where torch's random numbers are, on the CPU and on the GPU."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def set_random_states(states: Mapping[str, Tensor]) -> None:
    """Go back to where `random_states` was called."""
    import torch

    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
