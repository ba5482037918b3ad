"""Which outlines are taken as whole leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_herbarium.train.whole.silhouettes import (
    LONG_SIDE,
    make_silhouette,
    species_of,
)


def leaf_with_petiole():
    y, x = np.mgrid[:200, :200]
    mask = ((y - 70) / 65) ** 2 + ((x - 100) / 40) ** 2 < 1
    mask[130:190, 98:102] = True
    return mask


def test_petiole_is_in_the_leaf_and_not_in_the_lamina():
    found = make_silhouette("a", "b", leaf_with_petiole())
    assert found is not None
    assert found.leaf.shape[0] == LONG_SIDE
    long = np.flatnonzero(found.lamina.any(1))
    assert np.ptp(long) == pytest.approx(LONG_SIDE * 130 / 185, rel=0.06)


@pytest.mark.parametrize("part", [slice(0, 100), slice(60, 61)], ids=["cut", "line"])
def test_incomplete_outlines_are_left_out(part):
    y, x = np.mgrid[:200, :200]
    disc = (y - 100) ** 2 + (x - 100) ** 2 < 90**2
    disc[:, : part.start] = disc[:, part.stop :] = False
    assert make_silhouette("a", "b", disc) is None


def test_pieces_are_left_out():
    mask = leaf_with_petiole()
    mask[60:75] = False
    assert make_silhouette("a", "b", mask) is None


@pytest.mark.parametrize(
    ("path", "species"),
    [
        ("silhouettes/kew/acer-rubrum__12.png", "kew-acer-rubrum"),
        ("silhouettes/passiflora/leaf_outlines__Pact1_10.png", "passiflora-Pact"),
        ("leaves/masks/flavia-ginkgo-biloba_3.png", "flavia-ginkgo-biloba"),
    ],
)
def test_species_by_file_name(path, species):
    assert species_of(Path(path)) == species
