"""A user's flips change the classifier."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.errors import HerbariumError, ModelError, SettingsError
from napari_herbarium.measure.whole.judge import BUNDLED, whole_leaf_probability
from napari_herbarium.model.whole_network import load_whole_model
from napari_herbarium.progress import finish
from napari_herbarium.train.whole.finetune import flipped_leaves, iter_finetune_whole


def half_discs():
    """Labels 1..6 of half discs of several sizes."""
    labels = np.zeros((300, 520), np.uint8)
    y, x = np.mgrid[:300, :520]
    for n, radius in enumerate((40, 50, 60, 65, 45, 55)):
        row, column = divmod(n, 3)
        top, left = 75 + 150 * row, 90 + 170 * column
        inside = (y - top) ** 2 + (x - left) ** 2 < radius**2
        labels[inside & (y > top)] = n + 1
    return labels


def test_flipped_leaves_are_cut_with_their_word():
    found = flipped_leaves(half_discs(), {2: True, 5: False, 99: True}, "sheet")
    assert [(e.label, e.whole, e.sheet) for e in found] == [
        (2, True, "sheet"),
        (5, False, "sheet"),
    ]


@pytest.mark.slow
def test_flips_are_learnt_and_clear_leaves_stay_clear(tmp_path):
    labels = half_discs()
    before = whole_leaf_probability(labels)
    assert max(before.values()) < 0.5
    examples = flipped_leaves(labels, dict.fromkeys(range(1, 7), True))
    folder = finish(iter_finetune_whole(examples, tmp_path / "mine", steps=25))
    after = load_whole_model(folder)
    assert after.sha256 != load_whole_model(BUNDLED).sha256
    now = whole_leaf_probability(labels, model=after)
    assert min(now.values()) > 0.5
    y, x = np.mgrid[:200, :300]
    ellipse = (((y - 100) / 50) ** 2 + ((x - 150) / 120) ** 2 < 1).astype(np.uint8)
    assert whole_leaf_probability(ellipse, model=after)[1] > 0.5
    assert "6 leaves" in (folder / "README.md").read_text()


def test_nothing_flipped_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="flip"):
        next(iter_finetune_whole([], tmp_path))


def test_base_is_never_overwritten():
    examples = flipped_leaves(half_discs(), {1: True})
    with pytest.raises(SettingsError, match="another folder"):
        next(iter_finetune_whole(examples, BUNDLED))


def test_no_model_is_written_over(tmp_path):
    examples = flipped_leaves(half_discs(), {1: True})
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(ModelError, match="precious exists already"):
        next(iter_finetune_whole(examples, precious))
    for name in ("herbarium-leaves", BUNDLED.name):
        with pytest.raises(ModelError, match="bundled"):
            next(iter_finetune_whole(examples, tmp_path / name))
    with pytest.raises(HerbariumError, match="Cannot write"):
        next(iter_finetune_whole(examples, precious / "model.safetensors" / "mine"))
    assert (precious / "model.safetensors").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_classifier_appears_whole_or_not_at_all(tmp_path):
    examples = flipped_leaves(half_discs(), {1: True})
    mine = tmp_path / "mine"
    job = iter_finetune_whole(examples, mine, steps=2)
    next(job)
    assert not mine.exists()
    job.close()
    assert not list(tmp_path.iterdir())
    assert finish(iter_finetune_whole(examples, mine, steps=1)) == mine
    assert load_whole_model(mine).config.name == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_second_one_of_the_name_is_refused_before_any_work(tmp_path):
    examples = flipped_leaves(half_discs(), {1: True})
    first = iter_finetune_whole(examples, tmp_path / "mine", steps=1)
    next(first)
    with pytest.raises(SettingsError, match="mine is being trained by another run"):
        next(iter_finetune_whole(examples, tmp_path / "mine"))
    finish(first)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
