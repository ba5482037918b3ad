"""How well a leaf covers its own mirror image, for every axis through its centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ANGLES = 360
_RADII = 24


class MirrorOverlap:
    """Mirror overlap of a mask about axes through one point.

    The mask is sampled on a polar grid of 24 x 360 points. Mirroring about the
    axis at angle a maps angle t to 2 a - t, so the overlap for all axes at once is
    the circular self-convolution along the angle, summed over the radii weighted by
    their area; one FFT gives it.

    Parameters
    ----------
    mask : (H, W) bool
        The leaf.
    centre : (2,) float
        y, x in px.
    radius : float
        Distance from the centre to the farthest point, px.
    """

    def __init__(
        self, mask: NDArray[np.bool_], centre: NDArray[np.float64], radius: float
    ) -> None:
        radii = (np.arange(_RADII, dtype=np.float64) + 0.5) * (radius / _RADII)
        polar = _polar(mask, centre, radii)
        spectrum = np.fft.rfft(polar, axis=1)
        mirrored = np.fft.irfft(spectrum**2, _ANGLES, axis=1)
        total = max(float(radii @ polar.sum(axis=1)), 1e-9)
        self._overlap = (radii @ mirrored) / total

    def at(self, direction: NDArray[np.float64]) -> float:
        """Share of the leaf (0..1) that its mirror image about this axis covers."""
        return float(self._overlap[round(2 * _degrees(direction)) % _ANGLES])

    @property
    def best(self) -> float:
        """Overlap about the best axis."""
        return float(self._overlap.max())

    def best_directions(self, slack: float = 0.0) -> NDArray[np.float64]:
        """Return unit vectors (N, 2) along the axes within `slack` of the best."""
        turns = np.flatnonzero(self._overlap >= self.best - slack) / 2
        return np.stack([_unit(float(turn)) for turn in turns])

    def best_near(
        self, direction: NDArray[np.float64], within: float, cost: float
    ) -> NDArray[np.float64]:
        """Best axis within some degrees of a direction.

        Parameters
        ----------
        direction : (2,) float
            Where to look, y, x.
        within : float
            Degrees to either side.
        cost : float
            Overlap an axis must gain to be taken at that angle; less is asked,
            by the square, of nearer ones.

        Returns
        -------
        (2,) float
            Unit vector on the same side as `direction`.
        """
        start = _degrees(direction)
        turns = np.arange(-within, within + 0.25, 0.5)
        at = np.rint(2 * (start + turns)).astype(int) % _ANGLES
        worth = self._overlap[at] - cost * (turns / within) ** 2
        return _unit(start + float(turns[worth.argmax()]))


def _polar(
    mask: NDArray[np.bool_], centre: NDArray[np.float64], radii: NDArray[np.float64]
) -> NDArray[Any]:
    turn = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    y = np.rint(centre[0] + radii[:, None] * np.sin(turn)).astype(int)
    x = np.rint(centre[1] + radii[:, None] * np.cos(turn)).astype(int)
    inside = (y >= 0) & (y < mask.shape[0]) & (x >= 0) & (x < mask.shape[1])
    polar = np.zeros(y.shape)
    polar[inside] = mask[y[inside], x[inside]]
    return polar


def _degrees(direction: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(direction[0], direction[1])))


def _unit(degrees: float) -> NDArray[np.float64]:
    turn = np.radians(degrees)
    return np.array([np.sin(turn), np.cos(turn)])
