"""Networks that are filled from a file: no random numbers are drawn for them.

torch draws from one generator for the whole process. A model that is loaded while
another one trains would change the numbers that its training draws, and with them the
losses, which are else the same in every run.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

_DRAWING = frozenset(
    [
        "kaiming_normal_",
        "kaiming_uniform_",
        "normal_",
        "orthogonal_",
        "trunc_normal_",
        "uniform_",
        "xavier_normal_",
        "xavier_uniform_",
    ]
)
"""Names of what fills a tensor with random numbers, in torch.nn.init and of tensors."""


def undrawn() -> AbstractContextManager[Any]:
    """Give a block in which this thread's networks are built with any weights."""
    from torch.overrides import TorchFunctionMode

    class Undrawn(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            if getattr(func, "__name__", "") in _DRAWING:
                return args[0] if args else kwargs["tensor"]
            return func(*args, **kwargs)

    return Undrawn()
