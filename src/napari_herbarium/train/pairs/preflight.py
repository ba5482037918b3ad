"""Find training pairs, and say everything that is wrong with them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from napari_herbarium import words
from napari_herbarium.errors import DataError, HerbariumError
from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.pairs import MASK_SUFFIXES, doubles_in, files_by_stem
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.sheet.read import SUFFIXES
from napari_herbarium.train.pairs.coco import pairs_from_coco
from napari_herbarium.train.pairs.pair import Pair, open_image, open_mask
from napari_herbarium.train.pairs.polygons import Polygons

IMAGES, MASKS = "images", "masks"
SMALLEST = 64
_BAND = 512


def training_pairs_at(place: Path) -> list[Pair]:
    """Find pairs in a folder, or those that a COCO file names.

    Parameters
    ----------
    place : path
        A folder for `find_training_pairs`; or a COCO JSON file, whose pictures lie in
        a folder ``images`` beside it or beside it themselves, or one folder higher.

    Raises
    ------
    DataError
        There is nothing of the kind.
    """
    place = Path(place)
    if place.suffix.lower() == ".json":
        beside = place.parent / IMAGES
        return pairs_from_coco(place, beside if beside.is_dir() else place.parent)
    return find_training_pairs(place)


def find_training_pairs(folder: Path) -> list[Pair]:
    """Join the sheets in ``images/`` and the masks in ``masks/`` by stem.

    Parameters
    ----------
    folder : path
        As `napari_herbarium.train.pairs.folder.save_pair` fills it: any sheet that
        `read_sheet` opens, and PNG or TIFF masks.

    Returns
    -------
    list of Pair
        In the order of the stems. What has no partner, or more than one file, is
        among them, for `check_pairs` to report.

    Raises
    ------
    DataError
        The folder has no ``images/`` with sheets in it.
    """
    folder = Path(folder)
    images = files_by_stem(folder / IMAGES, SUFFIXES)
    masks = files_by_stem(folder / MASKS, MASK_SUFFIXES)
    if not images:
        msg = (
            f"{folder} holds no training pairs; it needs {IMAGES}/ with sheets and "
            f"{MASKS}/ with a PNG or TIFF mask of the same name for each."
        )
        raise DataError(msg)
    stems = sorted(images.keys() | masks.keys())
    return [_stored(stem, images.get(stem, []), masks.get(stem, [])) for stem in stems]


def _stored(name: str, images: Sequence[Path], masks: Sequence[Path]) -> Pair:
    return Pair(
        name,
        images[0] if images else None,
        masks[0] if masks else None,
        tuple(doubles_in((images, masks))),
    )


def check_pairs(pairs: Sequence[Pair]) -> list[str]:
    """Find what is wrong with pairs, without decoding the sheets.

    Checked are: no sheet, no mask, files that cannot be read, masks in colour or with
    other than whole numbers, masks without leaf, sizes that differ, sheets smaller
    than 64 px, names that occur twice, sheets or masks of one name. Labels with a
    number per leaf are fine.

    Parameters
    ----------
    pairs : sequence of Pair
        Every mask is read; of the sheets only as much as gives their size.

    Returns
    -------
    list of str
        One sentence per fault, in the order of the pairs; empty when all is well.
    """
    return [*_faults_of_all(pairs), *chain(*map(_faults_of, pairs))]


def iter_refuse_bad_pairs(pairs: Sequence[Pair]) -> Iterator[int]:
    """Do nothing when all pairs are well, the last row of every sheet included.

    Yields
    ------
    int
        How many pairs were looked at, which takes a second for a large sheet.

    Raises
    ------
    DataError
        Something is wrong; the message lists all of it.
    """
    faults = list(_faults_of_all(pairs))
    for done, pair in enumerate(pairs, start=1):
        faults += _faults_of(pair, decode=True)
        yield done
    refuse_faults("These pairs cannot be trained on", faults)


def refuse_faults(what: str, faults: Sequence[str]) -> None:
    """Do nothing when there are no faults.

    Raises
    ------
    DataError
        There are; the message says what cannot be and lists all of them.
    """
    if faults:
        listed = "\n  ".join(faults)
        msg = f"{what}; nothing was started:\n  {listed}"
        raise DataError(msg)


def _faults_of_all(pairs: Sequence[Pair]) -> Iterator[str]:
    if not pairs:
        yield "There are no pairs; add at least one sheet with its leaves."
    for name, times in Counter(pair.name for pair in pairs).items():
        if times > 1:
            yield f"{name} is there {times} times; give each sheet its own name."


def _faults_of(pair: Pair, *, decode: bool = False) -> Iterator[str]:
    known = words.printable(pair.name)
    if known != pair.name:
        # The split is written down by names, and text cannot hold this one.
        yield f"{known} has a name with bytes that are no UTF-8: rename it."
        return
    for files in pair.doubles:
        yield f"There are both {files}; keep the one that belongs to the pair."
    shape = yield from _faults_of_image(pair, decode=decode)
    yield from _faults_of_mask(pair, shape)


def _faults_of_image(
    pair: Pair, *, decode: bool
) -> Generator[str, None, tuple[int, ...] | None]:
    """Give the size of the sheet too, where it is known."""
    shape = None
    try:
        image = open_image(pair)
        shape = tuple(image.shape[:2])
        if decode:
            _decode(image)
    except HerbariumError as error:
        yield _named(pair, error)
    small = shape and fault_of_size(pair.name, shape)
    if small:
        yield small
    return shape


def _faults_of_mask(pair: Pair, shape: tuple[int, ...] | None) -> Iterator[str]:
    if isinstance(pair.mask, Polygons) and shape != pair.mask.shape:
        # Not drawn: a size that is wrong may be larger than any memory.
        if shape is not None:
            yield _fault_of_sizes(pair.name, pair.mask.shape, shape)
        return
    try:
        mask = open_mask(pair)
    except HerbariumError as error:
        yield _named(pair, error)
        return
    if not np.any(mask == LEAF):
        yield f"The mask of {pair.name} is empty; mark its leaves or leave it out."
    if shape is not None and mask.shape != shape:
        yield _fault_of_sizes(pair.name, mask.shape, shape)


def _fault_of_sizes(name: str, mask: tuple[int, ...], sheet: tuple[int, ...]) -> str:
    return (
        f"The mask of {name} is {_size(mask)} px but its sheet is {_size(sheet)} px; "
        "save them at the same size."
    )


def _decode(image: Any) -> None:
    """Look at every pixel of a lazy sheet once, and keep none of them."""
    if isinstance(image, np.ndarray):
        return
    rows = SheetRows(image)
    for top in range(0, rows.height, _BAND):
        rows.read(top, top + _BAND)


def fault_of_size(name: str, shape: tuple[int, ...]) -> str:
    """Say that a sheet is too small; empty when it is not."""
    if min(shape) >= SMALLEST:
        return ""
    return f"{name} is {_size(shape)} px; sheets need {SMALLEST} px a side."


def _named(pair: Pair, error: HerbariumError) -> str:
    text = str(error)
    return text if pair.name in text else f"{pair.name}: {text}"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
