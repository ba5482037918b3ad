from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from napari_herbarium.segment import colours
from napari_herbarium.segment.colours import ColourLook
from napari_herbarium.segment.levels import CoarseMap, LevelRows, reduced_level
from napari_herbarium.segment.pixels import SheetRows

PAPER, LEAF = (225, 215, 190), (110, 100, 60)


def disc(size: int, centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.ogrid[:size, :size]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


def picture(leaf: np.ndarray, tone: tuple[int, int, int] = LEAF) -> np.ndarray:
    rng = np.random.default_rng(0)
    flat = np.where(leaf[..., None], np.uint8(tone), np.uint8(PAPER))
    return (flat + rng.normal(0, 6, flat.shape)).clip(0, 255).astype(np.uint8)


def half_map(leaf: np.ndarray, sure: float) -> CoarseMap:
    """Logits at half the size, -sure to sure over a few px along the outline."""
    share = torch.from_numpy(leaf.astype(np.float32))[None, None]
    share = torch.nn.functional.avg_pool2d(share, 2, ceil_mode=True)
    share = torch.nn.functional.avg_pool2d(share, 5, 1, 2, count_include_pad=False)
    values = ((share * 2 - 1) * sure)[0, 0].half()
    return CoarseMap(values, reduced_level(*leaf.shape, 2))


def looked(known: CoarseMap, image: np.ndarray, cut: float = 0) -> np.ndarray:
    """Run to the end; also checks that each row is given once, in order."""
    rows = LevelRows(SheetRows(image), 1)
    look = ColourLook(known, rows, cut)
    parts: list[torch.Tensor] = []
    ends: list[tuple[int, int]] = []

    def emit(top: int, bottom: int, logits: torch.Tensor) -> None:
        ends.append((top, bottom))
        parts.append(logits.clone())

    assert sum(look.run(emit)) == look.count
    assert (ends[0][0], ends[-1][1]) == (0, len(image))
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    return torch.cat(parts).numpy()


def wrong(logits: np.ndarray, leaf: np.ndarray) -> int:
    return int(((logits >= 0) != leaf).sum())


def test_an_outline_that_is_some_pixels_off_is_drawn_where_the_colours_change():
    leaf = disc(601, (300, 290), 180)
    known = half_map(disc(601, (301, 290), 181), 5)
    before = torch.nn.functional.interpolate(
        known.values[None, None].float(), scale_factor=2, mode="bilinear"
    )[0, 0, :601, :601].numpy()
    after = looked(known, picture(leaf))
    assert wrong(after, leaf) < wrong(before, leaf) / 4


def test_what_the_map_is_sure_of_is_not_overruled_by_colour():
    """A patch in the colour of paper stays leaf, and a brown stem stays no leaf."""
    leaf = disc(500, (250, 250), 200)
    image = picture(leaf)
    image[240:260, 240:260] = PAPER
    image[20:480, 10:30] = LEAF
    after = looked(half_map(leaf, 5), image)
    assert (after[240:260, 240:260] > 4).all()
    assert (after[20:480, 10:30] < -4).all()


def test_where_leaf_and_ground_look_alike_the_map_stays_as_it_is():
    leaf = disc(400, (200, 200), 120)
    known = half_map(leaf, 5)
    plain = looked(known, np.full((400, 400, 3), 128, np.uint8))
    noisy = looked(known, picture(leaf, tone=PAPER))
    assert (plain[180:220, 180:220] > 4).all()
    assert np.abs(noisy - plain).max() < 0.5


def test_a_leaf_too_thin_to_tell_its_colour_is_left_alone():
    leaf = np.zeros((300, 300), bool)
    leaf[40:260, 150:153] = True
    known = half_map(leaf, 5)
    image = picture(leaf)
    assert np.array_equal(looked(known, image), looked(known, np.zeros_like(image)))


def test_the_outline_is_that_of_the_models_threshold():
    leaf = disc(400, (200, 200), 120)
    known = half_map(leaf, 5)
    known.values.add_(1.5)
    after = looked(known, picture(leaf), cut=1.5)
    assert wrong(after - 1.5, leaf) < 150


@pytest.mark.parametrize("block", [32, 50, 1000])
def test_blocks_leave_no_seam(monkeypatch, block):
    leaf = disc(401, (210, 180), 150)
    known = half_map(disc(401, (212, 180), 151), 5)
    image = picture(leaf)
    usual = looked(known, image)
    monkeypatch.setattr(colours, "_ROWS", block)
    monkeypatch.setattr(colours, "_COLUMNS", 2 * block)
    np.testing.assert_allclose(looked(known, image), usual, atol=1e-4)
