"""Training pairs from COCO JSON, as annotation tools and our own export write it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_herbarium.errors import DataError
from napari_herbarium.train.pairs.pair import Pair, read_json
from napari_herbarium.train.pairs.polygons import Polygon, Polygons

LEAF_NAMES = frozenset(["leaf", "leaves", "lamina"])
"""Categories that are leaf where a file has others, too; in any case."""
_MOST_FAULTS = 20


def pairs_from_coco(path: Path, images: Path) -> list[Pair]:
    """Make a pair of every picture that a COCO file names.

    Where all annotations have one category, they are leaves whatever it is called; of
    several, those in `LEAF_NAMES` are leaves and others count as background. Crowds
    are ignored pixels.

    Parameters
    ----------
    path : path
        The JSON file: ``images`` with ``id``, ``file_name``, ``height``, ``width``,
        and ``annotations`` with ``image_id`` and ``segmentation`` (polygons, or
        uncompressed run lengths).
    images : path
        Folder that the file names are in. What is not there is looked for beside the
        file, in ``images`` beside the file's folder, and beside that.

    Returns
    -------
    list of Pair
        In the order of the file. Outlines are drawn when the masks are opened.

    Raises
    ------
    DataError
        No such file, or not COCO; the message lists all that is wrong with it.
    """
    path = Path(path)
    content = read_json(path)
    faults: list[str] = []
    entries = _list_of(content, "images", path)
    known = _pictures(entries, _places(path, images), faults)
    leaves = _leaves_of(content, path, faults)
    faults += _without_picture(leaves, entries)
    for number, leaf in leaves:
        if str(leaf.get("image_id")) in known:
            faults += _added(known[str(leaf["image_id"])], number, leaf)
    _refuse(path, faults)
    return [picture.pair() for picture in known.values()]


@dataclass
class _Picture:
    """A picture of the file, which its leaves are added to."""

    path: Path
    shape: tuple[int, int]
    clear: list[Polygon] = field(default_factory=list)
    crowds: list[Polygon] = field(default_factory=list)
    runs: list[tuple[tuple[int, ...], bool]] = field(default_factory=list)

    def add(self, leaf: Mapping[str, Any]) -> None:
        outline, crowd = leaf.get("segmentation"), bool(leaf.get("iscrowd", 0))
        if isinstance(outline, Mapping):
            self.runs.append((_run_lengths(outline, self.shape), crowd))
        elif isinstance(outline, list) and outline:
            some = self.crowds if crowd else self.clear
            some.extend([_polygon(part) for part in outline])
        else:
            msg = "it has no outline"
            raise ValueError(msg)

    def pair(self) -> Pair:
        mask = Polygons(
            self.shape, tuple(self.clear), tuple(self.crowds), tuple(self.runs)
        )
        return Pair(self.path.stem, self.path, mask)


def _list_of(content: Any, key: str, path: Path) -> list[Any]:
    listed = content.get(key) if isinstance(content, Mapping) else None
    if isinstance(listed, list):
        return listed
    msg = f"{path} is no COCO file: it has no list {key!r}; export it as COCO."
    raise DataError(msg)


def _refuse(path: Path, faults: Sequence[str]) -> None:
    if not faults:
        return
    more = len(faults) - _MOST_FAULTS
    shown = [*faults[:_MOST_FAULTS], *([f"and {more} more."] if more > 0 else [])]
    msg = (
        f"{path} is no COCO file that can be used; put this right, and export "
        "polygons, or masks as uncompressed RLE:\n  " + "\n  ".join(shown)
    )
    raise DataError(msg)


def _places(path: Path, images: Path) -> list[Path]:
    """Folders that names may be in: those of the tools that we know of."""
    home = path.parent
    return [Path(images), home, home.parent / "images", home.parent]


def _pictures(
    entries: list[Any], places: Sequence[Path], faults: list[str]
) -> dict[str, _Picture]:
    """Give the pictures by id; add what is wrong with entries to the faults."""
    known: dict[str, _Picture] = {}
    for number, entry in enumerate(entries, 1):
        which = f"Image {_id_of(entry, number)}"
        try:
            key, picture = str(entry["id"]), _picture(entry, places)
        except (LookupError, TypeError, ValueError) as error:
            faults.append(f"{which}: {_why(error)}.")
            continue
        if key in known:
            faults.append(f"{which}: another image has the same id.")
        known[key] = picture
    return known


def _picture(entry: Mapping[str, Any], places: Sequence[Path]) -> _Picture:
    name = entry["file_name"]
    if not isinstance(name, str) or not name:
        msg = "its file_name is no name"
        raise ValueError(msg)
    shape = _whole(entry["height"], "height"), _whole(entry["width"], "width")
    if min(shape) < 1:
        msg = f"it cannot be {shape[1]} x {shape[0]} px"
        raise ValueError(msg)
    found = (place / name for place in places if _is_file(place / name))
    return _Picture(next(found, places[0] / name), shape)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than a name can be
        return False


def _whole(value: Any, what: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"its {what} is no number of px"
        raise ValueError(msg) from error


def _id_of(entry: Any, number: int) -> str:
    """Name an entry by its id; by its place where it has none."""
    if isinstance(entry, Mapping) and "id" in entry:
        return str(entry["id"])
    return f"no. {number}"


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(error) if type(error) is ValueError else "it is no entry of COCO"


def _leaves_of(
    content: Mapping[str, Any], path: Path, faults: list[str]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Give the annotations of leaves, each with its place in the file."""
    numbered = list(enumerate(_list_of(content, "annotations", path), 1))
    faults += [
        f"Annotation no. {number}: it is no entry of COCO."
        for number, entry in numbered
        if not isinstance(entry, Mapping)
    ]
    entries = [(n, entry) for n, entry in numbered if isinstance(entry, Mapping)]
    wanted = _leaf_categories(content, {_category(entry) for _, entry in entries})
    if isinstance(wanted, str):
        faults.append(wanted)
        return entries
    return [(n, entry) for n, entry in entries if _category(entry) in wanted]


def _category(annotation: Mapping[str, Any]) -> str:
    return str(annotation.get("category_id"))


def _leaf_categories(
    content: Mapping[str, Any], used: Collection[str]
) -> Collection[str] | str:
    """Choose the categories that are leaf; say so where that cannot be known."""
    if len(used) <= 1:
        return used
    names = {key: _names(content).get(key, key) for key in used}
    leaf = {key for key in used if names[key].strip().casefold() in LEAF_NAMES}
    if leaf:
        return leaf
    return (
        f"It has several categories ({', '.join(sorted(names.values()))}) and none of "
        "them is called leaf; rename the one that is, or export it alone."
    )


def _names(content: Mapping[str, Any]) -> dict[str, str]:
    listed = content.get("categories")
    entries = listed if isinstance(listed, list) else []
    return {
        str(entry["id"]): str(entry["name"])
        for entry in entries
        if isinstance(entry, Mapping) and {"id", "name"} <= entry.keys()
    }


def _without_picture(
    leaves: Sequence[tuple[int, Mapping[str, Any]]], images: list[Any]
) -> list[str]:
    """Say that leaves would be lost, all in one sentence."""
    listed = {_id_of(entry, number) for number, entry in enumerate(images, 1)}
    of = [str(leaf.get("image_id")) for _, leaf in leaves]
    lost = [image for image in of if image not in listed]
    if not lost:
        return []
    ids = sorted(set(lost))
    some = ", ".join(ids[:_MOST_FAULTS]) + (", ..." if len(ids) > _MOST_FAULTS else "")
    fault = (
        f"Images that it does not list have annotations ({len(lost)} in all; "
        f"image_id {some}); list these images or remove the annotations."
    )
    return [fault]


def _added(picture: _Picture, number: int, leaf: Mapping[str, Any]) -> list[str]:
    """Add a leaf to its picture; say what is wrong with it."""
    try:
        picture.add(leaf)
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        which = f"Annotation {_id_of(leaf, number)} of image {leaf['image_id']}"
        return [f"{which} ({picture.path.name}): {_why(error)}."]
    return []


def _polygon(numbers: list[float]) -> Polygon:
    if len(numbers) < 6 or len(numbers) % 2:
        msg = f"it has a polygon of {len(numbers)} numbers"
        raise ValueError(msg)
    values = [float(number) for number in numbers]
    if not all(map(math.isfinite, values)):
        msg = "it has a polygon with numbers that are not finite"
        raise ValueError(msg)
    return tuple(zip(values[::2], values[1::2], strict=True))


def _run_lengths(mask: Mapping[str, Any], shape: tuple[int, int]) -> tuple[int, ...]:
    if isinstance(mask["counts"], str):
        msg = "it is a compressed run-length mask"
        raise ValueError(msg)
    counts = tuple(int(count) for count in mask["counts"])
    if min(counts, default=0) < 0:
        msg = "it is a run-length mask with negative lengths"
        raise ValueError(msg)
    if sum(counts) != shape[0] * shape[1] or tuple(mask["size"]) != shape:
        msg = "it is a run-length mask of another size than its picture"
        raise ValueError(msg)
    return counts
