"""How much of the base model a fine-tuned one keeps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from napari_herbarium.train.base_share import (
    is_hardly_better,
    mix_in_base,
    share_of_base,
)
from napari_herbarium.train.files.card import _kept
from napari_herbarium.train.recipes import FewSheetsRecipe
from napari_herbarium.train.report import Score, TrainedModel
from napari_herbarium.train.run import Run


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        (0.0, 0.5),  # the mean is as good: half of the base is kept
        (0.65, 0.7),  # so much of the base costs most of the gain
        (0.9, 1.0),  # any of it does
    ],
)
def test_no_more_of_the_base_is_kept_than_the_gain_allows(needed, expected):
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data[:] = 1.0
    start, before = {"weight": torch.zeros(1, 1)}, SimpleNamespace(iou=0.5)

    def judge(net):
        return SimpleNamespace(iou=0.9 if net.weight.item() >= needed else 0.6), None

    _, share = mix_in_base(network, start, 0.5, judge, judge(network)[0], before)
    assert share == pytest.approx(1 - expected)
    assert network.weight.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("sheets", "share"), [(1, 0.75), (3, 0.5), (27, 0.1)])
def test_the_more_sheets_the_less_of_the_base_is_kept(sheets, share):
    assert share_of_base(FewSheetsRecipe(), sheets) == pytest.approx(share)


@pytest.mark.parametrize(
    ("after", "of_base", "said"),
    [
        (0.95, 0.75, "75% those of the start"),
        (0.9, 1.0, "these are the start's weights"),
        (0.95, 0.0, ""),
    ],
)
def test_the_card_says_how_much_of_the_base_is_in_the_weights(after, of_base, said):
    before, after = (Score(0.1, iou, 0.9, 0.9, 0.9) for iou in (0.9, after))
    made = TrainedModel(Path("m"), "m", before, after, None, 1, 9, "minutes", of_base)
    told = _kept(made)
    assert said in told
    assert bool(said) == bool(told)


@pytest.mark.parametrize(
    ("tuned", "hardly"),
    [
        (0.905, True),  # a tenth of the error of 0.1 is asked for
        (0.915, False),
        (0.85, True),
        (float("nan"), False),
    ],
)
def test_a_gain_too_small_to_be_true_is_none(tuned, hardly):
    tuned, before = SimpleNamespace(iou=tuned), SimpleNamespace(iou=0.9)
    assert is_hardly_better(tuned, before, SimpleNamespace(least_gain=0.1)) is hardly


@pytest.fixture
def hardly_tuned():
    """Give a run whose network has hardly gained, and what it started from."""
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data[:] = 1.0
    run = Run.__new__(Run)
    run.recipe = SimpleNamespace(least_gain=0.05, keep_base=3.0)
    run.place = SimpleNamespace(best=Path("none"))
    run.trainer = SimpleNamespace(average=SimpleNamespace(network=network))
    run._start = {"weight": torch.zeros(1, 1)}
    run._before = SimpleNamespace(iou=0.9785)
    run.judge = lambda net: (SimpleNamespace(iou=0.9787), None)
    return run, network


def test_the_base_is_written_where_hardly_anything_was_gained(hardly_tuned):
    run, network = hardly_tuned
    run.plan = SimpleNamespace(base={"name": "base"}, data={})
    assert run._load_best() == (run._before, 1.0)
    assert network.weight.item() == 0


def test_what_starts_at_random_has_nothing_to_go_back_to(hardly_tuned):
    run, network = hardly_tuned
    run.plan = SimpleNamespace(base=None, data={"sheet": 0})
    run.recipe.keep_base = 0.0
    _, of_base = run._load_best()
    assert of_base == 0
    assert network.weight.item() == 1
