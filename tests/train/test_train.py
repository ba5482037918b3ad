"""Fine-tuning from a few sheets, start to model folder."""

from __future__ import annotations

import csv
import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from napari_herbarium.errors import (
    HerbariumError,
    ModelError,
    SettingsError,
    SheetError,
)
from napari_herbarium.model.catalogue import list_models, load_model, new_model_folder
from napari_herbarium.train.crops.held_out import Judge
from napari_herbarium.train.pairs.pair import Pair
from napari_herbarium.train.pairs.split import split_by_window
from napari_herbarium.train.recipes import FewSheetsRecipe, recipe_of
from napari_herbarium.train.train import iter_train
from napari_herbarium.train.trainer import Trainer

SMALL = {"size": 64, "batch": 2, "minutes": None, "rehearsal": 0.0}

pytestmark = pytest.mark.usefixtures("models")


def few(**changes):
    plain = {"epochs": 2, "epoch_steps": 3, "patience": 9, "least_gain": 0.0}
    return recipe_of("few-sheets", **(SMALL | plain | changes))


def run(job, until=None):
    """Run a job; give its reports and its result (None when stopped)."""
    reports = []
    while True:
        try:
            reports.append(next(job))
        except StopIteration as stop:
            return reports, stop.value
        if until is not None and until(reports[-1]):
            job.close()
            return reports, None


def after_four_steps(report):
    return report.what == "steps" and report.done == 4


def test_the_new_model_is_in_the_list_and_tells_how_it_was_made(pairs, base, models):
    out = new_model_folder("my oaks")
    _, made = run(iter_train(few(), pairs(3), out, base=base))
    assert made.ended == "all epochs"
    assert (made.epochs, made.steps) == (2, 6)
    assert "my oaks" in list_models()
    assert load_model("my oaks").config.name == "my oaks"
    told = (out / "recipe.json").read_text()
    assert FewSheetsRecipe.model_validate_json(told) == few()
    split = json.loads((out / "split.json").read_text())
    assert split["train"] == ["sheet0", "sheet1", "sheet2"]
    assert set(split["windows"]) == set(split["train"])
    rows = list(csv.DictReader((out / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert "untrained" in (out / "README.md").read_text()
    assert [path.name for path in models.iterdir()] == ["my oaks"]


def test_reports_count_steps_and_bring_scores_and_a_preview(pairs, base, tmp_path):
    reports, _ = run(iter_train(few(), pairs(2), tmp_path / "m", base=base))
    steps = [r for r in reports if r.what == "steps"]
    assert steps[-1].done == steps[-1].total == 6
    scored = [r for r in reports if r.scored]
    assert [r.epoch for r in scored] == [0, 1, 2]
    shown = scored[-1].preview
    assert shown.image.shape == (64, 64, 3)
    assert shown.before.shape == shown.now.shape == shown.truth.shape == (64, 64)
    assert all(0 <= r.recall <= 1 for r in scored)


def test_it_learns_what_is_green(pairs, base, tmp_path):
    recipe = few(epochs=6, epoch_steps=10, freeze=False, rate=3e-3, encoder_rate=1e-3)
    _, made = run(iter_train(recipe, pairs(3), tmp_path / "m", base=base))
    assert made.after.val_loss < 0.7 * made.before.val_loss
    assert made.after.iou > made.before.iou


def test_stopping_keeps_the_best_so_far(pairs, base, tmp_path):
    recipe = few(epochs=50)
    reports, _ = run(
        iter_train(recipe, pairs(2), tmp_path / "m", base=base), after_four_steps
    )
    assert reports[-1].done == 4
    assert load_model(tmp_path / "m").config.figures["ended"] == "stopped"


def test_stopping_before_the_first_step_leaves_nothing(pairs, base, tmp_path):
    out = tmp_path / "new" / "m"
    run(iter_train(few(), pairs(2), out, base=base), lambda report: True)
    assert not out.exists()
    assert not list(out.parent.glob("*"))


def test_a_training_is_the_same_whether_its_base_had_been_loaded(pairs, base, tmp_path):
    def losses(name):
        reports, _ = run(
            iter_train(few(epochs=1), pairs(2), tmp_path / name, base=base)
        )
        return [report.loss for report in reports if report.loss is not None]

    load_model()  # only the last one stays in memory
    first = losses("fresh")
    assert losses("again") == first


@pytest.mark.parametrize("freeze", [True, False])
def test_a_killed_run_goes_on_as_if_nothing_had_been(pairs, base, tmp_path, freeze):
    recipe = few(epochs=4, freeze=freeze)
    whole, expected = run(iter_train(recipe, pairs(2), tmp_path / "a", base=base))

    job = iter_train(recipe, pairs(2), tmp_path / "b", base=base)
    while next(job).done < 8:
        pass
    with pytest.raises(RuntimeError, match="power cut"):
        job.throw(RuntimeError("power cut"))
    assert not (tmp_path / "b").exists()
    job = iter_train(recipe, pairs(2), tmp_path / "b", base=base, resume=True)
    rest, found = run(job)

    def losses(reports):
        return {r.done: r.loss for r in reports if r.what == "steps" and not r.scored}

    known = losses(whole)
    again = losses(rest)
    assert min(again) == 7  # the checkpoint of the second epoch was after step 6
    assert again == {step: known[step] for step in again}
    assert found.after == expected.after


def test_an_existing_model_is_refused_before_anything_runs(pairs, base, tmp_path):
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelError, match="exists already"):
        next(iter_train(few(), pairs(2), tmp_path / "m", base=base))
    with pytest.raises(ModelError, match="bundled"):
        next(iter_train(few(), pairs(2), tmp_path / "herbarium-leaves", base=base))


def test_all_bad_pairs_are_named_before_anything_runs(pairs, base, tmp_path):
    good, bad, worse = pairs(3)
    bad = Pair("half", bad.image, bad.mask[:80])
    worse = Pair("bare", worse.image, None)
    with pytest.raises(SheetError, match=r"(?s)half.*bare"):
        run(iter_train(few(), [good, bad, worse], tmp_path / "m", base=base))
    assert not list(tmp_path.glob("*m*"))


def test_resuming_with_other_sheets_or_recipe_is_refused(pairs, base, tmp_path):
    run(iter_train(few(), pairs(2), tmp_path / "m", base=base), after_four_steps)
    with pytest.raises(SettingsError, match="pairs"):
        run(iter_train(few(), pairs(3), tmp_path / "m", base=base, resume=True))
    other = few(rate=1e-5)
    with pytest.raises(SettingsError, match="recipe"):
        run(iter_train(other, pairs(2), tmp_path / "m", base=base, resume=True))
    with pytest.raises(SettingsError, match="no unfinished training"):
        next(iter_train(few(), pairs(2), tmp_path / "n", base=base, resume=True))


def test_a_stopped_run_can_go_on(pairs, base, tmp_path):
    run(iter_train(few(), pairs(2), tmp_path / "m", base=base), after_four_steps)
    job = iter_train(few(), pairs(2), tmp_path / "m", base=base, resume=True)
    reports, _ = run(job)
    assert min(r.done for r in reports if r.what == "steps" and not r.scored) == 5
    assert load_model(tmp_path / "m").config.figures["ended"] == "all epochs"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_run_killed_before_its_first_step_goes_on_or_begins_anew(
    pairs, base, tmp_path
):
    def killed(wanted):
        for report in (job := iter_train(few(), pairs(2), tmp_path / "m", base=base)):
            if wanted(report):
                break
        with pytest.raises(KeyboardInterrupt):
            job.throw(KeyboardInterrupt)

    killed(lambda report: report.what == "steps" and not report.scored)
    reports, _ = run(
        iter_train(few(), pairs(2), tmp_path / "m", base=base, resume=True)
    )
    assert min(r.done for r in reports if r.what == "steps") == 1
    shutil.rmtree(tmp_path / "m")
    killed(lambda report: report.scored)
    with pytest.raises(SettingsError, match="no unfinished training"):
        run(iter_train(few(), pairs(2), tmp_path / "m", base=base, resume=True))
    run(iter_train(few(), pairs(2), tmp_path / "m", base=base))
    assert (tmp_path / "m").is_dir()


def test_a_full_disk_leaves_the_last_checkpoint(pairs, base, tmp_path, monkeypatch):
    import safetensors.torch

    recipe = few(epochs=3)
    job = iter_train(recipe, pairs(2), tmp_path / "m", base=base)
    for report in job:
        if report.what == "steps" and report.done == 4:
            break

    def full(tensors, path, metadata):
        path.write_bytes(b"half a file")
        raise safetensors.SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(HerbariumError, match="No space left"):
        run(job)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.tmp"))
    job = iter_train(recipe, pairs(2), tmp_path / "m", base=base, resume=True)
    reports, made = run(job)
    assert min(r.done for r in reports if r.what == "steps") == 3 + 1
    assert made.steps == 9


def test_it_stops_when_nothing_gets_better(pairs, base, tmp_path):
    recipe = few(epochs=30, epoch_steps=1, patience=2, rate=1e-12, encoder_rate=1e-12)
    _, made = run(iter_train(recipe, pairs(2), tmp_path / "m", base=base))
    assert made.ended == "no better"
    assert made.steps == 2
    assert made.after == made.before


def test_the_minutes_are_kept(pairs, base, tmp_path):
    recipe = few(epochs=900, minutes=0.1)
    reports, made = run(iter_train(recipe, pairs(2), tmp_path / "m", base=base))
    assert made.ended == "minutes"
    assert 1 <= made.steps < 2700
    left = [r.seconds_left for r in reports if r.seconds_left is not None]
    assert all(0 <= seconds <= 6 for seconds in left)


def test_an_epoch_that_is_cut_short_is_scored_and_shown(pairs, base, tmp_path):
    recipe = few(epochs=900, epoch_steps=7, minutes=0.1)
    reports, made = run(iter_train(recipe, pairs(2), tmp_path / "m", base=base))
    scored = [report.done for report in reports if report.scored]
    assert scored[-1] == made.steps
    rows = list(csv.DictReader((tmp_path / "m" / "metrics.csv").open()))
    assert [int(row["steps"]) for row in rows] == scored


def test_held_out_crops_without_leaf_are_told(base, tmp_path):
    image = np.full((160, 120, 3), 220, np.uint8)
    mask = np.zeros((160, 120), np.uint8)
    mask[80, 60] = 1  # one px cannot be both trained on and held out
    recipe = few(epochs=1, epoch_steps=1)
    pairs = [Pair("dot", image, mask)]
    split = split_by_window({"dot": mask}, recipe.held_out, recipe.seed)
    top, left, bottom, right = split.windows["dot"]
    assert not mask[top:bottom, left:right].any()
    reports, _ = run(iter_train(recipe, pairs, tmp_path / "new", base=base))
    assert any("No held-out crop shows a leaf" in report.note for report in reports)


def test_two_trainings_of_one_name_do_not_meet(pairs, base, tmp_path):
    first = iter_train(few(), pairs(2), tmp_path / "m", base=base)
    next(first)
    with pytest.raises(SettingsError, match="being trained by another run"):
        next(iter_train(few(), pairs(3), tmp_path / "m", base=base))
    first.close()
    assert not list(tmp_path.iterdir())


def test_scorings_do_not_overrun_the_minutes(pairs, base, tmp_path, monkeypatch):
    scored, judge = [], Judge.__call__

    def slow(self, network):
        began = time.monotonic()
        found = judge(self, network)
        scored.append(self)
        time.sleep(max(0.0, 1.5 - (time.monotonic() - began)))
        return found

    monkeypatch.setattr(Judge, "__call__", slow)
    recipe = few(epochs=900, epoch_steps=900, minutes=0.2, rate=1e-12)
    began = time.monotonic()
    job = iter_train(recipe, pairs(2), tmp_path / "m", base=base)
    while not next(job).scored:
        pass
    assert len(scored) == 1  # the start is not scored twice
    _, made = run(job)
    assert made.ended == "minutes"
    assert time.monotonic() - began < 12 + 1


@pytest.mark.parametrize(
    ("step", "said"), [(7, "before that (2) is kept: {out}."), (2, "No model was")]
)
def test_what_was_good_outlasts_a_loss_that_is_no_number(
    pairs, base, tmp_path, monkeypatch, step, said
):
    step_well, judge, scored = Trainer._summed, Judge.__call__, []

    def astray(self, images, masks):
        value = step_well(self, images, masks)
        return float("nan") if self.done == step else value

    def better_and_better(self, network):
        score, found = judge(self, network)
        scored.append(network)
        return replace(score, iou=len(scored) / 100), found

    monkeypatch.setattr(Trainer, "_summed", astray)
    monkeypatch.setattr(Judge, "__call__", better_and_better)
    recipe = few(epochs=4)
    out = tmp_path / "m"
    for resume in (False, True):
        job = iter_train(recipe, pairs(2), out, base=base, resume=resume)
        with pytest.raises(SettingsError, match="lower the rates") as told:
            run(job)
        assert said.format(out=out) in str(told.value)
        assert (tmp_path / ".m.training" / "checkpoint.safetensors").exists()
    if step == 7:
        assert load_model(out).config.figures["ended"] == "went astray"
    else:
        assert not out.exists()
    monkeypatch.undo()
    _, made = run(iter_train(recipe, pairs(2), out, base=base, resume=True))
    assert made.steps == 12
