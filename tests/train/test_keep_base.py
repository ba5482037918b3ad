"""How much of the base model a fine-tuned one keeps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from napari_herbarium.train.run import Run


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        (0.0, 0.4),  # the mean is as good: 0.6 of the base is kept
        (0.65, 0.7),  # so much of the base costs the gain, half of it does not
        (0.9, 1.0),  # any of it costs the gain
    ],
)
def test_no_more_of_the_base_is_kept_than_the_gain_allows(needed, expected):
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data[:] = 1.0
    run = Run.__new__(Run)
    run._start = {"weight": torch.zeros(1, 1)}
    run._before = SimpleNamespace(iou=0.5)
    run.judge = lambda net: (
        SimpleNamespace(iou=0.9 if net.weight.item() >= needed else 0.6),
        None,
    )
    run._mix_in_base(network, run.judge(network)[0], 0.6)
    assert network.weight.item() == pytest.approx(expected, abs=1e-6)
