"""The paper's recipe on small sheets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.errors import ModelError
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.train import start
from napari_herbarium.train.crops.paper_sheets import PaperDraw, augmented, squashed
from napari_herbarium.train.recipes import recipe_of
from napari_herbarium.train.train import iter_train


def small(**changes):
    plain = {"encoder": "mobilenet_v2", "encoder_weights": "random", "size": 64}
    return recipe_of("paper", **(plain | changes))


def run(job):
    reports = []
    while True:
        try:
            reports.append(next(job))
        except StopIteration as stop:
            return reports, stop.value


def test_the_whole_sheet_is_squashed(pairs):
    image, mask = squashed(pairs(1)[0], 64)
    assert image.shape == (64, 64, 3)
    assert mask.shape == (64, 64)
    whole = (pairs(1)[0].mask > 0).mean()
    assert (mask == 1).mean() == pytest.approx(whole, abs=0.02)


def test_an_epoch_has_every_sheet_once(pairs):
    mask = squashed(pairs(1)[0], 64)[1]
    sheets = [(np.full((64, 64, 3), 20 * i, np.uint8), mask) for i in range(6)]
    draw = PaperDraw(sheets, small(rotation=0, brightness=0))
    assert draw.epoch_steps == 2
    first, second = (
        [int(draw(index)[0][32, 32, 0]) // 20 for index in range(start, start + 6)]
        for start in (0, 6)
    )
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second


def test_mask_and_image_move_together_and_corners_are_ignored(pairs):
    sheet = squashed(pairs(1)[0], 64)
    opened = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        image, mask = augmented(sheet, small(rotation=30), rng)
        red, leaf, _ = np.moveaxis(image.astype(int), -1, 0)
        green = leaf > red + 30
        known = mask != 255
        assert (green == (mask == 1))[known].mean() > 0.96
        opened += np.count_nonzero(~known)
    assert opened > 0


def test_the_loss_goes_down(pairs, tmp_path):
    recipe = small(epochs=12, rate=1e-3)
    reports, made = run(iter_train(recipe, pairs(6), tmp_path / "m"))
    losses = [r.loss for r in reports if r.scored and r.loss is not None]
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    assert made.test is not None
    assert load_model(tmp_path / "m").config.scales == (64,)


def test_a_random_start_is_said(pairs, tmp_path, monkeypatch):
    build = start.build_network

    def offline(architecture, encoder, weights=None):
        if weights == "imagenet":
            raise ModelError("no hub") from ConnectionError()
        return build(architecture, encoder, weights)

    monkeypatch.setattr(start, "build_network", offline)
    recipe = small(encoder_weights="imagenet", epochs=1)
    reports, _ = run(iter_train(recipe, pairs(3), tmp_path / "m"))
    notes = [report.note for report in reports if report.note]
    assert len(notes) == 1
    assert "random weights" in notes[0]
    assert "random weights" in (tmp_path / "m" / "README.md").read_text()
