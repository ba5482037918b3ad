"""One frozen settings object per step.

Widgets edit them, the command parses them, outputs record them. Each validates
itself with sentences and travels as JSON (`model_dump_json`,
`model_validate_json`).
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_MODEL = "herbarium-leaves"
DEFAULT_WHOLE_MODEL = "whole-leaves"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Detail(StrEnum):
    """How closely to look at the sheet."""

    PAPER = "paper"
    """The whole sheet squashed to 512 x 512 px, as published."""
    FAST = "fast"
    """One pass over the sheet at a working resolution."""
    FULL = "full"
    """Coarse to fine: several working resolutions, then native along outlines."""
    THOROUGH = "thorough"
    """As `FULL`, with the whole sheet seen from four sides."""


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class LeafMethod(StrEnum):
    """How probability becomes leaves."""

    DEFAULT = "default"
    PAPER = "paper"


class Touching(StrEnum):
    """What becomes of leaves that touch."""

    KEEP = "keep"
    """They stay one label, as published."""
    NECKS = "necks"
    """Cut where the shape has a narrow neck."""
    JUDGE = "judge"
    """Cut where shape, seam network and classifier of whole leaves speak for it."""


class SegmentSettings(_Settings):
    """Settings of `napari_herbarium.segment`.

    Attributes
    ----------
    model : str
        Name of an installed model or path of a model folder.
    detail : Detail
        How closely to look.
    device : Device
        Where the network runs; ``auto`` takes CUDA, then MPS, then CPU.
    tile : int
        Side of the square tiles in px; a multiple of 32.
    batch : int
        Tiles per forward pass.
    """

    model: str = DEFAULT_MODEL
    detail: Detail = Detail.FULL
    device: Device = Device.AUTO
    tile: int = Field(default=512, ge=128, le=4096, multiple_of=32)
    batch: int = Field(default=4, ge=1, le=256)


class LeafSettings(_Settings):
    """Settings of `napari_herbarium.extract_leaves`.

    Attributes
    ----------
    method : LeafMethod
        ``default`` (threshold, holes, minimum area) or the paper's Algorithms 1, 2.
    threshold : float, optional
        Leaf where the probability is at least this; the model's own when None.
    fill_holes : bool
        Count holes inside a leaf as leaf.
    min_area_mm2 : float
        Smallest leaf kept on a calibrated sheet, in mm2.
    min_area_px : int, optional
        Smallest leaf kept on a sheet without scale, in px; when None, what
        `min_area_mm2` would be if the picture were 420 mm long, as sheets are.
    touching : Touching
        What becomes of leaves that touch.
    """

    method: LeafMethod = LeafMethod.DEFAULT
    threshold: float | None = Field(default=None, gt=0, lt=1)
    fill_holes: bool = False
    min_area_mm2: float = Field(default=4.0, ge=0, allow_inf_nan=False)
    min_area_px: int | None = Field(default=None, ge=0)
    touching: Touching = Touching.JUDGE


class WholeSettings(_Settings):
    """Who judges whether a leaf is one single whole one (`measure.whole.models`).

    Attributes
    ----------
    model : str
        Name of an installed classifier of whole leaves or path of its folder.
    """

    model: str = DEFAULT_WHOLE_MODEL


DEFAULT_JUDGE = WholeSettings()


LEAST_MM_PER_PX, MOST_MM_PER_PX = 1e-4, 100.0
"""254,000 ppi to 0.25 ppi; what lies beyond is a slip, not a scale."""


class ScaleSettings(_Settings):
    """Where the millimetres of a sheet come from (`sheet.calibrate.settle_scale`).

    Attributes
    ----------
    mm_per_px : float, optional
        What the user says; it counts whatever is on the sheet. From 0.0001 (254,000
        ppi) to 100: what lies beyond is a slip, and areas would lose their meaning.
    ruler : bool
        Whether to read the ruler on the sheet, which also checks the file's
        resolution.
    """

    mm_per_px: float | None = Field(
        default=None, ge=LEAST_MM_PER_PX, le=MOST_MM_PER_PX, allow_inf_nan=False
    )
    ruler: bool = True
