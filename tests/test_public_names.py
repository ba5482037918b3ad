"""Public names stay what they are, whatever was imported before."""

from __future__ import annotations

from importlib import import_module

import pytest

import napari_herbarium as nh


@pytest.mark.parametrize("name", nh.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(nh, name) is not None


@pytest.mark.parametrize(
    ("name", "home"), [("segment", "segment.predict"), ("measure", "measure.traits")]
)
def test_functions_named_like_their_package_stay_callable(monkeypatch, name, home):
    module = import_module(f"napari_herbarium.{home}")
    monkeypatch.setattr(module, name, lambda *args, **more: (args, more))
    assert getattr(nh, name)(1, b=2) == ((1,), {"b": 2})
