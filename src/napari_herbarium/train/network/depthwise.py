"""Make depthwise convolutions train faster on CPUs.

In bfloat16 oneDNN (of torch 2.14) has quick kernels for depthwise convolutions, but
backwards only for 3 x 3 px that are neither dilated nor strided; all others took half
of a training step of EfficientNet. Here the gradient of the input is a convolution
forwards, with the kernel mirrored, and that of the kernel is put together from windows
of 3 x 3 px.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WINDOW = 3


class _How(NamedTuple):
    """How a convolution runs; the same along both axes."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1


INPUT, KERNEL = 0, 1
PLAIN = _How()


def quick_depthwise() -> Any:
    """Give a context in which depthwise convolutions are prepared for training.

    Returns
    -------
    context manager
        What `torch.nn.functional.conv2d` gives within is the same to the bit; its
        gradients are within the rounding of bfloat16. Convolutions that do not run in
        bfloat16 on a CPU stay as they are, and so do those with a bias.
    """
    from torch.nn.functional import conv2d
    from torch.overrides import TorchFunctionMode

    class Quick(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, _types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            made = _convolved(*args, **kwargs) if func is conv2d else None
            return func(*args, **kwargs) if made is None else made

    return Quick()


def _convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor | None:
    """Run a depthwise convolution; None where that is left to PyTorch."""
    import torch

    size = _one(weight.shape[2:])
    odd = size is not None and size >= WINDOW and size % 2 == 1
    depthwise = groups == len(weight) > 1 and weight.shape[1] == 1 and bias is None
    how = [n for n in map(_one, (stride, padding, dilation)) if n is not None]
    batched = x.ndim == weight.ndim and len(how) == 3
    if not (odd and depthwise and batched and _dtype(x) == torch.bfloat16):
        return None
    made: Tensor = _function().apply(x.bfloat16(), weight.bfloat16(), _How(*how))
    return made


def _one(value: Any) -> int | None:
    """Give a number that holds along both axes; None where there is none."""
    values = {value} if isinstance(value, int) else set(value)
    alone = values.pop()
    return alone if isinstance(alone, int) and not values else None


def _dtype(x: Tensor) -> torch.dtype | None:
    """In what a convolution would run on a CPU; None elsewhere."""
    import torch

    if x.device.type != "cpu":
        return None
    half = torch.is_autocast_enabled("cpu")
    return torch.get_autocast_dtype("cpu") if half else x.dtype


@cache
def _function() -> Any:
    import torch
    from torch.nn.functional import conv2d

    class Depthwise(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weight: Tensor, how: _How) -> Tensor:
            ctx.save_for_backward(x, weight)
            ctx.how = how
            return conv2d(x, weight, None, *how, len(weight))

        @staticmethod
        def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
            x, weight = ctx.saved_tensors
            for_x, for_weight, _ = ctx.needs_input_grad
            given = given.contiguous(memory_format=torch.channels_last)
            return (
                _of_input(given, x, weight, ctx.how) if for_x else None,
                _of_weight(given, x, weight, ctx.how) if for_weight else None,
                None,
            )

    return Depthwise


def _of_input(given: Tensor, x: Tensor, weight: Tensor, how: _How) -> Tensor:
    """Gradient of the input: a convolution with the kernel mirrored."""
    from torch.nn.functional import conv2d

    around = how.dilation * (weight.shape[-1] - 1) - how.padding
    if how.stride > 1 or around < 0:
        return _in_float32(given, x, weight, how, INPUT)
    mirrored = weight.flip(2, 3)
    return conv2d(given, mirrored, None, 1, around, how.dilation, len(weight))


def _of_weight(given: Tensor, x: Tensor, weight: Tensor, how: _How) -> Tensor:
    """Gradient of the kernel, a window of it at a time."""
    import torch
    from torch.nn.functional import pad

    if how.stride > 1 or any(side % how.dilation for side in given.shape[2:]):
        return _in_float32(given, x, weight, how, KERNEL)
    padded = _undilated(pad(x, (how.padding,) * 4), how.dilation)
    given = _undilated(given, how.dilation)
    (height, width), whole = given.shape[2:], torch.empty_like(weight)
    for top, left in product(range(0, weight.shape[-1] - 2, 2), repeat=2):
        seen = padded[..., top : top + height + 2, left : left + width + 2]
        rows, columns = slice(top, top + WINDOW), slice(left, left + WINDOW)
        window = weight[..., rows, columns]
        whole[..., rows, columns] = _by_torch(given, seen, window, PLAIN, KERNEL)
    return whole


def _undilated(x: Tensor, dilation: int) -> Tensor:
    """Make pictures of every n-th pixel of each, on which the kernel is not dilated."""
    if dilation == 1:
        return x
    batch, channels, height, width = x.shape
    split = height // dilation, dilation, width // dilation, dilation
    apart = x.permute(0, 2, 3, 1).reshape(batch, *split, channels)
    sides = height // dilation, width // dilation
    apart = apart.permute(0, 2, 4, 1, 3, 5).reshape(-1, *sides, channels)
    return apart.permute(0, 3, 1, 2)


def _in_float32(
    given: Tensor, x: Tensor, weight: Tensor, how: _How, which: int
) -> Tensor:
    made = _by_torch(given.float(), x.float(), weight.float(), how, which)
    return made.bfloat16()


def _by_torch(
    given: Tensor, x: Tensor, weight: Tensor, how: _How, which: int
) -> Tensor:
    """Give one of PyTorch's own gradients."""
    import torch

    stride, padding, dilation = ([value] * 2 for value in how)
    where = (None, stride, padding, dilation, False, [0, 0], len(weight))
    wanted = [which == INPUT, which == KERNEL, False]
    made = torch.ops.aten.convolution_backward(given, x, weight, *where, wanted)
    gradient: Tensor = made[which]
    return gradient
