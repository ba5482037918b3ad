"""Outlines of leaves as COCO JSON and GeoJSON.

Both keep the outline within 0.35 px of the traced one: less than half of the 0.71 px
that two parts of an outline are apart at their closest, so that none can cross.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import points_in_poly

from napari_herbarium.files import write_text
from napari_herbarium.measure.shape.outline import (
    Mask,
    Outline,
    Ring,
    enclosed_area,
    leaf_crops,
    outlines,
    signed_area,
)

TOLERANCE_PX = 0.35
CATEGORY = {"id": 1, "name": "leaf", "supercategory": "plant"}
IN_COCO = ("label", "whole", "whole_probability", "whole_by")
DECIMALS = 2


def write_coco(
    path: Path, labels: NDArray[Any], table: pd.DataFrame, image_name: str
) -> None:
    """Write the leaves of a sheet as COCO instances.

    A leaf without holes is polygons, one per piece; a leaf with holes, which COCO
    polygons cannot have, is an uncompressed run-length mask (``counts`` down the
    columns), which pycocotools reads in the same place. Coordinates are px, x right
    and y down from the outer corner of the first pixel. ``iscrowd`` is 0 for all.

    Parameters
    ----------
    path : Path
        JSON file; replaced when it exists.
    labels : (H, W) integer
        0 is paper.
    table : DataFrame
        With a column `label`; whole and its probability become ``attributes``.
    image_name : str
        File name of the sheet.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    height, width = map(int, labels.shape)
    picture = {"id": 1, "file_name": image_name, "height": height, "width": width}
    content = {
        "info": {"description": f"napari-herbarium {version('napari-herbarium')}"},
        "licenses": [],
        "images": [picture],
        "categories": [CATEGORY],
        "annotations": list(_annotations(labels, _rows_by_label(table, IN_COCO))),
    }
    _write_compact(path, content)


def write_geojson(path: Path, labels: NDArray[Any], table: pd.DataFrame) -> None:
    """Write the outlines of the leaves of a sheet as GeoJSON.

    A leaf is a Polygon, or a MultiPolygon if it is in pieces, with its holes.
    Coordinates are px of the sheet, x right and y down, whole at pixel centres (as
    napari counts); every feature says so and carries ``mm_per_px`` and the whole row
    of the table as properties.

    Parameters
    ----------
    path : Path
        JSON file; replaced when it exists.
    labels : (H, W) integer
        0 is paper.
    table : DataFrame
        With a column `label`.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    rows = _rows_by_label(table, tuple(table.columns))
    features = [
        {
            "type": "Feature",
            "id": label,
            "geometry": _geometry(outline),
            "properties": {"coordinate_unit": "px", **rows.get(label, {})},
        }
        for label, outline in outlines(labels, TOLERANCE_PX).items()
    ]
    _write_compact(path, {"type": "FeatureCollection", "features": features})


def _annotations(
    labels: NDArray[Any], rows: Mapping[int, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    traced = outlines(labels, TOLERANCE_PX)
    for label, mask, (top, left) in leaf_crops(labels):
        height, width = mask.shape
        outline = traced[label]
        yield {
            "id": label,
            "image_id": 1,
            "category_id": CATEGORY["id"],
            "segmentation": (
                run_lengths(mask, (top, left), labels.shape)
                if outline.holes
                else [_flat(ring) for ring in outline.exteriors]
            ),
            "area": int(mask.sum()),
            "bbox": [left, top, width, height],
            "iscrowd": 0,
            "attributes": rows.get(label, {"label": label}),
        }


def run_lengths(
    mask: Mask, origin: tuple[int, int], shape: tuple[int, ...]
) -> dict[str, list[int]]:
    """Return a mask as COCO's uncompressed run lengths.

    Parameters
    ----------
    mask : (h, w) bool
        The leaf in its box.
    origin : (int, int)
        Row and column of the box on the sheet.
    shape : (int, int)
        Of the sheet.

    Returns
    -------
    dict
        ``size`` (height, width of the sheet) and ``counts``: pixels of ground and of
        leaf in turn, ground first, down each column and column after column.
    """
    rows = mask.shape[0] + 1
    # One row of ground below each column keeps the runs of columns apart.
    padded = np.pad(mask, ((0, 1), (0, 0))).T.ravel().astype(np.int8)
    steps = np.diff(padded, prepend=0, append=0)
    ends = np.flatnonzero(steps)
    column, row = np.divmod(ends, rows)
    at = (column + origin[1]) * shape[0] + row + origin[0]
    bounds = np.concatenate([[0], _joined(at), [shape[0] * shape[1]]])
    return {
        "size": [int(side) for side in shape],
        "counts": np.diff(bounds).tolist(),
    }


def _joined(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join runs that meet, where a leaf goes on at the top of the next column."""
    starts, stops = at[::2], at[1::2]
    apart = starts[1:] != stops[:-1]
    starts, stops = starts[np.append(True, apart)], stops[np.append(apart, True)]
    return np.stack([starts, stops], axis=1).ravel()


def _flat(ring: Ring) -> list[float]:
    """Return x, y, x, y ... with the corner of the first pixel at 0, 0."""
    flat: list[float] = (ring[:, ::-1] + 0.5).round(DECIMALS).ravel().tolist()
    return flat


def _geometry(outline: Outline) -> dict[str, Any]:
    holes: list[list[Ring]] = [[] for _ in outline.exteriors]
    for hole in outline.holes:
        holes[_home(hole, outline.exteriors)].append(hole)
    polygons = [
        [_closed_ring(ring, 1), *(_closed_ring(hole, -1) for hole in inner)]
        for ring, inner in zip(outline.exteriors, holes, strict=True)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _home(hole: Ring, exteriors: tuple[Ring, ...]) -> int:
    """Which piece a hole is in: the smallest that holds it."""
    around = [
        (enclosed_area(ring), number)
        for number, ring in enumerate(exteriors)
        if points_in_poly(hole[:1], ring)[0]
    ]
    return min(around)[1] if around else 0


def _closed_ring(ring: Ring, turn: int) -> list[list[float]]:
    """Close a ring as RFC 7946 wants it: outer rings one way round, holes the other."""
    way = 1 if signed_area(ring[:, ::-1]) * turn > 0 else -1
    points: list[list[float]] = ring[::way, ::-1].round(DECIMALS).tolist()
    return [*points, points[0]]


def _rows_by_label(
    table: pd.DataFrame, columns: tuple[str, ...]
) -> dict[int, dict[str, Any]]:
    kept = table[[name for name in columns if name in table]].astype(object)
    # JSON has no NaN.
    records = kept.where(kept.notna(), None).to_dict("records")
    return {
        int(label): {str(name): value for name, value in record.items()}
        for label, record in zip(table["label"], records, strict=True)
    }


def _write_compact(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
