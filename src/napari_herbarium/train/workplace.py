"""Where a training keeps its state until the model is done, and the move into place.

The state lies in a hidden folder beside the model-to-be, so that half a model is never
taken for one; the finished folder takes its place in one rename.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.files import replacing
from napari_herbarium.model.catalogue import is_bundled
from napari_herbarium.train.pair import read_json

RUN, METRICS, EVENTS = "run.json", "metrics.csv", "events"
COLUMNS = (
    "epoch",
    "steps",
    "seconds",
    "loss",
    "val_loss",
    "iou",
    "precision",
    "recall",
    "boundary_f",
)


@dataclass(frozen=True)
class Workplace:
    """Files of a training run.

    Attributes
    ----------
    out : Path
        The model folder that is to be made.
    """

    out: Path

    @property
    def folder(self) -> Path:
        """Hidden folder beside the model-to-be."""
        return self.out.with_name(f".{self.out.name}.training")

    @property
    def checkpoint(self) -> Path:
        """Everything that going on needs."""
        return self.folder / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the best epoch so far."""
        return self.folder / "best.safetensors"

    def claim(self, *, resume: bool) -> None:
        """Refuse what would overwrite something, or resume nothing.

        Raises
        ------
        ModelError
            The model exists, or would hide a bundled one.
        SettingsError
            There is an unfinished training of it and `resume` is off, or none and it
            is on.
        """
        if is_bundled(self.out):
            msg = f"{self.out.name!r} is the bundled model's name; choose another one."
            raise ModelError(msg)
        if resume:
            if not self.checkpoint.exists():
                msg = f"There is no unfinished training of {self.out} to go on with."
                raise SettingsError(msg)
            return
        if self.out.exists():
            msg = f"{self.out} exists already; choose another name for the new model."
            raise ModelError(msg)
        if self.checkpoint.exists():
            msg = (
                f"There is an unfinished training of {self.out}; go on with it "
                f"(--resume), remove it (the folder {self.folder}), or choose another "
                "name."
            )
            raise SettingsError(msg)
        self.discard()  # what was cut off before there was anything to go on with

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """Write down what the run is of.

        Raises
        ------
        HerbariumError
            The folder cannot be written.
        """
        with replacing(self.folder / RUN) as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")

    def check_run(self, facts: Mapping[str, Any]) -> None:
        """Refuse to go on with a run of something else.

        Raises
        ------
        SettingsError
            Recipe, base model or pairs differ; the message names which.
        """
        known = read_json(self.folder / RUN)
        plain = json.loads(json.dumps(facts))
        other = [key for key in plain if plain[key] != known.get(key)]
        if other:
            msg = (
                f"The unfinished training of {self.out} had another "
                f"{' and '.join(other)}; give the same to go on, or choose another "
                "name."
            )
            raise SettingsError(msg)

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the scores of all epochs so far as CSV."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with replacing(self.folder / METRICS) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")

    def discard(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self, made: Path, *, keep_state: bool) -> None:
        """Put the finished folder in place; the state goes unless it is kept."""
        for name in (METRICS, EVENTS):
            source = self.folder / name
            if source.is_dir():
                shutil.copytree(source, made / name)
            elif source.exists():
                shutil.copy2(source, made / name)
        # Only a resumed run finds its own earlier model here.
        earlier = self.folder / "earlier"
        if self.out.exists():
            os.replace(self.out, earlier)
        os.replace(made, self.out)
        shutil.rmtree(earlier, ignore_errors=True)
        if not keep_state:
            self.discard()


class Events:
    """TensorBoard events, if TensorBoard is installed; otherwise nothing."""

    def __init__(self, folder: Path) -> None:
        from importlib.util import find_spec

        self._writer: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder))

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the scores of an epoch."""
        if self._writer is None:
            return
        for name in COLUMNS[3:]:
            if row[name] != "":
                self._writer.add_scalar(name, row[name], row["steps"])
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
