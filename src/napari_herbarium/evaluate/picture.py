"""Show where a model is wrong: missed leaf blue, ground taken for leaf red."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.files import replacing
from napari_herbarium.segment.pixels import SheetRows

LONG_SIDE = 2000
FALSE, MISSED, HIT, UNSAID = (255, 0, 0), (0, 60, 255), (0, 170, 60), (128, 128, 128)
STRONG, FAINT = 0.75, 0.15
_BAND = 64


def draw_errors(image: Any, predicted: NDArray, truth: NDArray) -> NDArray[np.uint8]:
    """Tint a sheet by what was found, missed and wrongly taken.

    Parameters
    ----------
    image : H x W x 3 uint8 array-like
    predicted : H x W, any dtype
        Leaf wherever it is not 0.
    truth : H x W uint8
        0 not leaf, 1 leaf, 255 ignored.

    Returns
    -------
    H x W x 3 uint8
        Found leaf faintly green, missed leaf blue, false leaf red, ignored grey.
    """
    leaf, true = predicted != 0, truth == 1
    picture = np.asarray(image, np.uint8).copy()
    _tint(picture, leaf & true, HIT, FAINT)
    _tint(picture, ~leaf & true, MISSED, STRONG)
    _tint(picture, leaf & (truth == 0), FALSE, STRONG)
    _tint(picture, truth == IGNORED, UNSAID, STRONG)
    return picture


def write_errors(path: Path, image: Any, predicted: NDArray, truth: NDArray) -> None:
    """Write `draw_errors` as a PNG of at most 2000 px.

    Raises
    ------
    HerbariumError
        The file cannot be written.
    """
    picture = _reduced(image, predicted, truth)
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    with replacing(path) as temporary:
        picture.save(temporary)


def _reduced(image: Any, predicted: NDArray, truth: NDArray) -> Image.Image:
    """Draw the errors at two to four times the size wanted, or less where that is all.

    In bands, as drawing on an A3 sheet at once took 2.7 GiB.
    """
    height, width = truth.shape
    factor = max(1, max(truth.shape) // (2 * LONG_SIDE))
    picture = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = SheetRows(image)
    for top in range(0, height, _BAND * factor):
        band = slice(top, top + _BAND * factor)
        sheet = rows.read(band.start, band.stop)
        drawn = draw_errors(sheet, predicted[band], truth[band])
        picture.paste(Image.fromarray(drawn).reduce(factor), (0, top // factor))
    return picture


def _tint(
    picture: NDArray[np.uint8],
    where: NDArray[np.bool_],
    colour: tuple[int, int, int],
    weight: float,
) -> None:
    picture[where] = picture[where] * (1 - weight) + np.array(colour) * weight
