"""What was said of leaves is gathered, learnt, and scored where there is enough."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.measure.files.export import write_labels
from napari_herbarium.measure.whole.judge import BUNDLED
from napari_herbarium.model.checkpoint import read_config_as
from napari_herbarium.model.whole_network import WholeConfig, load_whole_model
from napari_herbarium.progress import finish
from napari_herbarium.train.whole.finetune import drawn_silhouettes
from napari_herbarium.train.whole.instances import Instance
from napari_herbarium.train.whole.learnt import ENOUGH, iter_learn_words, split
from napari_herbarium.train.whole.mix import iter_held_to, mixed
from napari_herbarium.train.whole.said import (
    MOST_OTHERS,
    Words,
    iter_words_beside,
    words_of,
)


def bars(count, dtype=np.uint16):
    labels = np.zeros((60, 20 * count), dtype)
    for n in range(count):
        labels[5 : 30 + n % 20, 20 * n + 5 : 20 * n + 12] = n + 1
    return labels


def test_words_and_a_bounded_number_of_others_are_cut():
    found = words_of(bars(100), {3: True, 90: False, 500: True}, "a")
    assert [(x.label, x.whole, x.sheet) for x in found.said] == [
        (3, True, "a"),
        (90, False, "a"),
    ]
    unsaid = {x.label for x in found.unsaid}
    assert len(unsaid) <= MOST_OTHERS
    assert not unsaid & {3, 90}
    assert max(unsaid) > 90 > 10 > min(unsaid)  # from all over the sheet
    assert words_of(bars(4), {}, "a") == Words()
    assert words_of(bars(4), {9: True}, "a") == Words()


def test_words_beside_files_are_read(tmp_path):
    for stem, said in (("a", {"1": True}), ("b", {}), ("c", {"2": False, "1": False})):
        path = tmp_path / f"{stem}.leaves.tif"
        write_labels(path, bars(3), None)
        path.with_suffix(".json").write_text(json.dumps({"whole_by_user": said}))
    files = sorted(tmp_path.glob("*.tif"))
    words = finish(iter_words_beside(files))
    assert words.summary == "3 leaves of 2 sheets, 1 of them whole"
    assert {x.sheet for x in words.said} == {"a", "c"}
    with pytest.raises(SettingsError, match="Nothing was said"):
        finish(iter_words_beside(files[1:2]))
    with pytest.raises(SheetError, match=r"gone\.tif does not exist"):
        finish(iter_words_beside([*files, tmp_path / "gone.tif"]))
    files[0].write_bytes(b"damaged")
    with pytest.raises(SheetError, match=r"a\.leaves\.tif"):
        finish(iter_words_beside(files))


def test_a_fifth_is_held_back_where_there_are_enough():
    leaves = tuple(Instance("a", n, np.ones((3, 3), np.uint8), True) for n in range(60))
    assert split(leaves[: ENOUGH - 1], 0)[1] == []
    learn, held_back = split(leaves, 0)
    assert len(held_back) == 12
    assert sorted(x.label for x in learn + held_back) == list(range(60))
    assert split(leaves, 0)[1] == held_back


def test_others_are_held_to_what_the_base_says():
    words = words_of(bars(9), {1: True}, "a")
    base = load_whole_model(BUNDLED)
    held = finish(iter_held_to(base, words.unsaid, drawn_silhouettes()))
    draw = mixed(words.said, held, base.config)
    rng = np.random.default_rng(0)
    answers = [float(draw(rng)[1]) for _ in range(200)]
    said = answers.count(1.0)
    leaves = sum(a in np.float32(held.leaf_probability) for a in answers)
    assert 5 < said < 30  # one leaf of nine, of the 70 % that are real
    assert 90 < leaves < 150
    known = np.float32([1, *held.leaf_probability, *held.drawn_probability])
    assert set(np.float32(answers)) <= set(known)
    alone = mixed(words.said, replace(held, leaves=()), base.config)
    assert 15 < [float(alone(rng)[1]) for _ in range(60)].count(1.0) < 45


def test_figures_of_leaves_held_back_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_herbarium.train.whole.learnt.ENOUGH", 10)
    said = dict.fromkeys(range(1, 11), True)
    words = words_of(bars(12), said, "a")
    made = finish(iter_learn_words(words, tmp_path / "mine", steps=1))
    assert made.held_back == 2
    assert 0 <= made.before <= 1
    assert "Of 2 leaves that it did not learn from" in made.summary
    figures = read_config_as(WholeConfig, made.folder).figures
    assert figures["held_back_leaves"] == 2
    assert figures["agrees_after"] == made.after
    assert "Of 2 more" in (made.folder / "README.md").read_text()
    assert "8 leaves judged" in (made.folder / "README.md").read_text()


def test_it_can_be_stopped_before_the_first_step(tmp_path):
    words = words_of(bars(60), {1: True}, "a")
    job = iter_learn_words(words, tmp_path / "mine", steps=1)
    steps = [next(job) for _ in range(203)]
    assert {"leaves drawn", "leaves judged"} <= {step.what for step in steps}
    job.close()
    assert not list(tmp_path.iterdir())


def test_too_few_leaves_are_not_scored(tmp_path):
    words = words_of(bars(3), {1: True}, "a")
    made = finish(iter_learn_words(words, tmp_path / "mine", steps=1))
    assert made.held_back == 0
    assert "not scored" in made.summary
    assert "not been scored" in (made.folder / "README.md").read_text()
