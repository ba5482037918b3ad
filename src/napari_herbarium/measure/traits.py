"""The table of traits: one row per leaf, units in the column names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops

from napari_herbarium.measure.colour import COLOUR_COLUMNS, mean_colour
from napari_herbarium.measure.columns import (
    NAN,
    Row,
    Scale,
    by_label,
    check_image,
    check_labels,
    isotropic_mm_per_px,
    with_mm,
)
from napari_herbarium.measure.dictionary import trait_names
from napari_herbarium.measure.paper_traits import paper_traits
from napari_herbarium.measure.shape.fourier import fourier_columns
from napari_herbarium.measure.shape.lamina import Lamina, find_lamina
from napari_herbarium.measure.shape.margin import describe_margin
from napari_herbarium.measure.shape.outline import (
    Outline,
    feret_diameters,
    hull_points,
    ring_length,
    smooth_ring,
    trace_outline,
)
from napari_herbarium.measure.shape.spans import Size, end_angles, lamina_size
from napari_herbarium.progress import Job, Progress, finish


def measure(
    labels: NDArray[Any],
    scale: Scale = None,
    image: Any = None,
    *,
    scale_source: str = "none",
    scale_trust: str = "none",
    whole_probability: Mapping[int, float] | Sequence[float] | None = None,
    harmonics: int = 0,
) -> pd.DataFrame:
    """Measure every leaf.

    Parameters
    ----------
    labels : (H, W) integer
        0 is paper, every other value one leaf; in pieces, if something lies across.
    scale : float or (float, float), optional
        mm per px, or mm per px down and across; without it the ``_mm`` columns stay
        empty (NaN).
    image : (H, W, 3) uint8 or uint16, numpy or dask, optional
        sRGB picture for the colour columns, empty without it.
    scale_source, scale_trust : str
        Where the scale is from and how far it is trusted, for every row. A scale
        that comes without them is the user's own and trusted.
    whole_probability : mapping or sequence, optional
        Probability that a leaf is single and whole, by label or in label order.
    harmonics : int
        Number of elliptic Fourier harmonics to add as columns ``efd_*``.

    Returns
    -------
    DataFrame
        One row per label, ascending; every column is explained in
        ``data_dictionary.csv`` (`dictionary.data_dictionary`).

    Raises
    ------
    SettingsError
        For labels that are no 2-D integer image, a picture of another size, and a
        scale that is not positive or differs between down and across.
    """
    table = finish(
        iter_measure(
            labels,
            scale,
            image,
            scale_source=scale_source,
            scale_trust=scale_trust,
            harmonics=harmonics,
        )
    )
    table["whole_probability"] = by_label(whole_probability, list(table["label"]))
    return table


def iter_measure(
    labels: NDArray[Any],
    scale: Scale = None,
    image: Any = None,
    *,
    scale_source: str = "none",
    scale_trust: str = "none",
    harmonics: int = 0,
    only: Collection[int] | None = None,
) -> Job[pd.DataFrame]:
    """Measure leaf by leaf, as `measure` does; `whole_probability` stays empty.

    Parameters
    ----------
    only : collection of int, optional
        Measure these labels and pass over the others.
    """
    labels = check_labels(labels)
    image = check_image(image, labels.shape)
    mm_per_px = isotropic_mm_per_px(scale)
    if mm_per_px is not None and scale_source == "none":
        scale_source, scale_trust = "user", "trusted"
    regions = [r for r in regionprops(labels) if only is None or r.label in only]
    rows = []
    for row in _leaf_rows(regions, labels.shape, image, harmonics):
        rows.append(with_mm(row, mm_per_px))
        yield Progress(len(rows), len(regions), "leaves measured")
    table = pd.DataFrame(rows, columns=None if rows else ["label"])
    table["mm_per_px"] = NAN if mm_per_px is None else mm_per_px
    table["scale_source"] = scale_source
    table["scale_trust"] = scale_trust
    return table.reindex(columns=trait_names(harmonics))


def _leaf_rows(
    regions: Sequence[Any], shape: tuple[int, ...], image: Any, harmonics: int
) -> Iterator[Row]:
    for region in regions:
        picture = None if image is None else image[region.slice]
        yield {
            "label": int(region.label),
            **_place(region, shape),
            **_shape_row(region, harmonics),
            **_colour_row(region.image, picture),
        }


def _place(region: Any, shape: tuple[int, ...]) -> Row:
    top, left, bottom, right = map(int, region.bbox)
    y, x = region.centroid_local  # from the moments; region.centroid lists all pixels
    return {
        "bbox_top": top,
        "bbox_left": left,
        "bbox_bottom": bottom,
        "bbox_right": right,
        "centroid_y_px": top + float(y),
        "centroid_x_px": left + float(x),
        "touches_edge": (
            top == 0 or left == 0 or bottom == shape[0] or right == shape[1]
        ),
    }


def _shape_row(region: Any, harmonics: int) -> Row:
    outline = trace_outline(region.image)
    hull = hull_points(outline.exteriors)
    lamina = find_lamina(region.image, outline)
    filled = float(region.area_filled if outline.holes else region.area)
    return {
        **_area_row(region, outline, filled),
        **_diameter_row(outline, hull),
        **_lamina_row(lamina),
        **_petiole_row(lamina, float(region.area)),
        **fourier_columns(lamina.ring, harmonics),
        **paper_traits(region, hull, filled),
    }


def _area_row(region: Any, outline: Outline, filled: float) -> Row:
    area = int(region.area)
    return {
        "area_px": area,
        "filled_area_px": int(filled),
        "hole_area_px": int(filled) - area,
        "hole_share": (filled - area) / filled,
        "holes": len(outline.holes),
        "pieces": len(outline.exteriors),
    }


def _diameter_row(outline: Outline, hull: NDArray[np.float64]) -> Row:
    largest, smallest = feret_diameters(hull)
    return {
        "perimeter_px": sum(ring_length(smooth_ring(r)) for r in outline.exteriors),
        "feret_max_px": largest,
        "feret_min_px": smallest,
    }


def _lamina_row(lamina: Lamina) -> Row:
    size = lamina_size(lamina)
    margin = describe_margin(lamina)
    down, right = lamina.axis.direction
    return {
        "length_px": size.length.size,
        "width_px": size.width.size,
        "length_width_ratio": size.length.size / size.width.size,
        "axis_angle_deg": float(np.degrees(np.arctan2(-down, right))) % 180,
        "axis_source": lamina.axis.source,
        "mirror_overlap": lamina.axis.overlap,
        "sinuses": margin.sinuses,
        "lobes": margin.lobes,
        "teeth": margin.teeth,
        **_angle_row(lamina, size),
    }


def _angle_row(lamina: Lamina, size: Size) -> Row:
    """Name the ends apex and base only where a petiole tells them apart."""
    angles = end_angles(lamina, size)
    known = lamina.petiole is not None
    return {
        "base_angle_deg": angles.start if known else NAN,
        "apex_angle_deg": angles.end if known else NAN,
        "sharper_end_angle_deg": min(angles),
        "blunter_end_angle_deg": max(angles),
    }


def _petiole_row(lamina: Lamina, area: float) -> Row:
    petiole = lamina.petiole
    if petiole is None:
        return {
            "lamina_area_px": area,
            "petiole_length_px": NAN,
            "petiole_width_px": NAN,
        }
    return {
        "lamina_area_px": area - lamina.petiole_area,
        "petiole_length_px": petiole.length,
        "petiole_width_px": petiole.width,
    }


def _colour_row(mask: NDArray[np.bool_], picture: Any) -> Row:
    if picture is None:
        return dict.fromkeys(COLOUR_COLUMNS, NAN)
    return mean_colour(mask, picture)
