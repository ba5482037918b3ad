"""Seams that the model sees: looked up at any resolution, and cut along."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import ellipse

from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.segment.seams import Seams
from napari_herbarium.settings import LeafSettings

JUDGE = LeafSettings(touching="judge")


def test_seams_are_looked_up_at_the_places_of_the_sheet():
    # A ramp: bilinear gives it back exactly, at twice and at half the resolution.
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (8, 1))
    seams = Seams(ramp, px_y=2.0, px_x=4.0)
    columns = np.array([1.5, 5.5, 7.5, 21.5])
    seen = seams.at(np.array([0.5, 7.0]), columns)
    assert seen.shape == (2, 4)
    np.testing.assert_allclose(seen[0] * 255, [0, 10, 15, 50], atol=1e-3)
    np.testing.assert_array_equal(seen[0], seen[1])


def test_beyond_the_edge_is_what_lies_at_the_edge():
    seams = Seams(np.array([[0, 255]], np.uint8), 10.0, 10.0)
    assert seams.at(np.array([-3.0, 12.0]), np.array([-9.0, 90.0])).tolist() == [
        [0, 1],
        [0, 1],
    ]


def heap(factor=1):
    """A leaf on half of another, so that the two have no neck: and their seam."""
    shape = (200 * factor, 320 * factor)
    below, above = np.zeros(shape, bool), np.zeros(shape, bool)
    size = 60 * factor, 80 * factor
    below[ellipse(100 * factor, 120 * factor, *size)] = True
    above[ellipse(100 * factor, 190 * factor, *size)] = True
    below &= ~above
    from scipy.ndimage import binary_dilation

    seam = binary_dilation(above, iterations=2 * factor) & below
    seam |= binary_dilation(below, iterations=2 * factor) & above
    return below, above, seam


def probability(*leaves):
    return np.any(leaves, axis=0) * np.uint8(255)


def told(seam, sure=0.95, reduced=1):
    seen = (seam[::reduced, ::reduced] * 255 * sure).astype(np.uint8)
    return Seams(seen, reduced, reduced)


def agreement(labels, leaf):
    mine = labels == np.bincount(labels[leaf]).argmax()
    return (mine & leaf).sum() / (mine | leaf).sum()


@pytest.mark.parametrize(("factor", "reduced"), [(1, 1), (4, 3)])
def test_leaves_are_cut_along_a_seam_where_nothing_else_shows_it(factor, reduced):
    below, above, seam = heap(factor)
    seams = told(seam, reduced=reduced)
    labels = extract_leaves(probability(below, above), JUDGE, seams=seams)
    assert labels.max() == 2
    assert min(agreement(labels, leaf) for leaf in (below, above)) > 0.95
    uncut = LeafSettings(touching="keep")
    assert extract_leaves(probability(below, above), uncut, seams=seams).max() == 1


def test_without_a_seam_the_same_shape_stays_one():
    below, above, seam = heap()
    none = told(np.zeros_like(seam))
    faint = told(seam, sure=0.2)
    for seams in (None, none, faint):
        assert extract_leaves(probability(below, above), JUDGE, seams=seams).max() == 1


def test_a_seam_with_a_gap_still_tells():
    below, above, seam = heap()
    seam[92:104] = False
    labels = extract_leaves(probability(below, above), JUDGE, seams=told(seam))
    assert labels.max() == 2
    assert min(agreement(labels, leaf) for leaf in (below, above)) > 0.9


def test_a_short_line_such_as_a_fold_cuts_nothing():
    below, above, seam = heap()
    seam[70:] = False
    assert extract_leaves(probability(below, above), JUDGE, seams=told(seam)).max() == 1
