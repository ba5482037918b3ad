"""What the settings accept, refuse and remember."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_herbarium.settings import (
    Detail,
    Device,
    LeafMethod,
    LeafSettings,
    SegmentSettings,
    Touching,
)


def test_defaults_segment_coarse_to_fine_with_the_bundled_model() -> None:
    settings = SegmentSettings()
    assert settings.detail is Detail.FULL
    assert settings.device is Device.AUTO
    assert settings.model == "herbarium-leaves"


def test_defaults_keep_the_threshold_of_the_model_and_the_holes() -> None:
    settings = LeafSettings()
    assert settings.method is LeafMethod.DEFAULT
    assert settings.threshold is None
    assert not settings.fill_holes
    assert settings.touching is Touching.JUDGE


@pytest.mark.parametrize(
    "settings",
    [
        SegmentSettings(model="mine", detail="paper", device="cpu", tile=1024, batch=1),
        LeafSettings(method="paper", threshold=0.4, fill_holes=True, min_area_mm2=9),
    ],
)
def test_settings_survive_json(settings: SegmentSettings | LeafSettings) -> None:
    again = type(settings).model_validate_json(settings.model_dump_json())
    assert again == settings


def test_names_are_written_as_the_command_takes_them() -> None:
    settings = SegmentSettings(detail=Detail.FAST, device=Device.CUDA)
    dump = settings.model_dump(mode="json")
    assert (dump["detail"], dump["device"]) == ("fast", "cuda")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("detail", "medium"),
        ("device", "gpu"),
        ("tile", 500),
        ("tile", 0),
        ("tile", 8192),
        ("batch", 0),
        ("tiles", 512),
    ],
)
def test_segment_settings_refuse(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        SegmentSettings(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "otsu"),
        ("touching", True),
        ("split_touching", True),
        ("threshold", 0),
        ("threshold", 1),
        ("threshold", float("nan")),
        ("min_area_mm2", -1),
        ("min_area_px", -1),
        ("min_area", 4),
    ],
)
def test_leaf_settings_refuse(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        LeafSettings(**{field: value})


def test_settings_cannot_be_changed_after_a_run_recorded_them() -> None:
    settings = LeafSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.threshold = 0.4
