"""Errors stand out by colour."""

from __future__ import annotations

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
