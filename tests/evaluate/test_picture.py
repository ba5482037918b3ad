"""Errors stand out by colour."""

from __future__ import annotations

import tracemalloc

import numpy as np
from PIL import Image

from napari_herbarium.evaluate.picture import draw_errors, write_errors


def test_each_kind_of_pixel_has_its_colour():
    image = np.full((1, 5, 3), 200, np.uint8)
    truth = np.array([[0, 1, 1, 0, 255]], np.uint8)
    predicted = np.array([[0, 3, 0, 2, 1]], np.uint8)
    clear, hit, missed, false, unsaid = draw_errors(image, predicted, truth)[0].astype(
        int
    )
    assert clear.tolist() == [200, 200, 200]
    assert hit.argmax() == 1
    assert missed.argmax() == 2
    assert false.argmax() == 0
    assert np.ptp(unsaid) == 0
    assert unsaid[0] < 200
    assert (image == 200).all()


def test_picture_is_reduced_for_reading(tmp_path):
    image = np.zeros((2400, 600, 3), np.uint8)
    truth = np.zeros((2400, 600), np.uint8)
    write_errors(tmp_path / "a.png", image, truth, truth)
    assert Image.open(tmp_path / "a.png").size == (500, 2000)


def test_large_picture_takes_little_memory_and_shows_the_same(tmp_path):
    rng = np.random.default_rng(0)
    shape = (8100, 900)
    image = np.full((*shape, 3), rng.integers(0, 256, (8100, 1, 3)), np.uint8)
    truth = np.zeros(shape, np.uint8)
    truth[1000:5000, 100:700] = 1
    truth[7000:] = 255
    predicted = np.zeros(shape, np.int32)
    predicted[2000:8000, 300:] = 7
    tracemalloc.start()
    write_errors(tmp_path / "a.png", image, predicted, truth)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < image.nbytes
    whole = Image.fromarray(draw_errors(image, predicted, truth))
    whole.thumbnail((2000, 2000))
    shown = Image.open(tmp_path / "a.png")
    assert shown.size == whole.size
    difference = np.abs(np.asarray(shown).astype(int) - np.asarray(whole))
    assert difference.max() <= 1
