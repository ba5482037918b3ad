"""A model on disk: a folder with config, weights and a model card.

``config.json`` says how the network is built and fed, ``model.safetensors`` holds
the weights (fp16 to save space), ``README.md`` is the model card. Nothing here
unpickles, so a model folder from a stranger cannot run code.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_herbarium.errors import ModelError
from napari_herbarium.files import replacing
from napari_herbarium.model.network import build_network
from napari_herbarium.model.torch_there import need_torch
from napari_herbarium.model.undrawn import undrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"

Config = TypeVar("Config", bound=BaseModel)
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Spread: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LongSide: TypeAlias = Annotated[int, Field(ge=64, le=32768)]


class NetworkConfig(BaseModel):
    """What has to be known of any network, to use its weights.

    Attributes
    ----------
    name : str
        Name of the model, as the user is shown it.
    version : str
        Version of the weights.
    figures : dict
        Measured figures, such as the IoU on named data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str = "1"
    figures: dict[str, Any] = Field(default_factory=dict)


class ModelConfig(NetworkConfig):
    """What has to be known to use the weights of a leaf model.

    Attributes
    ----------
    architecture, encoder : str
        See `napari_herbarium.model.network.build_network`.
    classes : tuple of str
        What the logits stand for.
    mean, std : tuple of 3 floats
        Normalisation of RGB on 0..1.
    threshold : float
        Leaf where the probability is at least this.
    scales : tuple of int
        Long sides, in px, to which a whole sheet is resized for the coarse passes.
    """

    architecture: str = "DeepLabV3Plus"
    encoder: str = "resnet101"
    classes: tuple[str, ...] = Field(default=("leaf",), min_length=1)
    mean: tuple[Finite, Finite, Finite] = (0.485, 0.456, 0.406)
    std: tuple[Spread, Spread, Spread] = (0.229, 0.224, 0.225)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    scales: tuple[LongSide, ...] = Field(default=(1024, 2048), min_length=1)


@dataclass(frozen=True)
class Loaded(Generic[Config]):
    """A loaded model.

    Attributes
    ----------
    network : torch.nn.Module
        In evaluation mode, float32, on the CPU.
    config : Config
        How to feed it.
    sha256 : str
        Of the weights file; identifies the model in every output.
    folder : Path
        Where it came from.
    """

    network: nn.Module
    config: Config
    sha256: str
    folder: Path


LeafModel = Loaded[ModelConfig]


def load_as(
    kind: type[Config], build: Callable[[Config], nn.Module], folder: Path
) -> Loaded[Config]:
    """Load a model folder of some kind, written by `save_model`.

    Parameters
    ----------
    kind : type
        What its ``config.json`` describes.
    build : callable
        Gives the network of a configuration, with any weights.
    folder : path

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other, or
        torch cannot be loaded.
    """
    folder = Path(folder)
    config = read_config_as(kind, folder)
    need_torch()
    with undrawn():
        network = build(config)
    return Loaded(network, config, fill_network(network, folder), folder)


def facts_of(model: LeafModel) -> dict[str, Any]:
    """Give what an output records of the model it was made with.

    Returns
    -------
    dict
        Name, version, SHA-256 and threshold.
    """
    return {
        "name": model.config.name,
        "version": model.config.version,
        "sha256": model.sha256,
        "threshold": model.config.threshold,
    }


def save_model(folder: Path, network: nn.Module, config: BaseModel, card: str) -> None:
    """Write a model folder; floating-point weights are stored as fp16.

    Parameters
    ----------
    folder : path
        Created when missing; files of an earlier model in it are replaced one by one,
        each atomically.
    network : torch.nn.Module
        What `config` describes.
    config : ModelConfig, or the model of another kind of network
        Written as ``config.json``.
    card : str
        Markdown text of the model card.
    """
    folder = Path(folder)
    _write(folder / WEIGHTS, _packed(network))
    _write(folder / CARD, card.encode())
    write_config(folder, config)


def write_config(folder: Path, config: BaseModel) -> None:
    """Write the ``config.json`` of a model folder."""
    _write(folder / CONFIG, (config.model_dump_json(indent=2) + "\n").encode())


def _packed(network: nn.Module) -> bytes:
    from safetensors.torch import save

    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    return bytes(save(state))


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_model_folder(folder: Path) -> LeafModel:
    """Load a model folder written by `save_model`.

    Parameters
    ----------
    folder : path
        With ``config.json`` and ``model.safetensors``.

    Returns
    -------
    LeafModel
        Ready for inference on the CPU.

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other.
    """
    return load_as(ModelConfig, _leaf_network, folder)


def _leaf_network(config: ModelConfig) -> nn.Module:
    return build_network(config.architecture, config.encoder)


def fill_network(network: nn.Module, folder: Path) -> str:
    """Fill a network with a model folder's weights and make it ready for inference.

    Returns
    -------
    str
        SHA-256 of the weights file.

    Raises
    ------
    ModelError
        When the weights are missing, truncated, of another network, or not finite.
    """
    path = Path(folder) / WEIGHTS
    content = _read_weights(path)
    _fill(network, content, path)
    network.eval()
    return hashlib.sha256(content).hexdigest()


def weights_sha256(folder: Path) -> str:
    """SHA-256 of a model folder's weights; nothing is loaded.

    Raises
    ------
    ModelError
        They are missing or cannot be read.
    """
    return hashlib.sha256(_read_weights(Path(folder) / WEIGHTS)).hexdigest()


def read_config(folder: Path) -> ModelConfig:
    """Read a leaf model's ``config.json``; see `read_config_as`."""
    return read_config_as(ModelConfig, folder)


def read_config_as(kind: type[Config], folder: Path) -> Config:
    """Read and validate a model folder's ``config.json``.

    Parameters
    ----------
    kind : type
        What it describes: a `ModelConfig`, or another pydantic model.
    folder : path

    Raises
    ------
    ModelError
        When it is missing or not a valid configuration.
    """
    path = Path(folder) / CONFIG
    if not path.is_file():
        msg = f"{folder} is not a model folder: it has no {CONFIG}; choose another one."
        raise ModelError(msg)
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        msg = (
            f"{path} is not a valid model configuration ({where}: {first['msg']}); "
            "get a fresh copy of the model."
        )
        raise ModelError(msg) from error


def _read_weights(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"The weights {path} cannot be read ({error.strerror}); check the model."
        raise ModelError(msg) from error


def _fill(network: nn.Module, content: bytes, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state: dict[str, Tensor] = load(content)
    except SafetensorError as error:
        msg = (
            f"The weights {path} are truncated or not a safetensors file; "
            "get a fresh copy of the model."
        )
        raise ModelError(msg) from error
    wanted = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    if wanted.keys() != state.keys() or any(
        wanted[name].shape != state[name].shape for name in wanted
    ):
        msg = (
            f"The weights {path} were made for another network than the {CONFIG} "
            "beside them describes; get a fresh copy of the model."
        )
        raise ModelError(msg)
    numbers = {name: value.float() for name, value in state.items()}
    _refuse_infinite(numbers, path)
    network.load_state_dict(numbers, strict=False)


def _refuse_infinite(numbers: Mapping[str, Tensor], path: Path) -> None:
    """Raise for numbers that make a network find no leaf, or leaf everywhere."""
    bad = [name for name, value in numbers.items() if not value.isfinite().all()]
    if bad:
        msg = (
            f"The weights {path} hold numbers that are not finite ({bad[0]}); get a "
            "fresh copy of the model, or train it again."
        )
        raise ModelError(msg)
