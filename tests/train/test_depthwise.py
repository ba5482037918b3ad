"""Depthwise convolutions train faster, and to the same gradients."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch.nn.functional import conv2d

from napari_herbarium.model.network import build_network
from napari_herbarium.train.network.depthwise import quick_depthwise

CHANNELS = 16
HOW = [
    # size, stride, padding, dilation
    (3, 1, 1, 1),
    (3, 1, 0, 1),
    (3, 1, 4, 4),
    (3, 1, 12, 12),
    (3, 2, 1, 1),
    (5, 1, 2, 1),
    (5, 1, 4, 2),
    (5, 2, 0, 1),
    (5, 1, 6, 1),
    (7, 1, 3, 1),
]


def leaves(size, *, seed=0, height=20, width=24):
    """Make a picture and kernels whose gradients are asked for."""
    torch.manual_seed(seed)
    x = torch.randn(2, CHANNELS, height, width)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    return x, torch.randn(CHANNELS, 1, size, size, requires_grad=True)


def run(x, weight, how, **options):
    made = conv2d(x, weight, None, *how, groups=CHANNELS, **options)
    torch.manual_seed(1)
    made.backward(torch.randn_like(made))
    return made.detach(), x.grad, weight.grad


def halved(size, how, **shape):
    with torch.autocast("cpu", torch.bfloat16), quick_depthwise():
        return run(*leaves(size, **shape), how)


def off(found, true):
    return float((found.float() - true.float()).norm() / true.float().norm())


@pytest.mark.parametrize("how", HOW, ids=str)
def test_gradients_are_those_of_float32_but_for_rounding(how):
    size, *rest = how
    exact = run(*leaves(size), rest)
    for found, true in zip(halved(size, rest), exact, strict=True):
        assert found.shape == true.shape
        assert off(found, true) < 0.01


def test_sides_that_dilation_does_not_divide():
    how, shape = (1, 4, 2), {"height": 21, "width": 23}
    exact = run(*leaves(5, **shape), how)
    found = halved(5, how, **shape)
    assert all(off(f, t) < 0.01 for f, t in zip(found, exact, strict=True))


def test_forwards_nothing_changes_to_the_bit():
    x, weight = leaves(5)
    with torch.autocast("cpu", torch.bfloat16):
        plain = conv2d(x, weight, padding=4, dilation=2, groups=CHANNELS)
        with quick_depthwise():
            quick = conv2d(x, weight, padding=4, dilation=2, groups=CHANNELS)
    assert torch.equal(plain, quick)


def test_in_float32_gradients_are_the_same_to_the_bit():
    with quick_depthwise():
        found = run(*leaves(5), (1, 2, 1))
    exact = run(*leaves(5), (1, 2, 1))
    assert all(torch.equal(f, t) for f, t in zip(found, exact, strict=True))


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ((CHANNELS, 1, 3, 5), {"groups": CHANNELS}),
        ((CHANNELS, 1, 4, 4), {"groups": CHANNELS, "padding": 2}),
        ((CHANNELS, CHANNELS, 3, 3), {}),
        ((CHANNELS, 1, 3, 3), {"groups": CHANNELS, "stride": (1, 2)}),
        ((2 * CHANNELS, 1, 3, 3), {"groups": CHANNELS}),
        ((CHANNELS, 1, 1, 1), {"groups": CHANNELS}),
    ],
)
def test_other_convolutions_stay_as_they_are(kernel, options):
    x, _ = leaves(3)
    weight, bias = torch.randn(kernel), torch.randn(kernel[0])
    with torch.autocast("cpu", torch.bfloat16):
        plain = [conv2d(x, weight, b, **options) for b in (None, bias)]
        with quick_depthwise():
            quick = [conv2d(x, weight, b, **options) for b in (None, bias)]
    assert all(torch.equal(p, q) for p, q in zip(plain, quick, strict=True))


def gradients(network, context):
    network.zero_grad()
    torch.manual_seed(3)
    with torch.autocast("cpu", torch.bfloat16), context:
        logits = network(torch.randn(2, 3, 64, 64))
    logits.float().square().mean().backward()
    return torch.cat([p.grad.flatten() for p in network.parameters()])


def test_a_whole_network_learns_the_same():
    torch.manual_seed(0)
    network = build_network("DeepLabV3Plus", "mobilenet_v2").eval()
    plain = gradients(network, nullcontext())
    quick = gradients(network, quick_depthwise())
    assert torch.cosine_similarity(plain, quick, dim=0) > 0.999
    assert not torch.equal(plain, quick)
