"""What a seam network says of a patch and of its pieces."""

import numpy as np
import pytest
from skimage.draw import ellipse

from napari_herbarium.model.seam_network import pair_steps
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.touching.apart import (
    Apart,
    bundled_seam_model,
    look_apart,
)
from napari_herbarium.segment.touching.patch_view import MARGIN, patch_view
from napari_herbarium.segment.touching.pieces import piece_tree


def halves(logit, height=50, width=60):
    pieces = np.ones((height, width), np.int32)
    pieces[:, width // 2 :] = 2
    said = np.full((len(pair_steps()), height, width), logit, np.float32)
    return Apart(said), pieces


def test_pairs_between_two_pieces_are_summed_up():
    apart, pieces = halves(3.0)
    ((both, (total, count)),) = apart.between(pieces).items()
    assert both == (1, 2)
    # A pair that is 2 s wide lies across the border from 2 s places in each row.
    expected = sum(
        2 * abs(right) * (50 - 2 * down) for down, right in pair_steps() if right
    )
    assert count == expected
    assert total == pytest.approx(3 * count)


def test_one_point_however_sure_does_not_outweigh_a_border():
    apart, pieces = halves(-1.0)
    apart.logits[:, 25, 30] = 1000
    ((total, count),) = apart.between(pieces).values()
    assert total / count < 0


def test_what_is_outside_says_nothing():
    apart, pieces = halves(3.0)
    pieces[:, 20:40] = 0
    assert apart.between(pieces) == {}


def test_a_patch_that_is_narrower_than_the_pairs_are_wide():
    apart, pieces = halves(3.0, height=6, width=8)
    ((_, count),) = apart.between(pieces).values()
    assert count > 0


def test_leaves_may_meet_where_the_nearest_pairs_are_apart():
    apart, _ = halves(-6.0)
    apart.logits[1, 10, 10] = 6
    apart.logits[9, 20, 20] = 6
    seam = apart.seam()
    assert seam[10, 10] > 0.99
    assert seam[20, 20] < 0.01


def test_a_seam_parts_what_has_no_neck():
    apart, pieces = halves(-6.0)
    for logits, (_, right) in zip(apart.logits, pair_steps(), strict=True):
        logits[:, 30 - abs(right) : 30 + abs(right)] = 6
    mask = np.pad(pieces > 0, 1)
    framed = Apart(np.pad(apart.logits, ((0, 0), (1, 1), (1, 1))))
    tree = piece_tree(mask, 20, framed)
    assert len(tree.parts) == 1
    (border,) = tree.borders.values()
    assert border.mean_apart() > 0
    assert piece_tree(mask, 20) is None


def two_on_each_other():
    """Give a picture of two leaves of unlike tone, their mask, and the upper one."""
    image = np.full((211, 333, 3), 238, np.uint8)
    below, above = np.zeros((2, 211, 333), bool)
    below[ellipse(100, 110, 60, 80)] = True
    above[ellipse(100, 215, 60, 80)] = True
    image[below], image[above] = (90, 110, 60), (130, 140, 90)
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    return (image + noise).astype(np.uint8), below | above, above


def test_the_bundled_network_sees_the_edge_of_the_upper_leaf():
    image, mask, above = two_on_each_other()
    box = (slice(40, 161), slice(30, 296))
    view = patch_view(SheetRows(image), box, mask[box])
    seam = look_apart(view.image, view.mask).seam()
    assert seam.shape == view.mask.shape
    # The upper leaf's left tip, and a place inside either leaf.
    at = [(60, 105), (60, 40), (60, 210)]
    tip, *inside = (
        seam[tuple(int(MARGIN + place * view.zoom) for place in point)] for point in at
    )
    assert above[box][60, 106]
    assert not above[box][60, 104]
    assert tip > 0.5
    assert max(inside) < 0.1


def test_the_bundled_network_is_small():
    size = sum(p.numel() for p in bundled_seam_model().network.parameters())
    assert size < 1_200_000
