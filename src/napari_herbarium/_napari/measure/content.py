"""What is saved of a measured layer, with where its numbers are from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from napari_herbarium._napari.common.layers import METADATA_KEY
from napari_herbarium._napari.measure.changes import Measured
from napari_herbarium._napari.measure.save import Content
from napari_herbarium.measure.files.table_export import provenance
from napari_herbarium.measure.table import SheetFacts

if TYPE_CHECKING:
    from napari.layers import Image, Labels


def content_of(
    layer: Labels,
    image: Image | None,
    measured: Measured,
    threshold: float,
    flips: Mapping[int, bool],
) -> Content:
    """Gather what can be saved of a layer, all from the moment it was measured.

    Parameters
    ----------
    layer : Labels
        The leaves.
    image : Image, optional
        The sheet.
    measured : Measured
        What was measured of the leaves.
    threshold : float
        From which probability on a leaf counts as whole.
    flips : mapping
        What the user said of leaves.
    """
    facts = measured.facts
    there = set(measured.table["label"])
    settings = {"whole_threshold": threshold, "segmentation": _segmentation(layer)}
    return Content(
        labels=measured.labels,
        table=measured.table,
        picture=measured.picture,
        image_name=_image_name(layer, image),
        folder=_folder_of(image),
        mm_per_px=facts.mm_per_px,
        provenance={
            **provenance(
                facts,
                labels=layer.name,
                image=None if image is None else image.name,
                settings=settings,
                flipped={n: word for n, word in flips.items() if n in there},
                classifier=measured.classifier,
            ),
            "scale": _scale(facts),
        },
    )


def counts(table: pd.DataFrame) -> str:
    """Say how many leaves are whole, and who said so."""
    whole = table["whole"].astype("boolean")
    parts = [f"{int(whole.sum())} whole", f"{int((~whole).sum())} partial"]
    unknown, by_user = int(whole.isna().sum()), int(table["whole_by"].eq("user").sum())
    if unknown:
        parts.append(f"{unknown} not judged")
    if by_user:
        parts.append(f"{by_user} by your word")
    return ", ".join(parts)


def _scale(facts: SheetFacts) -> dict[str, Any]:
    """Give the scale as the command's sidecar has it, for labels opened again."""
    return {
        "mm_per_px": facts.mm_per_px,
        "source": facts.scale_source,
        "trust": facts.scale_trust,
    }


def _segmentation(layer: Labels) -> dict[str, Any]:
    noted = layer.metadata.get(METADATA_KEY)
    return dict(noted) if isinstance(noted, dict) else {}


def _image_name(layer: Labels, image: Image | None) -> str:
    path = None if image is None else image.metadata.get("path")
    if path:
        return Path(path).name
    return layer.name if image is None else image.name


def _folder_of(image: Image | None) -> Path | None:
    """Folder of the sheet; None where it is of no file that is there."""
    path = image and (image.metadata.get("path") or image.source.path)
    return Path(path).parent if path and Path(path).is_file() else None
