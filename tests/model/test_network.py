"""Networks are built by name, and a wrong name or file is answered in words."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from napari_herbarium.errors import ModelError
from napari_herbarium.model.network import ENCODERS, build_network


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_named_encoder_builds_deeplabv3plus(encoder):
    network = build_network("DeepLabV3Plus", encoder).eval()
    with torch.inference_mode():
        logits = network(torch.zeros(1, 3, 64, 96))
    assert logits.shape == (1, 1, 64, 96)


def test_the_earlier_deeplabv3_builds():
    network = build_network("DeepLabV3", "mobilenet_v2").eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)


@pytest.mark.parametrize(
    ("architecture", "encoder", "told"),
    [
        ("UNet", "resnet50", "DeepLabV3Plus"),
        ("DeepLabV3Plus", "resnet10000", "resnet101"),
        ("DeepLabV3Plus", "vgg16", "cannot be dilated"),
        ("DeepLabV3Plus", "tu-swin_tiny_patch4_window7_224", "cannot be dilated"),
        ("DeepLabV3Plus", "tu-resnet10000", "is not known"),
        ("DeepLabV3Plus", "", "is not known"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(architecture, encoder, told):
    with pytest.raises(ModelError, match=told):
        build_network(architecture, encoder)


def test_an_encoder_by_the_name_that_it_had_before_builds():
    assert build_network("DeepLabV3Plus", "timm-regnetx_002") is not None


@pytest.mark.parametrize(
    "name", ["tu-hf-hub:them/net", "tu-local-dir:/home", "timm-hf-hub:them/net"]
)
def test_a_name_that_asks_a_hub_or_reads_a_folder_is_refused(monkeypatch, name):
    import timm

    asked = []
    monkeypatch.setattr(timm, "create_model", lambda *args, **_: asked.append(args))
    with pytest.raises(ModelError, match=f"{name}.* is not known"):
        build_network("DeepLabV3Plus", name)
    assert not asked


def test_encoder_weights_come_from_a_file(tmp_path):
    source = build_network("DeepLabV3Plus", "mobilenet_v2")
    path = tmp_path / "encoder.safetensors"
    save_file(source.encoder.state_dict(), path)
    network = build_network("DeepLabV3Plus", "mobilenet_v2", path)
    for name, value in source.encoder.state_dict().items():
        assert torch.equal(network.encoder.state_dict()[name], value)


def test_encoder_weights_of_another_encoder_are_refused(tmp_path):
    path = tmp_path / "encoder.safetensors"
    other = build_network("DeepLabV3Plus", "resnet50")
    save_file(other.encoder.state_dict(), path)
    with pytest.raises(ModelError, match="does not hold weights of this encoder"):
        build_network("DeepLabV3Plus", "mobilenet_v2", path)


@pytest.mark.parametrize("name", ["none.safetensors", "none.pth"])
def test_a_missing_weights_file_is_named(tmp_path, name):
    with pytest.raises(ModelError, match=name):
        build_network("DeepLabV3Plus", "mobilenet_v2", tmp_path / name)


def test_a_pickle_with_code_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"w": pytest.raises}, path)
    with pytest.raises(ModelError, match="not a readable state dict"):
        build_network("DeepLabV3Plus", "mobilenet_v2", path)


def test_without_a_hub_the_message_says_how_to_supply_a_file(monkeypatch):
    import segmentation_models_pytorch as smp

    build = smp.DeepLabV3Plus

    def offline(*args, encoder_weights, **kwargs):
        if encoder_weights is not None:
            raise ConnectionError("no network")
        return build(*args, encoder_weights=None, **kwargs)

    monkeypatch.setattr(smp, "DeepLabV3Plus", offline)
    with pytest.raises(ModelError, match="state-dict file"):
        build_network("DeepLabV3Plus", "resnet101", "imagenet")
