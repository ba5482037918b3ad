"""What the picture of a label adds to the judgement of its silhouette."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.evaluate.pairs import find_pairs
from napari_herbarium.evaluate.truth import read_leaf_truth
from napari_herbarium.evaluate.whole import score_whole
from napari_herbarium.measure.whole import sight as whole_sight
from napari_herbarium.measure.whole.judge import (
    default_whole_threshold,
    quick_whole_probability,
    whole_leaf_probability,
)
from napari_herbarium.measure.whole.sight import BUNDLED, sight_of_label, with_sight
from napari_herbarium.model.seam_network import LAYER_CHANNELS
from napari_herbarium.model.whole_sight import (
    SIGHTS,
    SightConfig,
    SightModel,
    build_sight_network,
    load_sight_model,
)
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.sheet.drawn.drawing import drawn_sheet
from napari_herbarium.sheet.read import read_sheet

PAPER = 230


@pytest.fixture(scope="module")
def drawn():
    """Picture and labels of the drawn sheet, small."""
    sheet = drawn_sheet(60)
    return np.asarray(sheet.sheet.image), sheet.labels


@pytest.fixture(scope="module")
def judged(drawn):
    """Probabilities of its labels, by the picture too."""
    picture, labels = drawn
    return whole_leaf_probability(labels, picture)


def two_leaves(side=120):
    """Picture, and labels of a leaf of 1 and one of 2 on paper."""
    labels = np.zeros((side, 2 * side), np.uint8)
    labels[side // 4 : -side // 4, side // 8 : side // 2] = 1
    labels[side // 4 : -side // 4, side : -side // 4] = 2
    picture = np.full((*labels.shape, 3), PAPER, np.uint8)
    picture[labels == 1] = (90, 100, 50)
    picture[labels == 2] = (120, 80, 40)
    return picture, labels


def seen_of(picture, labels, label):
    mask = labels == label
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return sight_of_label(SheetRows(picture), box, mask[box])


def test_with_a_picture_labels_are_judged_by_it_too(drawn, judged):
    alone = whole_leaf_probability(drawn[1])
    assert list(judged) == list(alone)
    assert judged != pytest.approx(alone, abs=0.02)
    assert all(0 <= p <= 1 for p in judged.values())


def test_a_label_is_judged_alike_among_all_and_alone(drawn, judged):
    picture, labels = drawn
    one = whole_leaf_probability(labels, picture, only=[7])
    assert one == pytest.approx({7: judged[7]}, abs=1e-3)


def test_a_16_bit_picture_is_seen_as_the_same_in_8_bit(drawn):
    picture, labels = drawn
    eight = whole_leaf_probability(labels, picture, only=[3, 4])
    sixteen = whole_leaf_probability(
        labels, picture.astype(np.uint16) * 257, only=[3, 4]
    )
    assert sixteen == pytest.approx(eight, abs=0.02)


def test_another_classifier_and_the_quick_one_go_by_silhouettes(drawn):
    picture, labels = drawn
    only = [1, 2]
    seen = quick_whole_probability(labels, picture, only=only)
    assert seen == quick_whole_probability(labels, only=only)


def test_a_picture_of_another_size_is_refused():
    picture, labels = two_leaves()
    with pytest.raises(SettingsError, match="labels' own size"):
        whole_leaf_probability(labels, picture[:-1])


def test_no_label_needs_no_look():
    picture, labels = two_leaves()
    assert whole_leaf_probability(labels * 0, picture) == {}


def test_what_is_seen_depends_on_the_label_and_its_surroundings_alone():
    picture, labels = two_leaves()
    before = seen_of(picture, labels, 1)
    far = picture.copy()
    far[:, 150:] = 0
    assert np.array_equal(before, seen_of(far, labels, 1))
    near = picture.copy()
    near[labels == 1] = (200, 60, 60)
    assert not np.allclose(before, seen_of(near, labels, 1), atol=0.01)


def test_a_label_is_seen_at_its_own_size():
    small = seen_of(*two_leaves(120), 1)
    large = seen_of(*two_leaves(480), 1)
    assert len(small) == SIGHTS
    assert np.corrcoef(small, large)[0, 1] > 0.95


@pytest.mark.parametrize(
    "box", [np.s_[0:1, 0:1], np.s_[5:6, :], np.s_[:, -2:], np.s_[:, :]]
)
def test_specks_lines_and_labels_at_the_edge_are_seen(box):
    picture, labels = two_leaves()
    labels[:] = 0
    labels[box] = 1
    assert np.isfinite(seen_of(picture, labels, 1)).all()


def test_layers_are_averaged_inside_and_along_the_outline(monkeypatch):
    def layers(_network, given):
        # The patch, 1 and -1, and how red the picture is, of every resolution.
        patch, red = given[:, 3:], given[:, :1]
        return [patch, red, avg_pool2d(red, 8), avg_pool2d(red, 16)]

    monkeypatch.setattr(whole_sight, "seam_layers", layers)
    picture, labels = two_leaves(480)
    picture[labels == 1] = 255
    picture[labels == 0] = 0
    seen = seen_of(picture, labels, 1)
    inside, rim = seen[::2], seen[1::2]
    assert inside[:2] == pytest.approx([1, 1], abs=0.02)
    assert rim[0] == 1
    # Coarser px at the outline are more of them paper.
    assert -0.9 < rim[3] < rim[2] < rim[1] < inside[1]


def test_silhouette_and_sight_are_weighed():
    network = build_sight_network()
    with torch.no_grad():
        network.weight.fill_(0)
        network.weight[0, -1] = 2
        network.weight[0, 0] = 10
        network.bias.fill_(-1)
    sights = [np.zeros(SIGHTS, np.float32), np.ones(SIGHTS, np.float32)]
    model = SightModel(network, SightConfig(name="x"), "", Path())
    assert with_sight([3.0, -1.0], sights, model) == pytest.approx([5, 7])


def test_as_many_numbers_as_the_layers_have_channels():
    assert 2 * sum(LAYER_CHANNELS) == SIGHTS
    assert build_sight_network().in_features == SIGHTS + 1


def test_damaged_weights_are_refused_in_words(tmp_path: Path):
    shutil.copytree(BUNDLED, tmp_path / "sight")
    weights = tmp_path / "sight" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_sight_model(tmp_path / "sight")


@pytest.mark.shared
@pytest.mark.slow
def test_the_picture_helps_on_sheets_not_trained_on(shared_data: Path):
    folder = shared_data / "sheets" / "val"
    rows = []
    for pair in find_pairs(folder):
        truth = read_leaf_truth(folder, pair)
        picture = np.asarray(read_sheet(pair.image).image)
        alone = whole_leaf_probability(truth.labels)
        both = whole_leaf_probability(truth.labels, picture)
        rows += [(alone[n], both[n], n in truth.whole) for n in alone]
    alone, both, whole = (list(column) for column in zip(*rows, strict=True))
    threshold = default_whole_threshold()
    without, with_ = (score_whole(p, whole, threshold) for p in (alone, both))
    assert with_.auc > without.auc + 0.01
    assert with_.accuracy > without.accuracy
    assert with_.precision > without.precision + 0.05
