"""Touching leaves are cut where shape, sheet and judge speak for it, and only there."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.draw import disk, ellipse
from skimage.measure import label

from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import finish
from napari_herbarium.segment.leaves import extract_leaves
from napari_herbarium.segment.mask import boxes_of
from napari_herbarium.segment.touching import split_judge
from napari_herbarium.segment.touching.split import all_of, iter_split_each
from napari_herbarium.segment.touching.split_judge import Help, iter_split_judged
from napari_herbarium.segment.working_size import at_full_size
from napari_herbarium.settings import LeafSettings

JUDGE = LeafSettings(touching="judge")


def two_leaves(factor=1):
    """Two leaves of which one lies on a third of the other; no narrow neck."""
    shape = (200 * factor, 320 * factor)
    below, above = np.zeros(shape, bool), np.zeros(shape, bool)
    at = [100 * factor, 110 * factor, 60 * factor, 80 * factor]
    below[ellipse(*at)] = True
    at[1] = 215 * factor
    above[ellipse(*at)] = True
    return below & ~above, above


def picture(*leaves, tones=((90, 110, 60), (130, 140, 90))):
    sheet = np.full((*leaves[0].shape, 3), 240, np.uint8)
    for leaf, tone in zip(leaves, tones, strict=False):
        sheet[leaf] = tone
    noise = np.random.default_rng(0).integers(-6, 7, sheet.shape)
    return np.clip(sheet.astype(int) + noise, 0, 255).astype(np.uint8)


def probability(*leaves):
    return np.where(np.any(leaves, axis=0), np.uint8(255), np.uint8(0))


def agreement(labels, leaf):
    mine = labels == np.bincount(labels[leaf]).argmax()
    return (mine & leaf).sum() / (mine | leaf).sum()


@pytest.mark.parametrize("factor", [1, 4])
def test_the_edge_of_the_leaf_on_top_shows_where_to_cut(factor):
    leaves = two_leaves(factor)
    sheet = picture(*leaves)
    labels = extract_leaves(probability(*leaves), JUDGE, image=sheet)
    assert labels.max() == 2
    assert min(agreement(labels, leaf) for leaf in leaves) > 0.97


def test_without_an_edge_the_same_shape_stays_one():
    leaves = two_leaves()
    sheet = picture(*leaves, tones=[(90, 110, 60)] * 2)
    assert extract_leaves(probability(*leaves), JUDGE, image=sheet).max() == 1


def five_lobes():
    leaf = np.zeros((300, 300), bool)
    leaf[disk((150, 150), 60)] = True
    for angle in np.radians([90, 162, 234, 306, 18]):
        centre = 150 - 75 * np.sin(angle), 150 + 75 * np.cos(angle)
        leaf[ellipse(*centre, 55, 24, rotation=angle)] = True
    return leaf


def test_the_lobes_of_a_leaf_stay_on_it():
    leaf = five_lobes()
    assert extract_leaves(probability(leaf), JUDGE, image=picture(leaf)).max() == 1


@pytest.mark.parametrize(("together", "count"), [(1.0, 1), (0.0, 2)])
def test_the_judge_of_whole_leaves_has_a_say(together, count):
    mask = np.zeros((200, 320), bool)
    mask[disk((100, 100), 55)] = True
    mask[disk((100, 196), 55)] = True
    areas = []

    def judge(labels, *, only):
        sizes = {number: (labels == number).sum() for number in only}
        areas.extend(sizes.values())
        both = 0.9 * (labels > 0).sum()
        return {
            number: together if size > both else 1 - together
            for number, size in sizes.items()
        }

    labels = extract_leaves(probability(mask), JUDGE, judge=judge)
    assert labels.max() == count
    # Asked of both pieces and of the two together.
    assert len(areas) == 3
    assert max(areas) == sum(areas) - max(areas)


def test_the_judge_sees_what_lies_around():
    leaves = two_leaves()
    labels = np.where(np.any(leaves, axis=0), 1, 0)[:, :300]
    labels[22:34, 190:230] = 2
    seen = []

    def judge(labels, *, only):
        seen.append((labels, list(only)))
        return dict.fromkeys(only, 0.5)

    sheet = picture(*leaves)[:, :300]
    finish(iter_split_judged(labels, 50, Help(sheet, judge)))
    assert seen
    for around, only in seen:
        others = (around > 0) & ~np.isin(around, only)
        height, width = others.shape
        # The picture ends on the right, which hides as much as a leaf does.
        assert others[:, -1].all()
        assert others[: height // 4, width // 2 : -8].any()
        assert not others[height // 4 : -height // 4, :8].any()


def test_nothing_is_lost_and_every_leaf_is_one_piece():
    rng = np.random.default_rng(3)
    mask = np.zeros((700, 900), bool)
    for _ in range(60):
        at = rng.uniform((40, 40), (660, 860))
        size = rng.uniform(10, 60, 2)
        rows, columns = ellipse(*at, *size, mask.shape, rng.uniform(0, 3))
        mask[rows, columns] = True
    uncut = extract_leaves(probability(mask), LeafSettings(touching="keep"))
    labels = extract_leaves(probability(mask), JUDGE)
    assert labels.max() > uncut.max()
    np.testing.assert_array_equal(labels > 0, uncut > 0)
    assert labels.dtype == np.uint8
    assert label(labels, connectivity=2).max() == labels.max()
    np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_pieces_seen_small_are_connected_at_their_own_size():
    mask = np.zeros((9, 9), bool)
    mask[1:8, 1:8] = True
    mask[4, 2:8] = False  # two arms, joined at the left
    pieces = np.array([[1, 1, 2], [1, 1, 1], [2, 2, 2]])
    full = at_full_size(pieces, mask, 3)
    np.testing.assert_array_equal(full > 0, mask)
    assert label(full, connectivity=2).max() == 2


def test_an_image_of_another_size_is_refused_in_words():
    leaves = two_leaves()
    with pytest.raises(SettingsError, match="give the image it was made from"):
        extract_leaves(probability(*leaves), JUDGE, image=picture(*leaves)[:-1])


def test_more_pieces_than_uint16_holds():
    labels = np.arange(1, 65536, dtype=np.uint16)[None].repeat(2, 0)
    last = 65535

    def halves(label, box, mask):
        yield
        return None if label < last else np.array([[1], [2]], np.int32)

    cut, boxes = finish(iter_split_each(all_of(labels), halves))
    assert cut.max() == last + 1
    assert np.array_equal(cut[0], labels[0])
    assert cut[1, -1] == last + 1
    assert boxes == boxes_of(cut)


@pytest.mark.parametrize("judged", [None, lambda labels, only: dict.fromkeys(only, 0)])
def test_boxes_are_those_of_the_new_labels(judged):
    leaves = two_leaves()
    labels = np.any(leaves, axis=0).astype(np.uint8)
    cut, boxes = finish(iter_split_judged(labels, 50, Help(picture(*leaves), judged)))
    assert cut.max() > 1
    assert boxes == boxes_of(cut)


@pytest.fixture
def views(monkeypatch):
    """Area of each patch that is looked at, and half its greatest width as seen."""
    seen = []
    look = split_judge.patch_view

    def spy(sheet, box, mask, closer):
        view = look(sheet, box, mask, closer)
        seen.append((mask.sum(), distance_transform_edt(view.mask).max()))
        return view

    monkeypatch.setattr(split_judge, "patch_view", spy)
    return seen


def always(whole):
    return lambda labels, *, only: dict.fromkeys(only, whole)


@pytest.mark.parametrize("whole", [0.9, 0.1])
def test_pieces_in_doubt_are_looked_at_again_from_closer_by(views, whole):
    leaves = two_leaves()
    labels = np.any(leaves, axis=0).astype(np.uint8)
    help_ = Help(picture(*leaves), always(whole))
    cut, _ = finish(iter_split_judged(labels, 50, help_))
    assert cut.max() > 1
    (area, width), *again = views
    assert area == labels.sum()
    assert sum(area for area, _ in again) == (0 if whole > 0.8 else labels.sum())
    assert all(closer > 1.5 * width for _, closer in again)


@pytest.mark.parametrize("whole", [0.9, 0.1])
def test_so_is_what_stays_one_and_may_be_several(views, whole):
    leaves = two_leaves()
    labels = np.any(leaves, axis=0).astype(np.uint8)
    help_ = Help(picture(*leaves, tones=[(90, 110, 60)] * 2), always(whole))
    cut, _ = finish(iter_split_judged(labels, 50, help_))
    assert cut.max() == 1
    assert len(views) == (1 if whole > 0.8 else 2)


def test_the_256th_piece_gets_a_number_of_its_own():
    labels = np.arange(1, 256, dtype=np.uint8)[None].repeat(2, 0)

    def halves(label, box, mask):
        yield
        return np.array([[1], [2]], np.int32)

    cut, boxes = finish(iter_split_each(all_of(labels), halves))
    assert cut.dtype == np.uint16
    assert np.array_equal(cut[0], labels[0])
    assert np.array_equal(cut[1], np.arange(256, 511))
    assert boxes == boxes_of(cut)


def test_a_label_of_many_pieces_can_be_stopped_within():
    labels = np.ones((4, 4), np.uint8)
    stopped = []

    def slow(label, box, mask):
        try:
            yield
            yield
        finally:
            stopped.append(label)

    job = iter_split_each(all_of(labels), slow)
    assert (next(job).done, next(job).done) == (0, 0)
    job.close()
    assert stopped == [1]


def test_a_sheet_of_many_patches_can_be_stopped_after_any_of_them():
    labels = np.repeat(np.arange(1, 31, dtype=np.uint8), 40)[None].repeat(40, 0)
    sheet = np.zeros((*labels.shape, 3), np.uint8)
    job = iter_split_judged(labels, 50, Help(sheet, always(0.1)))
    while next(job).done < 1:
        pass
    job.close()
    assert not any(t.name.startswith("patches") for t in threading.enumerate())
