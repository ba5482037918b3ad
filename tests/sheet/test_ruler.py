"""Rulers of known scale are read, whatever else looks like one is refused."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import ndimage

from napari_herbarium.sheet.ruler import read_ruler

INCH = 25.4
PAPER, INK, MAT = 235.0, 40.0, 60.0


@dataclass
class Picture:
    """A sheet drawn in mm: 300 x 450 mm of mat with paper on it."""

    px_per_mm: float = 3.0
    width: float = 300.0
    height: float = 450.0
    grey: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        size = round(self.height * self.px_per_mm), round(self.width * self.px_per_mm)
        self.grey = np.full(size, MAT)
        self.box(8, 35, self.width - 16, self.height - 43, PAPER)

    def box(self, x: float, y: float, w: float, h: float, value: float) -> None:
        """Fill a rectangle given in mm, its borders exact to a part of a pixel."""
        covers, places = [], []
        for start, length, pixels in zip((y, x), (h, w), self.grey.shape, strict=True):
            edge = np.arange(pixels + 1) / self.px_per_mm
            inside = np.clip(edge, start, start + length)
            cover = np.diff(inside) * self.px_per_mm
            drawn = np.flatnonzero(cover)
            places.append(slice(drawn[0], drawn[-1] + 1) if len(drawn) else slice(0))
            covers.append(cover[places[-1]])
        part = self.grey[tuple(places)]
        part += np.outer(*covers) * (value - part)

    def image(self, turn: float = 0.0, blur: float = 0.5, noise: float = 3.0):
        """H x W x 3 uint8, turned by degrees, blurred and noisy."""
        grey = self.grey
        if turn == 90:
            grey = np.rot90(grey)
        elif turn:
            grey = ndimage.rotate(grey, turn, reshape=False, mode="nearest", order=1)
        grey = ndimage.gaussian_filter(grey, blur)
        grey = grey + np.random.default_rng(0).normal(0, noise, grey.shape)
        pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        return np.repeat(pixels[..., None], 3, axis=2)


def ticks(
    p: Picture, mark: float, count: int, lengths, y=8.0, up=False, ink=INK
) -> None:
    """Marks every `mark` mm; `lengths` maps every-so-many to a length in mm."""
    for k in range(count + 1):
        long = max(length for every, length in lengths.items() if k % every == 0)
        p.box(60 + k * mark - 0.12, y - long if up else y, 0.24, long, ink)


METRIC = {1: 2.5, 5: 3.8, 10: 5.2}
INCHES = {1: 2.0, 2: 2.8, 4: 3.8, 8: 4.8, 16: 6.0}


def metric_ruler(p: Picture, ink: float = INK, ground: float = 225.0) -> None:
    p.box(55, 7, 165, 24, ground)
    ticks(p, 1.0, 150, METRIC, ink=ink)
    writing(p, 60, 15, 150, ink)


def inch_ruler(p: Picture) -> None:
    p.box(55, 7, 165, 24, 225.0)
    ticks(p, INCH / 16, 96, INCHES, y=30, up=True)


def bar(p: Picture, cell: float = 10.0, y: float = 10.0, ruled: bool = True) -> None:
    """White on black: cells bright and dark in turn, the first cut into ten."""
    p.box(50, y - 3, 12 * cell, 20, 15.0)
    for k in range(11):
        p.box(55 + k * cell - 0.15, y, 0.3, 6, 210.0)
    for k in range(10):
        p.box(55 + k * cell, y + 6, cell, 3, 210.0 if k % 2 else 15.0)
    if ruled:
        for k in range(10):
            p.box(55 + k * cell / 10 - 0.15, y, 0.3, 6, 210.0)


def writing(p: Picture, x: float, y: float, width: float, ink: float = INK) -> None:
    """A line of type: letters at one pitch, each of its own strokes."""
    rng = np.random.default_rng(int(1000 * y))
    for left in np.arange(x, x + width, 2.1):
        for down in rng.uniform(0, 1.6, 2):
            p.box(left, y + down, rng.uniform(0.4, 1.6), 0.4, ink)
        p.box(left + rng.uniform(0, 1.2), y, 0.4, 2.0, ink)


def barcode(p: Picture, x: float = 40.0, y: float = 380.0) -> None:
    rng = np.random.default_rng(5)
    for left in np.flatnonzero(rng.integers(0, 2, 140)):
        p.box(x + left * 0.4, y, 0.4, 12, INK)


def fern(p: Picture) -> None:
    """Leaflets at one distance on both sides of a stalk, veins on each."""
    p.box(150, 80, 1.5, 240, 90.0)
    for k, y in enumerate(np.arange(85, 315, 7.3)):
        length = 60 - abs(k - 16) * 2.5
        p.box(150 - length, y, 2 * length, 4.6, 95.0)
        for x in np.arange(150 - length, 150 + length, 2.4):
            p.box(x, y, 0.3, 4.6, 70.0)


def _assert_reads(image, px_per_mm: float, within: float = 0.003) -> None:
    reading = read_ruler(image)
    assert reading.mm_per_px is not None, reading.reason
    assert reading.mm_per_px == pytest.approx(1 / px_per_mm, rel=within)


@pytest.mark.parametrize("px_per_mm", [2.6, 3.3, 4.7])
def test_millimetres_at_any_resolution(px_per_mm):
    p = Picture(px_per_mm)
    metric_ruler(p)
    _assert_reads(p.image(), px_per_mm)


@pytest.mark.parametrize("turn", [90, 1.5, -1.5])
def test_turned_ruler(turn):
    p = Picture(3.3)
    metric_ruler(p)
    _assert_reads(p.image(turn), 3.3)


def test_bright_marks_on_a_dark_ruler_blurred_and_noisy():
    p = Picture(3.3)
    metric_ruler(p, ink=200.0, ground=50.0)
    _assert_reads(p.image(blur=1.0, noise=8.0), 3.3)


@pytest.mark.parametrize("turn", [0, 90])
def test_inches_alone_are_known_by_their_halves(turn):
    p = Picture(3.0)
    inch_ruler(p)
    reading = read_ruler(p.image(turn))
    assert reading.unit == "1/16 inch"
    assert reading.mm_per_px == pytest.approx(1 / 3.0, rel=0.003)


def test_ruler_with_both_units_is_read_once():
    p = Picture(3.3)
    metric_ruler(p)
    ticks(p, INCH / 16, 96, INCHES, y=30, up=True)
    reading = read_ruler(p.image())
    assert reading.mm_per_px == pytest.approx(1 / 3.3, rel=0.003)
    assert "agree" in reading.reason


def test_marks_all_alike_are_known_by_the_other_unit_beside_them():
    p = Picture(3.3)
    p.box(55, 7, 215, 24, 225.0)
    ticks(p, INCH / 8, 64, {1: 2.5})
    ticks(p, 10.0, 20, {1: 5.0}, y=30, up=True)
    reading = read_ruler(p.image())
    assert reading.unit == "1/8 inch"
    assert reading.mm_per_px == pytest.approx(1 / 3.3, rel=0.003)


@pytest.mark.parametrize("turn", [0, 90, 1.0])
def test_bar_of_centimetres_in_a_small_scan(turn):
    p = Picture(1.5)
    bar(p)
    _assert_reads(p.image(turn), 1.5, within=0.005)


def test_bar_cut_into_millimetres():
    p = Picture(3.6)
    bar(p)
    reading = read_ruler(p.image())
    assert reading.unit == "cm"
    assert "millimetres" in reading.reason
    assert reading.mm_per_px == pytest.approx(1 / 3.6, rel=0.002)


def _nothing(p: Picture) -> None:
    pass


def _label(p: Picture) -> None:
    for y in np.arange(330, 425, 4.2):
        writing(p, 150, y, 120)


def _chart(p: Picture) -> None:
    for k, value in enumerate(np.linspace(20, 230, 24)):
        p.box(60 + 10 * (k % 12), 8 + 10 * (k // 12), 8, 8, value)


def _strip_of_patches(p: Picture) -> None:
    for k, value in enumerate(np.linspace(230, 20, 20)):
        p.box(40 + 10 * k, 8, 10, 12, value)


def _grid(p: Picture) -> None:
    for x in np.arange(0, 300, 3.0):
        p.box(x, 0, 1.2, 34, 30.0)


def _comb_without_long_marks(p: Picture) -> None:
    p.box(55, 7, 165, 24, 225.0)
    ticks(p, 1.0, 150, {1: 3.0})


def _threes(p: Picture) -> None:
    p.box(55, 7, 165, 24, 225.0)
    ticks(p, 1.0, 150, {1: 2.5, 3: 4.0, 9: 5.5})


@pytest.mark.parametrize(
    "trap",
    [
        _nothing,
        _label,
        barcode,
        fern,
        _chart,
        _strip_of_patches,
        _grid,
        _comb_without_long_marks,
        _threes,
    ],
)
def test_what_only_looks_like_a_ruler_gives_no_scale(trap):
    p = Picture(3.3)
    trap(p)
    reading = read_ruler(p.image())
    assert reading.mm_per_px is None
    assert reading.confidence == 0
    assert reading.reason.startswith("No scale from a ruler: ")


def test_plants_label_and_barcode_do_not_disturb_a_ruler():
    p = Picture(3.3)
    metric_ruler(p)
    for other in (_label, barcode, fern):
        other(p)
    _assert_reads(p.image(), 3.3)


@pytest.mark.parametrize("factor", [0.5, 2.0, 2.54])
def test_ruler_that_makes_an_impossible_sheet_is_not_believed(factor):
    p = Picture(3.3)
    p.box(30, 7, 240, 24, 225.0)
    ticks(p, factor, int(150 / factor), METRIC)
    assert read_ruler(p.image()).mm_per_px is None


def test_two_rulers_that_disagree_give_no_scale():
    p = Picture(3.3)
    metric_ruler(p)
    bar(p, cell=10.6, y=200.0)
    reading = read_ruler(p.image())
    assert reading.mm_per_px is None
    assert "disagree" in reading.reason


def test_tag_that_contradicts_the_ruler_gives_no_scale():
    p = Picture(3.0)
    metric_ruler(p)
    image = p.image()
    assert read_ruler(image, 1 / 3.02).mm_per_px == pytest.approx(1 / 3, rel=0.003)
    reading = read_ruler(image, 1 / 3.3)
    assert reading.mm_per_px is None
    assert "0.3030" in reading.reason


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (40, 30, 3)])
def test_picture_too_small_for_a_ruler(shape):
    assert read_ruler(np.zeros(shape, np.uint8)).mm_per_px is None


@pytest.mark.slow
def test_a3_at_600_ppi_is_read_piece_by_piece():
    import dask.array as da

    fine = 600 / INCH
    p = Picture(fine / 4, 297, 420)
    metric_ruler(p)
    small = da.from_array(p.image(), chunks=(256, 512, 3))
    large = da.repeat(da.repeat(small, 4, axis=0), 4, axis=1)
    assert large.shape[0] > 9900
    _assert_reads(large, fine, within=0.002)


@pytest.mark.shared
@pytest.mark.slow
def test_real_rulers_within_one_percent(shared_data):
    from PIL import Image

    folder = shared_data / "sheets" / "train"
    with open(folder / "scale.csv", encoding="utf-8", newline="") as file:
        by_hand = {row["sheet"]: row["mm_per_px"] for row in csv.DictReader(file)}
    for sheet in (
        "bu_13Carya-ovata-Mill-K-Koch",
        "lm1_Fagaceae-Quercus-alba",
        "lm1_Asteraceae-Eclipta-alba",
        "mz_s01-000u-00-05",
        "mz_s01-000u-00-17",
        "mz_s01-000u-00-25",
    ):
        image = np.asarray(Image.open(folder / "images" / f"{sheet}.jpg"))
        reading = read_ruler(image)
        assert reading.mm_per_px == pytest.approx(float(by_hand[sheet]), rel=0.01)
    for sheet in ("mz_s01-000u-00-06", "lm1_Betulaceae-Corylus-cornuta"):
        image = np.asarray(Image.open(folder / "images" / f"{sheet}.jpg"))
        assert read_ruler(image).mm_per_px is None
