"""The mirror image of an outline: known answers on an ellipse."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.measure.whole.mirror import mirror

SIZE = 128


def leaf(angle=0.0, kept=1.0):
    """Draw an ellipse, without what lies across its axis beyond a share of it."""
    t = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    along, across = 50 * np.cos(t), np.minimum(22 * np.sin(t), 22 * kept)
    turn = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-turn[1], turn[0]])
    points = 64 + along[:, None] * turn + across[:, None] * side
    grid = np.stack(np.mgrid[:SIZE, :SIZE], -1) - 64
    inside = (grid @ turn / 50) ** 2 + (grid @ side / 22) ** 2 < 1
    own = inside & (grid @ side < 22 * kept)
    return points, own.astype(np.uint8) * 255


@pytest.mark.parametrize("angle", [0, 0.4, 1.3, 2.5])
def test_an_ellipse_is_its_own_mirror_image(angle):
    found = mirror(*leaf(angle))
    assert found.misfit < 0.01
    assert np.abs(found.inside).max() < 0.03


def test_points_are_told_where_they_are_on_the_axis():
    points, own = leaf(kept=0.5)
    found = mirror(points, own)
    # Of an ellipse cut along its length, only the short axis is left.
    assert np.ptp(found.along) == pytest.approx(33 / SIZE, abs=0.02)
    assert np.ptp(found.across) == pytest.approx(100 / SIZE, abs=0.02)


def test_partner_lies_on_the_other_side():
    found = mirror(*leaf(0.4))
    far = np.abs(found.across) > 0.05
    apart = found.across[far] + found.across[found.partner[far]]
    assert np.abs(apart).max() < 0.03


def test_a_piece_missing_on_one_side_shows_opposite_to_it():
    points, own = leaf()
    bite = np.hypot(points[:, 0] - 84, points[:, 1] - 82) < 14
    assert bite.any()
    y, x = np.mgrid[:SIZE, :SIZE]
    hollow = own * (np.hypot(y - 84, x - 82) >= 14)
    bitten = points[~bite]
    found = mirror(bitten, hollow.astype(np.uint8))
    assert found.misfit > mirror(points, own).misfit
    worst = bitten[found.inside.argmin()]
    # An ellipse has two axes of symmetry.
    opposite = np.array([[84, 46], [44, 82]])
    assert np.hypot(*(opposite - worst).T).min() < 16


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_and_everything_are_read_without_a_fault(value):
    points = np.column_stack([np.linspace(0, 1, 8), np.zeros(8)])
    found = mirror(points, np.full((32, 32), value, np.uint8))
    assert np.isfinite([found.misfit, *found.inside, *found.along]).all()
