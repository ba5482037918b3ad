"""Where a training keeps its state until the model is done, and the move into place.

The state lies in a hidden folder beside the model-to-be, so that half a model is never
taken for one; the finished folder takes its place in one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.files import put_in_place, unwritable, write_text
from napari_herbarium.model.catalogue import being_trained, is_bundled, training_folder
from napari_herbarium.model.checkpoint import CONFIG, WEIGHTS
from napari_herbarium.train.files.score_log import EVENTS, METRICS
from napari_herbarium.train.pairs.pair import read_json

RUN = "run.json"
WRITTEN = "written.json"
"""SHA-256 of the models that the run wrote when it was stopped."""


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
        return training_folder(self.out)

    @property
    def checkpoint(self) -> Path:
        """Everything that going on needs."""
        return self.folder / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the best epoch so far."""
        return self.folder / "best.safetensors"

    @contextmanager
    def claim(self, *, resume: bool, first: bool = True) -> Iterator[None]:
        """Keep other runs away; refuse to overwrite something, or to resume nothing.

        Parameters
        ----------
        resume : bool
            Go on with what is there.
        first : bool
            Of several processes of one run, only the first holds the lock.

        Raises
        ------
        ModelError
            The model exists (where resumed: and is not what the run wrote when it was
            stopped), or would hide a bundled one.
        SettingsError
            Another run is at work on it, there is an unfinished training of it and
            `resume` is off, or none and it is on.
        HerbariumError
            The folder that it lies in cannot be written.
        """
        self._refuse_bundled()
        if resume:
            self._refuse_without_state()  # before a folder is made for the lock
        with being_trained(self.out) if first else nullcontext():
            self._refuse_what_is_there(resume=resume)
            with self._prepared() if first else nullcontext():
                yield

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        """Make the folder, before any work; nothing stays that cannot be resumed."""
        if not self.checkpoint.exists():
            self.forget()  # it was cut off before there was a state to go on with
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.out.parent, error) from error
        try:
            yield
        finally:
            if not self.checkpoint.exists():
                self.forget()

    def _refuse_bundled(self) -> None:
        if is_bundled(self.out):
            msg = f"{self.out.name!r} is the bundled model's name; choose another one."
            raise ModelError(msg)

    def _refuse_without_state(self) -> None:
        if not self.checkpoint.exists():
            msg = f"There is no unfinished training of {self.out} to go on with."
            raise SettingsError(msg)

    def _refuse_what_is_there(self, *, resume: bool) -> None:
        if resume:
            self._refuse_without_state()
            self._refuse_foreign()
            return
        # A link that leads nowhere is there, too, and the model could not replace it.
        if os.path.lexists(self.out):
            msg = f"{self.out} exists already; choose another name for the new model."
            raise ModelError(msg)
        if self.checkpoint.exists():
            msg = (
                f"There is an unfinished training of {self.out}; go on with it "
                f"(--resume), remove it (the folder {self.folder}), or choose another "
                "name."
            )
            raise SettingsError(msg)

    def _refuse_foreign(self) -> None:
        if self._is_taken():
            msg = (
                f"{self.out} is not the model that this training wrote when it was "
                "stopped; rename it or move it away, then go on (--resume)."
            )
            raise ModelError(msg)

    def _is_taken(self) -> bool:
        """Whether a model stands there that is none of this run's."""
        return os.path.lexists(self.out) and _sha256_of(self.out) not in self._written()

    def _written(self) -> list[str]:
        path = self.folder / WRITTEN
        known: list[str] = read_json(path)["sha256"] if path.exists() else []
        return known

    def _note_written(self, made: Path) -> None:
        known = [*self._written(), _sha256_of(made)]
        write_text(self.folder / WRITTEN, json.dumps({"sha256": known}))

    def refuse_while_trained(self) -> None:
        """Refuse to touch what a run is at work on.

        Raises
        ------
        SettingsError
            Another run is.
        """
        with being_trained(self.out):
            pass

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """Write down what the run is of.

        Raises
        ------
        HerbariumError
            The folder cannot be written.
        """
        write_text(self.folder / RUN, json.dumps(facts, indent=2) + "\n")

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

    def discard(self) -> None:
        """Forget a run that was cut short.

        Raises
        ------
        SettingsError
            It is still at work.
        """
        with being_trained(self.out):
            self.forget()

    def forget(self) -> None:
        """Forget the run; only for the one that has claimed it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self, made: Path, *, keep_state: bool) -> None:
        """Put the finished folder in place; the state goes unless it is kept.

        Raises
        ------
        ModelError
            Something else took the place meanwhile; the finished folder stays.
        HerbariumError
            It cannot be put in place; it stays, and so does an earlier one.
        """
        for name in (METRICS, EVENTS):
            source = self.folder / name
            if source.is_dir():
                shutil.copytree(source, made / name)
            elif source.exists():
                shutil.copy2(source, made / name)
        self._refuse_taken(made)
        if keep_state:
            self._note_written(made)
        self._replace(made)
        if not keep_state:
            self.forget()

    def _refuse_taken(self, made: Path) -> None:
        if self._is_taken():
            msg = (
                f"{self.out} was put there while this training ran and is left as it "
                f"is; the new model is {made}: move that folder to a name that is "
                "free, or move the other away and go on (--resume)."
            )
            raise ModelError(msg)

    def _replace(self, made: Path) -> None:
        earlier = self.folder / "earlier"
        try:
            if self.out.exists():
                shutil.rmtree(earlier, ignore_errors=True)
                put_in_place(self.out, earlier)
            put_in_place(made, self.out)
        except OSError as error:
            if earlier.exists() and not self.out.exists():
                put_in_place(earlier, self.out)
            raise unwritable(self.out, error) from error
        shutil.rmtree(earlier, ignore_errors=True)


def _sha256_of(model: Path) -> str:
    """SHA-256 of a model; empty where there is none to read.

    The configuration counts, too: where nothing was gained, the weights are the base's.
    """
    found = hashlib.sha256()
    try:
        for name in (WEIGHTS, CONFIG):
            found.update((model / name).read_bytes())
    except OSError:
        return ""
    return found.hexdigest()
