"""The twenty traits of the paper (Hussein et al. 2021, Sensors 21(13), 4549).

The paper names them and gives no formula. Eleven names are those of
`skimage.measure.regionprops` and are taken from there; the formulas of the other
nine are inferred from the Flavia set (Wu et al. 2007, arXiv:0707.4289) and from the
size of the paper's errors. All are in px, as in the paper.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from napari_herbarium.measure.shape.outline import Ring, pixels_in_hull

Row: TypeAlias = dict[str, Any]

PAPER_TRAITS = (
    "eccentricity",
    "area",
    "bbox_area",
    "convex_area",
    "equivalent_diameter",
    "extent",
    "filled_area",
    "major_axis_length",
    "minor_axis_length",
    "perimeter",
    "solidity",
    "diameter",
    "aspect_ratio",
    "rectangularity",
    "compactness",
    "circularity",
    "narrow_factor",
    "per_dia_ratio",
    "per_length_ratio",
    "per_length_width_ratio",
)


def paper_traits(region: Any, hull: Ring, filled_area: float) -> Row:
    """Return the paper's traits of one leaf, petiole included as in the paper.

    Parameters
    ----------
    region : skimage RegionProperties
        The leaf.
    hull : (N, 2) float
        Convex hull of its raw outline; its `pixels_in_hull` are skimage's
        ``area_convex`` at a small part of the time.
    filled_area : float
        skimage's ``area_filled``, px2.
    """
    convex_area = float(pixels_in_hull(hull))
    base = {
        "eccentricity": float(region.eccentricity),
        "area": float(region.area),
        "bbox_area": float(region.area_bbox),
        "convex_area": convex_area,
        "equivalent_diameter": float(region.equivalent_diameter_area),
        "extent": float(region.extent),
        "filled_area": filled_area,
        "major_axis_length": float(region.axis_major_length),
        "minor_axis_length": float(region.axis_minor_length),
        "perimeter": float(region.perimeter),
        "solidity": float(region.area) / convex_area,
    }
    return {**base, **derived_traits(base)}


def derived_traits(base: Row) -> Row:
    """Return the nine traits made of the other eleven.

    With A the area, P the perimeter, L and W the axes and D the diameter:
    D = sqrt(4 filled_area / pi), aspect_ratio = L / W, rectangularity = A / (L W),
    compactness = P^2 / A, circularity = 4 pi A / P^2, narrow_factor = D / L,
    per_dia_ratio = P / D, per_length_ratio = P / L,
    per_length_width_ratio = P / (L + W). NaN where the divisor is 0.
    """
    area, perimeter = base["area"], base["perimeter"]
    length, width = base["major_axis_length"], base["minor_axis_length"]
    diameter = math.sqrt(4 * base["filled_area"] / math.pi)
    return {
        "diameter": diameter,
        "aspect_ratio": _ratio(length, width),
        "rectangularity": _ratio(area, length * width),
        "compactness": _ratio(perimeter**2, area),
        "circularity": _ratio(4 * math.pi * area, perimeter**2),
        "narrow_factor": _ratio(diameter, length),
        "per_dia_ratio": _ratio(perimeter, diameter),
        "per_length_ratio": _ratio(perimeter, length),
        "per_length_width_ratio": _ratio(perimeter, length + width),
    }


def _ratio(numerator: float, divisor: float) -> float:
    return numerator / divisor if divisor else float("nan")
