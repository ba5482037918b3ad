"""Elliptic Fourier descriptors of a leaf's outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyefd import elliptic_fourier_descriptors

from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.shape.outline import Ring, closed

_FEWEST_POINTS = 8
_LETTERS = "abcd"


def elliptic_fourier(ring: Ring, harmonics: int = 20) -> NDArray[np.float64]:
    """Return the elliptic Fourier descriptors of an outline.

    Kuhl and Giardina 1982, by the library pyefd; size, rotation, start point and
    direction are taken out.

    Parameters
    ----------
    ring : (N, 2) float
        Outline, y, x in px.
    harmonics : int
        Number of ellipses, at least 1.

    Returns
    -------
    (harmonics, 4) float
        Coefficients a, b, c, d of each harmonic, of x and y; NaN for an outline of
        fewer than 8 points.

    Raises
    ------
    SettingsError
        When `harmonics` is less than 1.
    """
    if harmonics < 1:
        msg = f"{harmonics} harmonics describe no outline; ask for at least 1."
        raise SettingsError(msg)
    if len(ring) < _FEWEST_POINTS:
        return np.full((harmonics, 4), np.nan)
    points = closed(ring)[:, ::-1]
    descriptors: NDArray[np.float64] = elliptic_fourier_descriptors(
        points, order=harmonics, normalize=True
    )
    return _one_way_round(descriptors)


def _one_way_round(descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose between the two ways round that the first ellipse leaves open.

    Half a turn of the outline changes the sign of every coefficient, and beginning at
    its other end that of the odd harmonics. So the first ellipse's long half-axis is
    given as 1, and the largest coefficient of the second harmonic as positive.
    """
    turned = descriptors * np.sign(descriptors[0, 0])
    if len(turned) > 1:
        second = turned[1]
        turned[1::2] *= np.sign(second[np.abs(second).argmax()]) or 1.0
    return turned


def fourier_columns(ring: Ring, harmonics: int) -> dict[str, float]:
    """Return normalised descriptors as columns ``efd_a1``, ``efd_b1`` ..."""
    if harmonics == 0:
        return {}
    coefficients = elliptic_fourier(ring, harmonics)
    return {
        f"efd_{letter}{n}": float(coefficients[n - 1, i])
        for n in range(1, harmonics + 1)
        for i, letter in enumerate(_LETTERS)
    }
