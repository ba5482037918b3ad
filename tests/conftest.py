"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def yes_sayer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a classifier that takes nearly everything for a whole leaf."""
    from torch import nn

    from napari_herbarium.measure.whole.judge import BUNDLED
    from napari_herbarium.model.checkpoint import save_model
    from napari_herbarium.model.whole_network import load_whole_model

    folder = tmp_path_factory.mktemp("classifiers") / "yes sayer"
    model = load_whole_model(BUNDLED)
    for last in (m for m in model.network.modules() if isinstance(m, nn.Linear)):
        if last.out_features == 1:
            nn.init.constant_(last.bias, 20)
    config = model.config.model_copy(update={"name": folder.name})
    save_model(folder, model.network, config, "# Says yes")
    return folder


@pytest.fixture
def link() -> Callable[[Path, Path], None]:
    """Make a link; skips where the system lets nobody, as Windows usually does."""

    def make(path: Path, target: Path) -> None:
        try:
            path.symlink_to(target)
        except OSError:
            pytest.skip("links cannot be made here")

    return make


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for the user's models."""
    monkeypatch.setenv("NAPARI_HERBARIUM_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the labelled sheets; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the labelled sheets in ../shared/data")
    return SHARED
