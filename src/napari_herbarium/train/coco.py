"""Training pairs from COCO JSON, as annotation tools and our own export write it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_herbarium.errors import SheetError
from napari_herbarium.train.pair import Pair, read_json
from napari_herbarium.train.polygons import Polygon, Polygons


def pairs_from_coco(path: Path, images: Path) -> list[Pair]:
    """Make a pair of every picture that a COCO file names.

    Every annotation is a leaf, whatever its category; crowds are ignored pixels.

    Parameters
    ----------
    path : path
        The JSON file: ``images`` with ``id``, ``file_name``, ``height``, ``width``,
        and ``annotations`` with ``image_id`` and ``segmentation`` (polygons, or
        uncompressed run lengths).
    images : path
        Folder that the file names are in.

    Returns
    -------
    list of Pair
        In the order of the file. Outlines are drawn when the masks are opened.

    Raises
    ------
    SheetError
        No such file, or not COCO.
    """
    content = read_json(Path(path))
    try:
        leaves = _by_image(content["annotations"])
        return [
            _pair(entry, leaves.get(entry["id"], []), Path(images))
            for entry in content["images"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = (
            f"{path} is no COCO file that can be used ({type(error).__name__}: "
            f"{error}); export polygons, or masks as uncompressed RLE."
        )
        raise SheetError(msg) from error


def _by_image(annotations: list[Mapping[str, Any]]) -> dict[Any, list[Mapping]]:
    found: dict[Any, list[Mapping]] = defaultdict(list)
    for annotation in annotations:
        found[annotation["image_id"]].append(annotation)
    return found


def _pair(entry: Mapping[str, Any], leaves: list[Mapping], folder: Path) -> Pair:
    path = folder / entry["file_name"]
    shape = int(entry["height"]), int(entry["width"])
    clear: list[Polygon] = []
    crowds: list[Polygon] = []
    runs: list[tuple[tuple[int, ...], bool]] = []
    for leaf in leaves:
        outline, crowd = leaf["segmentation"], bool(leaf.get("iscrowd", 0))
        if isinstance(outline, Mapping):
            runs.append((_run_lengths(outline, shape), crowd))
        else:
            (crowds if crowd else clear).extend(_polygon(part) for part in outline)
    return Pair(
        path.stem, path, Polygons(shape, tuple(clear), tuple(crowds), tuple(runs))
    )


def _polygon(numbers: list[float]) -> Polygon:
    if len(numbers) < 6 or len(numbers) % 2:
        msg = f"a polygon of {len(numbers)} numbers"
        raise ValueError(msg)
    values = [float(number) for number in numbers]
    return tuple(zip(values[::2], values[1::2], strict=True))


def _run_lengths(mask: Mapping[str, Any], shape: tuple[int, int]) -> tuple[int, ...]:
    if isinstance(mask["counts"], str):
        msg = "a compressed run-length mask"
        raise ValueError(msg)
    counts = tuple(int(count) for count in mask["counts"])
    if sum(counts) != shape[0] * shape[1] or tuple(mask["size"]) != shape:
        msg = "a run-length mask of another size than its picture"
        raise ValueError(msg)
    return counts
