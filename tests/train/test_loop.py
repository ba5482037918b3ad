"""Training learns, reports, and resumes as if it had never been stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.train.loop import train_steps
from napari_herbarium.train.loop_settings import LoopSettings, rate_factor
from napari_herbarium.train.network.losses import bce_dice_loss


class Small(torch.nn.Module):
    """As much of a segmentation network as the loop looks at."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8)
        )
        self.head = torch.nn.Conv2d(8, 1, 1)

    def forward(self, x):
        return self.head(self.encoder(x).relu())


def draw(rng):
    mask = np.zeros((32, 32), np.uint8)
    y, x = rng.integers(0, 20, 2)
    mask[y : y + 12, x : x + 12] = 1
    image = np.where(mask[..., None] == 1, 60, 220) + rng.integers(-9, 9, (32, 32, 3))
    return image.astype(np.uint8), mask


def normalise(images):
    return images.float() / 127.5 - 1


def settings(**changes):
    plain = {"steps": 20, "batch": 2, "warmup": 2, "workers": 0, "checkpoint_every": 5}
    return LoopSettings(precision="32-true", **(plain | changes))


def run(job, stop_after=None):
    losses = []
    while True:
        try:
            losses.append(next(job).loss)
        except StopIteration as stop:
            return losses, stop.value
        if stop_after is not None and len(losses) == stop_after:
            job.close()
            return losses, None


def start(checkpoint=None, **changes):
    torch.manual_seed(0)
    network = Small()
    options = settings(**changes)
    job = train_steps(network, draw, options, normalise, bce_dice_loss, checkpoint)
    return network, job


def test_the_loss_goes_down():
    _, job = start(steps=40, encoder_rate=0.01, decoder_rate=0.02)
    losses, average = run(job)
    assert len(losses) == 40
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert not average.network.training


def test_a_resumed_run_has_the_losses_of_an_undisturbed_one(tmp_path):
    _, job = start()
    whole, expected = run(job)
    path = tmp_path / "checkpoint.pt"
    _, job = start(path)
    run(job, stop_after=13)
    _, job = start(path)
    rest, found = run(job)
    # The last checkpoint was kept after step 10.
    assert rest == pytest.approx(whole[10:], abs=1e-6)
    for name, value in expected.network.state_dict().items():
        assert torch.allclose(value, found.network.state_dict()[name], atol=1e-6)


def test_frozen_parts_stay_as_they_were():
    network, job = start(frozen=("encoder",))
    before = {k: v.clone() for k, v in network.encoder.state_dict().items()}
    run(job)
    after = network.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_rates_rise_then_fall_to_nearly_nothing():
    options = settings(steps=100, warmup=10)
    rates = [rate_factor(step, options) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1, abs=1e-3)
    assert rates[-1] < 0.02


def test_late_rates_fall_over_the_last_third_only():
    options = settings(steps=90, warmup=10, schedule="late")
    rates = [rate_factor(step, options) for step in range(90)]
    assert set(rates[10:61]) == {1.0}
    assert rates[61] < 1
    assert rates[-1] < 0.02
