"""Where leaves meet, as a network sees it that was taught to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class Seams:
    """How probable it is, all over a sheet, that two leaves meet.

    Attributes
    ----------
    probability : h x w uint8
        0..255 stands for 0..1, at a resolution of its own.
    px_y, px_x : float
        Sheet pixels per pixel of it.
    """

    probability: NDArray[np.uint8]
    px_y: float
    px_x: float

    def at(
        self, rows: NDArray[np.floating], columns: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Give the probability, 0 to 1, on a grid of places.

        Parameters
        ----------
        rows, columns : (H,) and (W,) float
            In px of the sheet.

        Returns
        -------
        H x W float32
        """
        grid = np.meshgrid(
            (rows + 0.5) / self.px_y - 0.5,
            (columns + 0.5) / self.px_x - 0.5,
            indexing="ij",
        )
        seen = ndimage.map_coordinates(
            self.probability, grid, np.float32, order=1, mode="nearest"
        )
        return np.asarray(seen / np.float32(255))
