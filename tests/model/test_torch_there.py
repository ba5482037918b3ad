"""A broken installation of PyTorch is one sentence that says what to do."""

from __future__ import annotations

import sys

import pytest

from napari_herbarium import load_model
from napari_herbarium.errors import ModelError
from napari_herbarium.model.device import choose_device


@pytest.fixture(params=["torch", "torchvision"])
def broken(request, monkeypatch):
    """Make one of the two impossible to import."""
    monkeypatch.setitem(sys.modules, request.param, None)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("begin", [load_model, choose_device])
def test_torch_that_cannot_be_loaded_is_one_sentence(begin):
    with pytest.raises(ModelError, match="pip install --force-reinstall torch") as said:
        begin()
    assert "\n" not in str(said.value)


def test_reason_is_told_without_its_traceback(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        'raise RuntimeError("\\noperator torchvision::nms does not exist\\n at 3.")'
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(
        ModelError, match=r"\(operator torchvision::nms does not exist\)"
    ):
        choose_device()
