"""Which leaves are whole: the bundled classifier on shapes that leave no doubt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.evaluate.whole import score_whole
from napari_herbarium.measure.whole import input as whole_input
from napari_herbarium.measure.whole.judge import (
    BUNDLED,
    bundled_outline_model,
    default_whole_threshold,
    iter_whole_leaf_probability,
    quick_whole_probability,
    whole_leaf_probability,
)
from napari_herbarium.model.whole_network import load_whole_model
from napari_herbarium.segment.working_size import shrunk
from napari_herbarium.train.whole.finetune import drawn_silhouettes
from napari_herbarium.train.whole.held_out import judge_sheets


def ellipse(shape, centre, half, angle=0.0):
    """Mask of an ellipse with pointed ends, like an entire leaf."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    y, x = y - centre[0], x - centre[1]
    along = (x * np.cos(angle) + y * np.sin(angle)) / half[0]
    across = (y * np.cos(angle) - x * np.sin(angle)) / half[1]
    return np.abs(across) < np.cos(np.clip(along, -1, 1) * np.pi / 2)


def said(labels, **settings):
    found = whole_leaf_probability(labels, **settings)
    return {n: p >= default_whole_threshold() for n, p in found.items()}


def test_whole_leaf_is_whole_and_its_halves_are_not():
    leaf = ellipse((300, 400), (150, 200), (140, 60), 0.3)
    assert said(leaf.astype(np.uint8)) == {1: True}
    x = np.arange(400)
    for half in (x > 205, x < 195):
        assert said((leaf & half).astype(np.uint8)) == {1: False}


def test_two_overlapping_leaves_in_one_label_are_not_one_whole_leaf():
    first = ellipse((300, 300), (120, 150), (110, 45))
    second = ellipse((300, 300), (180, 170), (110, 45), 1.2)
    assert said((first | second).astype(np.uint8)) == {1: False}


def test_drawn_leaves_of_most_forms_are_whole():
    leaves = drawn_silhouettes()[:36]
    right = [said(np.pad(s.leaf, 12) // 255)[1] for s in leaves]
    assert np.mean(right) > 0.78


def change_by_size_and_turn(small):
    small = small.astype(np.uint8)
    large = np.kron(small, np.ones((6, 6), np.uint8))
    given = [whole_leaf_probability(a)[1] for a in (small, large, np.rot90(large))]
    return np.ptp(given)


def test_size_and_quarter_turns_hardly_change_the_probability():
    for silhouette in drawn_silhouettes()[:12]:
        leaf = np.pad(shrunk(silhouette.leaf > 127, 3), 4)
        assert change_by_size_and_turn(leaf) < 0.1
    # A bare ellipse has a middling probability, where the sigmoid is steepest.
    assert change_by_size_and_turn(ellipse((120, 160), (60, 80), (60, 25))) < 0.15


def test_only_the_asked_labels_are_judged_as_among_all():
    labels = np.zeros((200, 400), np.uint16)
    labels[ellipse(labels.shape, (100, 100), (80, 35))] = 3
    labels[ellipse(labels.shape, (100, 300), (80, 35), 1.0)] = 700
    everything = whole_leaf_probability(labels)
    assert list(everything) == [3, 700]
    assert whole_leaf_probability(labels, only=[700]) == pytest.approx(
        {700: everything[700]}, abs=1e-4
    )


def test_the_quick_word_is_that_of_the_outline_alone():
    labels = ellipse((300, 400), (150, 200), (140, 60), 0.3).astype(np.uint8)
    labels[:, 215:] = 0
    quick = quick_whole_probability(labels, only=[1])
    assert quick == whole_leaf_probability(labels, model=bundled_outline_model())
    assert quick != whole_leaf_probability(labels)
    assert quick[1] < default_whole_threshold()


def test_no_labels_no_answer():
    assert whole_leaf_probability(np.zeros((50, 60), int)) == {}


def test_labels_that_are_no_labels_are_refused():
    with pytest.raises(SettingsError, match="whole numbers"):
        whole_leaf_probability(np.zeros((5, 5)))


def test_can_be_stopped_between_batches():
    labels = np.kron(np.arange(1, 41).reshape(5, 8), np.ones((9, 9), int))
    job = iter_whole_leaf_probability(labels)
    first = next(job)
    job.close()
    assert 0 < first.done < first.total == 40


def test_bundled_classifier_is_small_and_described():
    folder = BUNDLED
    assert sum(f.stat().st_size for f in folder.iterdir()) < 5_000_000
    assert len((folder / "README.md").read_text(encoding="utf-8")) > 500
    assert 0 < default_whole_threshold() < 1


def test_damaged_classifier_is_refused_with_a_sentence(tmp_path: Path):
    config = json.loads((BUNDLED / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    content = (BUNDLED / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[:1000])
    with pytest.raises(ModelError, match="truncated"):
        load_whole_model(tmp_path)


@pytest.mark.slow
def test_three_hundred_leaves_of_a_full_scan_are_looked_at_one_by_one(monkeypatch):
    seen = []
    real = whole_input.square_around
    monkeypatch.setattr(
        whole_input,
        "square_around",
        lambda box: seen.append(real(box)[1]) or real(box),
    )
    labels = np.zeros((9921, 7016), np.uint16)
    leaf = ellipse((380, 380), (190, 190), (185, 80), 0.7)
    for n in range(300):
        row, column = divmod(n, 17)
        labels[row * 500 : row * 500 + 380, column * 400 : column * 400 + 380][leaf] = (
            n + 1
        )
    assert len(whole_leaf_probability(labels)) == 300
    # No leaf costs a look at the whole sheet.
    assert len(seen) == 300
    assert sum(side**2 for side in seen) < labels.size


@pytest.mark.shared
@pytest.mark.slow
def test_floors_on_sheets_not_trained_on(shared_data: Path):
    model = load_whole_model(BUNDLED)
    judged = judge_sheets(model, shared_data / "sheets" / "val")
    score = score_whole(
        [leaf.probability for leaf in judged],
        [leaf.whole for leaf in judged],
        default_whole_threshold(),
    )
    assert score.leaves > 590
    assert score.auc > 0.85
    assert score.accuracy > 0.78
