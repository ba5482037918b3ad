"""A folded network says what the network says, with fewer layers."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_herbarium.model import activated
from napari_herbarium.model.fold import folded
from napari_herbarium.model.network import ENCODERS, build_network


def norms(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]


def unlike_new(network: nn.Module) -> nn.Module:
    """Give the normalisations something to do; new ones change next to nothing."""
    for norm in norms(network):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.7, 1.4)
        norm.weight.data.uniform_(0.7, 1.4)
        norm.bias.data.normal_(0, 0.1)
    return network.eval()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_same_logits_of_another_picture(encoder: str) -> None:
    torch.manual_seed(0)
    network = unlike_new(build_network("DeepLabV3Plus", encoder))
    made = folded(network)
    picture = torch.rand(1, 3, 96, 64)
    with torch.inference_mode():
        wanted, found = network(picture), made(picture)
    assert len(norms(network)) > 50
    assert len(norms(made)) < len(norms(network)) / 5
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_the_network_itself_stays_as_it_is() -> None:
    network = unlike_new(nn.Sequential(nn.Conv2d(3, 1, 3), nn.BatchNorm2d(1)))
    before = copy.deepcopy(network.state_dict())
    made = folded(network)
    assert not norms(made)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


class Twice(nn.Module):
    """Uses what a convolution says in two ways: folding would change both."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        made = self.convolution(given)
        return self.norm(made) + made


def test_a_network_that_cannot_be_folded_is_given_back() -> None:
    network = unlike_new(Twice())
    assert folded(network) is network
    plain = nn.Conv2d(3, 1, 1).eval()
    assert folded(plain) is plain


def one_layer(activation: nn.Module) -> nn.Module:
    """Make a convolution with norm and activation in one, as timm has them."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8)
    norm.add_module("act", activation)
    norm.forward = lambda given: activation(nn.BatchNorm2d.forward(norm, given))
    return unlike_new(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, stride=2), norm))


def fused_layers(network: nn.Module) -> int:
    return sum(
        type(module).__name__ == "ActivatedConv2d" for module in network.modules()
    )


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.ReLU()])
def test_activations_become_part_of_convolutions(activation, half, monkeypatch) -> None:
    network = one_layer(activation)
    made = folded(network)
    monkeypatch.setattr(activated, "can_fuse", lambda: False)
    apart = folded(network)
    picture = 9 * torch.randn(2, 3, 64, 48).to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        found, wanted = made(picture), apart(picture)
    assert (fused_layers(made), fused_layers(apart)) == (1, 0)
    assert found.min() == 0
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_convolutions_that_pad_by_themselves_keep_their_activation_apart() -> None:
    from timm.layers import Conv2dSame

    network = one_layer(nn.ReLU6())
    network[0] = Conv2dSame(3, 8, 3, stride=2)
    made = folded(network.eval())
    assert not norms(made)
    assert fused_layers(made) == 0


def test_a_processor_without_the_operation_gets_the_network_as_it_is(
    monkeypatch,
) -> None:
    def refuse(*_given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", refuse)
    network = one_layer(nn.ReLU6())
    assert folded(network) is network
