"""Sheets of other plants, without labels, so that a model does not unlearn those.

What the base model sees on them is trained on beside the corrected sheets (learning
without forgetting; Li and Hoiem 2016, arXiv:1606.09282).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import DataError, HerbariumError
from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.evaluate.pairs import files_by_stem
from napari_herbarium.progress import Job
from napari_herbarium.results import is_result
from napari_herbarium.settings import Device
from napari_herbarium.sheet.read import SUFFIXES
from napari_herbarium.train.crops.few_sheets import iter_seen, read_image
from napari_herbarium.train.pairs.pair import Pair, open_image
from napari_herbarium.train.pairs.picture import Picture, make_picture
from napari_herbarium.train.pairs.preflight import IMAGES, fault_of_size, refuse_faults

if TYPE_CHECKING:
    from napari_herbarium.model.checkpoint import LeafModel

MOST = 16
"""Sheets; looking at one takes seconds on a processor."""
SURE_NOT, SURE_LEAF = 40, 215
"""Probabilities, 0..255, beyond which a model is believed."""
_THIN_PX = 5
_SEED = 5


def find_other_sheets(folder: Path | None) -> Sequence[Path]:
    """Find the sheets in a folder, or in its ``images/`` where it has none itself.

    Labels, overlays and pictures of errors that our commands wrote there are left out.

    Parameters
    ----------
    folder : path or None
        None gives none.

    Raises
    ------
    DataError
        There is no such folder, or no sheet in it.
    """
    if folder is None:
        return ()
    for place in (Path(folder), Path(folder) / IMAGES):
        found = files_by_stem(place, SUFFIXES).values()
        # Two files of one name are one sheet saved twice.
        sheets = [files[0] for files in found if not is_result(files[0].name)]
        if sheets:
            return sheets
    msg = f"{folder} holds no sheets of other plants; choose a folder with some."
    raise DataError(msg)


def chosen_others(
    others: Sequence[Path], given: Collection[str], seed: int
) -> list[Pair]:
    """Choose up to `MOST` sheets at random; none that is given with its leaves.

    Parameters
    ----------
    others : sequence of path
    given : collection of str
        Names of the pairs.
    seed : int
        The same seed chooses the same ones.
    """
    left = [path for path in others if path.stem not in given]
    order = np.random.default_rng((seed, _SEED)).permutation(len(left))[:MOST]
    return [Pair(left[i].stem, left[i], None) for i in sorted(order)]


def refuse_bad_others(others: Sequence[Pair]) -> None:
    """Do nothing when all sheets can be opened.

    Raises
    ------
    DataError
        Some cannot; the message names all of them.
    """
    refuse_faults("Among the other sheets are bad ones", list(_faults(others)))


def _faults(others: Sequence[Pair]) -> Iterator[str]:
    for sheet in others:
        try:
            fault = fault_of_size(sheet.name, open_image(sheet).shape[:2])
        except HerbariumError as error:
            fault = str(error)
        if fault:
            yield fault


def iter_other(sheet: Pair, of: int, model: LeafModel, device: Device) -> Job[Picture]:
    """Read a sheet and take for its leaves what a model sees there.

    Parameters
    ----------
    sheet : Pair
        Its mask is not looked at.
    of : int
        Sheets in all that have to fit in memory.
    model : LeafModel
    device : Device
    """
    image = read_image(sheet, of)
    probability = yield from iter_seen(image, model, device)
    return make_picture(sheet.name, image, sure_mask(probability), levels=4)


def sure_mask(probability: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn probability into leaf or not, where that is sure, and along outlines.

    Parameters
    ----------
    probability : H x W uint8

    Returns
    -------
    H x W uint8
        0, 1 leaf, 255 ignored: unsure over more than the width of an outline.
    """
    from scipy.ndimage import binary_opening
    from skimage.morphology import dilation

    unsure = (probability > SURE_NOT) & (probability < SURE_LEAF)
    square = np.ones((_THIN_PX, _THIN_PX), bool)
    thick = dilation(binary_opening(unsure, square), square) & unsure
    mask = (probability >= 128).astype(np.uint8) * np.uint8(LEAF)
    mask[thick] = IGNORED
    return mask
