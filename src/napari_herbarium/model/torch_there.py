"""Whether torch can be loaded; a broken installation is told in words."""

from __future__ import annotations

from napari_herbarium.errors import ModelError


def need_torch() -> None:
    """Load torch and torchvision.

    Raises
    ------
    ModelError
        One of them cannot be loaded; most often they are not of one release.
    """
    try:
        import torch  # noqa: F401
        import torchvision  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        msg = (
            f"PyTorch cannot be loaded ({reason}): install torch and torchvision "
            "anew, by one command: "
            "python -m pip install --force-reinstall torch torchvision"
        )
        raise ModelError(msg) from error
