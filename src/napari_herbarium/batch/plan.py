"""What all workers of a run have to know, and what tells one run from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_herbarium.batch.records.layout import Layout, digits_for
from napari_herbarium.batch.settings import BatchSettings
from napari_herbarium.errors import SettingsError
from napari_herbarium.measure.files.export import write_json
from napari_herbarium.model.catalogue import find_model
from napari_herbarium.model.checkpoint import WEIGHTS, ModelConfig, read_config
from napari_herbarium.plain_json import parsed

# Leaves are the same however many tiles the network is given at a time. They are not
# where tiles have another size: the network then sees less, or more, around a leaf.
_NOT_DECISIVE = {"segment": {"batch"}}


@dataclass(frozen=True)
class Plan:
    """A run, as every worker sees it.

    Attributes
    ----------
    layout : Layout
        Where results go.
    settings : BatchSettings
        What decides them.
    model_folder, model_name, model_version, model_sha256 : str
        The model, and the checksum that every worker's copy must have.
    software : str
        Version of this package.
    columns : tuple of str
        Columns of the manifest that are carried.
    started : str
        When the run was begun, in UTC.
    """

    layout: Layout
    settings: BatchSettings
    model_folder: str
    model_name: str
    model_version: str
    model_sha256: str
    software: str
    columns: tuple[str, ...] = ()
    started: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of settings, model and software: what decides the results."""
        decisive = {
            "settings": self.settings.model_dump(mode="json", exclude=_NOT_DECISIVE),
            "model": self.model_sha256,
            "software": self.software,
        }
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """Give what is written down of the run."""
        return {
            "software": {"napari-herbarium": self.software},
            "started": self.started,
            "fingerprint": self.fingerprint,
            "model": {
                "name": self.model_name,
                "version": self.model_version,
                "sha256": self.model_sha256,
                "folder": self.model_folder,
            },
            "settings": self.settings.model_dump(mode="json"),
            "columns": list(self.columns),
            "digits": self.layout.digits,
        }


def make_plan(
    out: Path, settings: BatchSettings, columns: Sequence[str], sheets: int
) -> Plan:
    """Plan a new run.

    Raises
    ------
    ModelError
        There is no such model, or its folder is damaged.
    """
    folder = find_model(settings.segment.model)
    config: ModelConfig = read_config(folder)
    return Plan(
        Layout(Path(out).absolute(), digits_for(sheets)),
        settings,
        str(folder.absolute()),
        config.name,
        config.version,
        _sha256(folder / WEIGHTS),
        version("napari-herbarium"),
        tuple(columns),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""  # the first worker says what is wrong
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_plan(plan: Plan) -> None:
    """Write down a run, so that it can be gone on with.

    Raises
    ------
    HerbariumError
        The folder cannot be written.
    """
    write_json(plan.layout.run, plan.facts())


def read_plan(out: Path) -> Plan:
    """Read what was written down of a run.

    Raises
    ------
    SettingsError
        The folder holds no run, or of another kind.
    """
    path = Layout(Path(out).absolute()).run
    try:
        facts = parsed(path.read_text(encoding="utf-8"))
        model = facts["model"]
        return Plan(
            Layout(Path(out).absolute(), int(facts["digits"])),
            BatchSettings.model_validate(facts["settings"]),
            model["folder"],
            model["name"],
            model["version"],
            model["sha256"],
            facts["software"]["napari-herbarium"],
            tuple(facts["columns"]),
            facts["started"],
        )
    except FileNotFoundError as error:
        msg = f"{out} holds no batch run (no {path.name}); choose the --out of one."
        raise SettingsError(msg) from error
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        msg = (
            f"{path} does not describe a run of this version ({error}); choose another "
            "folder, or begin a new run, which keeps what is there in a subfolder."
        )
        raise SettingsError(msg) from error


def differences(old: Plan, new: Plan) -> list[str]:
    """Say what would make results of one run differ from the other's."""
    changes = []
    if old.model_sha256 != new.model_sha256:
        changes.append(f"the model ({old.model_name} to {new.model_name})")
    if old.software != new.software:
        changes.append(f"the software ({old.software} to {new.software})")
    before, now = (
        _flat(p.settings.model_dump(mode="json", exclude=_NOT_DECISIVE))
        for p in (old, new)
    )
    changes += [
        f"{key} ({before[key]} to {now[key]})"
        for key in now
        if key in before and before[key] != now[key] and key != "segment.model"
    ]
    missing = [name for name in new.columns if name not in old.columns]
    if missing:
        changes.append(f"the columns of the manifest ({', '.join(missing)} are new)")
    return changes


def resumed(begun: Plan, now: Plan) -> Plan:
    """Give a run as it was begun, with what may be otherwise now."""
    segment = begun.settings.segment.model_copy(
        update={"batch": now.settings.segment.batch}
    )
    settings = begun.settings.model_copy(update={"segment": segment})
    return replace(begun, settings=settings)


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
