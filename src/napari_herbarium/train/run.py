"""One training run: steps, scores, checkpoints, and the model that is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_herbarium.model.normalise import normaliser
from napari_herbarium.train.base_share import (
    is_hardly_better,
    mix_in_base,
    share_of_base,
    weights_of,
)
from napari_herbarium.train.clock import Clock
from napari_herbarium.train.crops.batches import batches
from napari_herbarium.train.crops.held_out import Judge, preview, worst_crop
from napari_herbarium.train.files.model_folder import write_folder
from napari_herbarium.train.files.score_log import EVENTS, Events, write_metrics
from napari_herbarium.train.files.state import load_tensors, save_tensors
from napari_herbarium.train.files.workplace import Workplace
from napari_herbarium.train.plan import Plan
from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe
from napari_herbarium.train.report import Score, TrainedModel, TrainProgress
from napari_herbarium.train.trainer import AstrayError, Trainer

if TYPE_CHECKING:
    from torch import Tensor

SAVE_EVERY_SECONDS = 300.0
"""Epochs may be long; no more than this is lost."""


class Run:
    """A training run; see `napari_herbarium.train.train.iter_train`."""

    def __init__(
        self,
        recipe: PaperRecipe | FewSheetsRecipe,
        plan: Plan,
        place: Workplace,
        name: str,
        started: float,
    ) -> None:
        config = plan.config
        normalise = normaliser(config.mean, config.std)
        self.recipe, self.plan, self.place, self.name = recipe, plan, place, name
        self._start = weights_of(plan.network)
        self.trainer = Trainer(plan.network, plan.settings, normalise, plan.loss)
        self.clock = Clock(recipe.minutes, started, self._scorings_at_end())
        self.judge = Judge(
            plan.val, normalise, plan.loss, self.trainer.fabric, config.threshold
        )
        self.ended = "all epochs"
        self._rows: list[dict[str, Any]] = []
        self._losses: list[float] = []
        self._best: tuple[int, float] | None = None
        self._newest: Score | None = None
        self._saved = time.monotonic()
        self._events: Events | None = None

    def begin(self, *, resume: bool) -> None:
        """Score the start, or go back to where the run was.

        Raises
        ------
        HerbariumError
            The state cannot be written, read, or is of another run.
        """
        import torch

        start = self.trainer.average.network
        began = time.monotonic()
        self._before, self._found_before = self.judge(start)
        self.clock.scoring = time.monotonic() - began
        self._which = worst_crop(self.judge, self._found_before)
        if resume:
            self.place.check_run(self._facts())
            self._restore(self.trainer.resume(self.place.checkpoint))
            return
        # A base model that was in memory already has drawn nothing while loading.
        torch.manual_seed(self.recipe.seed)
        if self._writes:
            self.place.write_run(self._facts())

    @property
    def _writes(self) -> bool:
        """Of several processes, only one writes."""
        return bool(self.trainer.fabric.is_global_zero)

    def _facts(self) -> dict[str, Any]:
        free = {"minutes", "micro_batch", "threads", "devices", "num_nodes"}
        return {
            "recipe": self.recipe.model_dump(mode="json", exclude=free),
            "base": self.plan.base,
            "pairs": self.plan.data,
            "other sheets": self.plan.others,
        }

    def _restore(self, facts: dict[str, Any]) -> None:
        self._rows, self._losses = facts["rows"], facts["losses"]
        self._best = facts["best"] and tuple(facts["best"])
        self._newest = facts["newest"] and Score(**facts["newest"])
        self.clock.spent_before = facts["seconds"]
        if self._best is None:
            self.place.best.unlink(missing_ok=True)

    def iter_steps(self) -> Iterator[TrainProgress]:
        """Train until the end; say in `ended` what the end was.

        Raises
        ------
        AstrayError
            Losses are no numbers any more; the message says what was kept.
        """
        plan, trainer = self.plan, self.trainer
        if not self._rows:
            yield self._score()
            self._save()
        self.clock.tick()
        steps = batches(plan.sample_at, plan.settings, trainer.done, trainer.fabric)
        for images, masks in steps:
            if self._is_over():
                break
            self._losses.append(self._step(images, masks))
            self.clock.tick(step=True)
            if self.clock.knows_speed:
                self._replan()
            yield self.progress()
            if trainer.done % plan.epoch_steps == 0:
                yield self._score()
                self._save()
            elif time.monotonic() - self._saved > SAVE_EVERY_SECONDS:
                self._save()
        else:
            self._is_over()
        if self._losses:
            # The last epoch was cut short; what it brought is scored like any other.
            yield self._score()

    def _step(self, images: Tensor, masks: Tensor) -> float:
        try:
            return self.trainer.step(images, masks)
        except AstrayError as error:
            msg = f"{error} {self._kept_of_astray()}"
            raise AstrayError(msg) from error

    def _kept_of_astray(self) -> str:
        """Keep the best epoch, as a stop does, and say what there is now."""
        # Of several processes the others are in a step, not here.
        alone = self.trainer.fabric.world_size == 1
        if not (alone and self._best and self._best[0] > 0):
            folder = self.place.folder
            return f"No model was written; the state of before stays in {folder}."
        # The newest state may be no numbers either; the one on disk stays.
        made = self._write_best("went astray", keep_state=True)
        if made.of_base == 1:
            return f"So little had been gained that {made.folder} is the base model."
        return f"The best epoch before that ({self._best[0]}) is kept: {made.folder}."

    def _replan(self) -> None:
        """Fit the schedule into the minutes, at the speed there is."""
        left = self.clock.steps_left(self.plan.epoch_steps)
        if left is not None:
            most = self.plan.settings.steps
            steps = min(most, self.trainer.done + max(1, left))
            self.trainer.steps = self.trainer.agreed(steps)

    def _is_over(self) -> bool:
        epoch = self.trainer.done // self.plan.epoch_steps
        patience = self.plan.patience
        since = epoch - (self._best[0] if self._best else 0)
        if self.trainer.done >= self.plan.settings.steps:
            self.ended = "all epochs"
        elif patience is not None and since >= patience:
            self.ended = "no better"
        elif self.trainer.agreed(self.clock.is_over()):
            self.ended = "minutes"
        else:
            return False
        return True

    def _score(self) -> TrainProgress:
        """Score the average network; remember it where it is the best so far."""
        began = time.monotonic()
        network = self.trainer.average.network
        trained = self.trainer.done > 0
        start = self._before, self._found_before  # scored already
        score, found = self.judge(network) if trained else start
        self._newest = score
        epoch = -(-self.trainer.done // self.plan.epoch_steps)
        best = self._is_best(score, epoch)
        if best:
            self._best = epoch, score.iou
        if best and self._writes:
            save_tensors(self.place.best, network.state_dict(), {"epoch": epoch})
        self._note_row(epoch, score)
        report = self.progress()
        self._losses = []
        if trained:
            self.clock.scoring = time.monotonic() - began
        self.clock.tick()
        shown = preview(self.judge, self._which, self._found_before, found)
        note = self.plan.note if epoch == 0 else ""
        return replace(report, scored=True, best=best, preview=shown, note=note)

    def _is_best(self, score: Score, epoch: int) -> bool:
        """Tell whether to keep this one; an untrained start is nothing to keep."""
        if epoch == 0 and self.plan.base is None:
            return False
        # An IoU that is no number (nothing found, nothing there) beats none.
        return self._best is None or score.iou > self._best[1]

    def _note_row(self, epoch: int, score: Score) -> None:
        losses = self._losses
        row = {
            "epoch": epoch,
            "steps": self.trainer.done,
            "seconds": round(self.clock.spent, 1),
            "loss": sum(losses) / len(losses) if losses else "",
            **score.as_dict(),
        }
        self._rows.append(row)
        if self._writes:
            write_metrics(self.place.folder, self._rows)
            if self._events is None:
                self._events = Events(self.place.folder / EVENTS)
            self._events.add(row)

    def _save(self) -> None:
        facts = {
            "rows": self._rows,
            "losses": self._losses,
            "best": self._best,
            "newest": self._newest and self._newest.as_dict(),
            "seconds": self.clock.spent,
        }
        self.trainer.save(self.place.checkpoint, facts)
        self._saved = time.monotonic()

    def progress(self) -> TrainProgress:
        """Say how far the run has come."""
        done = self.trainer.done
        total = max(done, self.trainer.steps)
        scores: dict[str, Any] = self._newest.as_dict() if self._newest else {}
        losses = self._losses
        return TrainProgress(
            done,
            total,
            "steps",
            epoch=-(-done // self.plan.epoch_steps),
            loss=sum(losses) / len(losses) if losses else None,
            seconds_left=self.clock.seconds_for(total - done, self.plan.epoch_steps),
            **scores,
        )

    def keep(self, ended: str, *, keep_state: bool = False) -> TrainedModel:
        """Write the model folder from the best epoch; give what was made.

        Raises
        ------
        HerbariumError
            It cannot be written.
        """
        if self._losses and self._best is None:
            self._score()
        if keep_state:
            self._save()
        self.trainer.fabric.barrier()
        return self._write_best(ended, keep_state=keep_state)

    def _write_best(self, ended: str, *, keep_state: bool) -> TrainedModel:
        if self._events is not None:
            self._events.close()
        after, of_base = self._load_best()
        test = self._test()
        made = TrainedModel(
            self.place.out,
            self.name,
            self._before,
            after,
            test,
            -(-self.trainer.done // self.plan.epoch_steps),
            self.trainer.done,
            ended,
            of_base,
        )
        if self._writes:
            network = self.trainer.average.network
            folder = write_folder(self.place, self.plan, self.recipe, made, network)
            self.place.finish(folder, keep_state=keep_state)
        return made

    def _load_best(self) -> tuple[Score, float]:
        """Bring back the best epoch, mixed with the base; give score and share."""
        network = self.trainer.average.network
        if self.place.best.exists():
            state, _ = load_tensors(self.place.best)
            network.load_state_dict(state)
        tuned, _ = self.judge(network)
        before, has_base = self._before, self.plan.base is not None
        if has_base and is_hardly_better(tuned, before, self.recipe):
            network.load_state_dict(self._start)
            return before, 1.0
        share = share_of_base(self.recipe, len(self.plan.data))
        if not share:
            return tuned, 0.0
        return mix_in_base(network, self._start, share, self.judge, tuned, before)

    def _scorings_at_end(self) -> float:
        """Count the last epoch's, the kept one's, its means' and the test sheets'."""
        means = 2 if share_of_base(self.recipe, len(self.plan.data)) else 0
        return 2 + means + len(self.plan.test) / len(self.plan.val)

    def _test(self) -> Score | None:
        if not self.plan.test:
            return None
        judge = replace(self.judge, crops=self.plan.test)
        return judge(self.trainer.average.network)[0]
