"""Build the segmentation network: DeepLabv3+ and its predecessor.

The paper (Hussein et al. 2021, Sensors 21:4549) uses DeepLabv3+ on ResNet-101
and names Xception as the alternative. Every encoder here can be dilated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_herbarium.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

Architecture = Literal["DeepLabV3Plus", "DeepLabV3"]
ARCHITECTURES: tuple[str, ...] = get_args(Architecture)
ENCODERS = (
    "resnet101",
    "tu-xception65",
    "resnet50",
    "mobilenet_v2",
    "tu-tf_efficientnet_lite2",
)


def build_network(
    architecture: str = "DeepLabV3Plus",
    encoder: str = "resnet101",
    encoder_weights: str | Path | None = None,
) -> nn.Module:
    """Build a network that gives one leaf logit per pixel.

    Parameters
    ----------
    architecture : {"DeepLabV3Plus", "DeepLabV3"}
        Decoder.
    encoder : str
        A name that segmentation_models_pytorch knows and can dilate; see `ENCODERS`.
    encoder_weights : str or path, optional
        None for a random start, ``"imagenet"`` to let the library fetch its weights,
        or the path of a state-dict file (``.safetensors`` or ``.pth``).

    Returns
    -------
    torch.nn.Module
        Takes B x 3 x H x W float32 and gives B x 1 x H x W logits; H and W must be
        multiples of 16.

    Raises
    ------
    ModelError
        When the architecture or encoder is unknown or the weights cannot be had.
    """
    if architecture not in ARCHITECTURES:
        msg = (
            f"There is no architecture {architecture!r}; "
            f"choose one of {', '.join(ARCHITECTURES)}."
        )
        raise ModelError(msg)
    network = _without_weights(architecture, encoder)
    if encoder_weights == "imagenet":
        return _from_hub(architecture, encoder)
    if encoder_weights is not None:
        load_encoder_weights(network, Path(encoder_weights))
    return network


def _without_weights(architecture: str, encoder: str) -> nn.Module:
    import segmentation_models_pytorch as smp

    if not _is_installed(encoder):
        raise ModelError(_no_encoder(encoder))
    try:
        network = getattr(smp, architecture)(encoder, encoder_weights=None, classes=1)
        if _may_want_one_size(encoder):
            _look_at_blank(network)
    except Exception as error:
        # Each family of encoders has its own error for what it cannot do.
        raise ModelError(_no_encoder(encoder)) from error
    return network


def _may_want_one_size(encoder: str) -> bool:
    """Tell an encoder that may fail on tiles; only a late timm refuses to build it."""
    from timm.models import get_pretrained_cfg_value, is_model

    name = encoder.removeprefix("tu-").removeprefix("timm-")
    return is_model(name) and bool(get_pretrained_cfg_value(name, "fixed_input_size"))


def _look_at_blank(network: nn.Module) -> None:
    """Run once, on a picture of a size that no encoder is made for."""
    import torch

    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 352, 352))
    network.train()


def _is_installed(encoder: str) -> bool:
    """Tell a name that the libraries know from one that they would ask a hub about.

    The name may come from a stranger's configuration.
    """
    import timm
    from segmentation_models_pytorch.encoders import get_encoder_names

    # What segmentation_models_pytorch once called timm-, it takes for tu- now.
    timms = encoder.removeprefix("tu-").removeprefix("timm-")
    is_timms = timms != encoder and bool(timm.is_model(timms))
    return is_timms or encoder in get_encoder_names()


def _no_encoder(encoder: str) -> str:
    return (
        f"The encoder {encoder!r} is not known or cannot be dilated; "
        f"choose one of {', '.join(ENCODERS)}."
    )


def _from_hub(architecture: str, encoder: str) -> nn.Module:
    import segmentation_models_pytorch as smp

    try:
        return getattr(smp, architecture)(
            encoder, encoder_weights="imagenet", classes=1
        )
    except Exception as error:
        # Hub clients raise errors of many libraries; none is worth a traceback here.
        raise ModelError(_no_hub(encoder)) from error


def _no_hub(encoder: str) -> str:
    return (
        f"The ImageNet weights of {encoder!r} could not be downloaded; "
        "give the path of a state-dict file (.safetensors or .pth) as the encoder "
        "weights, or start without them."
    )


def load_encoder_weights(network: nn.Module, path: Path) -> None:
    """Load an encoder's state dict from a file into a network.

    Parameters
    ----------
    network : torch.nn.Module
        From `build_network`.
    path : path
        ``.safetensors``, or ``.pth`` read without unpickling code. The names may be
        those of timm or of segmentation_models_pytorch; a classifier head is ignored.

    Raises
    ------
    ModelError
        When the file is missing, damaged or made for another encoder.
    """
    encoder: Any = network.encoder
    target = getattr(encoder, "model", encoder)
    state = _read_state(path)
    wanted = target.state_dict()
    found = {name: state[name] for name in wanted if name in state}
    fits = all(found[name].shape == wanted[name].shape for name in found)
    missing = [n for n in wanted if n not in found and "num_batches" not in n]
    if missing or not fits:
        msg = (
            f"The file {path} does not hold weights of this encoder "
            f"({len(missing)} of {len(wanted)} tensors are missing); "
            "give the file made for it."
        )
        raise ModelError(msg)
    target.load_state_dict(found, strict=False)


def _read_state(path: Path) -> dict[str, Tensor]:
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
        return dict(state)
    except FileNotFoundError as error:
        msg = f"There is no weights file {path}; check the path."
        raise ModelError(msg) from error
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        TypeError,
    ) as error:
        msg = f"The file {path} is not a readable state dict; get a fresh copy of it."
        raise ModelError(msg) from error
