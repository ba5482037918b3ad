"""Which files a run writes, and when it may."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_herbarium.errors import SettingsError
from napari_herbarium.files import refuse_held
from napari_herbarium.measure.dictionary import column_names
from napari_herbarium.measure.files.export import has_rows, read_table
from napari_herbarium.measure.rows import COLUMNS
from napari_herbarium.results import LABELS, OVERLAY

SIDECAR = ".leaves.json"
TABLE, TRAITS = "leaves.csv", "traits.csv"


@dataclass(frozen=True)
class Outputs:
    """The files of one sheet."""

    folder: Path
    stem: str

    @property
    def labels(self) -> Path:
        """Labels, as large as the sheet."""
        return self.folder / f"{self.stem}{LABELS}"

    @property
    def overlay(self) -> Path:
        """Reduced picture with outlines and numbers."""
        return self.folder / f"{self.stem}{OVERLAY}"

    @property
    def sidecar(self) -> Path:
        """Settings, model and scale."""
        return self.folder / f"{self.stem}{SIDECAR}"

    @property
    def table(self) -> Path:
        """Rows of all sheets in the folder."""
        return self.folder / TABLE

    @property
    def traits(self) -> Path:
        """Traits of the leaves of all sheets in the folder."""
        return self.folder / TRAITS

    def has_traits(self) -> bool:
        """Whether this sheet was measured before.

        Raises
        ------
        HerbariumError
            The folder's table of traits is another kind of table.
        """
        return has_rows(self.traits, tuple(column_names()), self.stem)

    def files(self, *, overlay: bool) -> list[Path]:
        """Files that belong to this sheet alone."""
        return [self.labels, self.sidecar, *([self.overlay] if overlay else [])]


def check_outputs(
    outputs: Collection[Outputs],
    inputs: Iterable[Path],
    *,
    overlay: bool,
    overwrite: bool,
) -> None:
    """Refuse, before any work, a run that would destroy something.

    Results that exist are refused (all are named) unless `overwrite`; a sheet that is
    read is never written over. Rows of other sheets in the table are no obstacle:
    they are kept.

    Raises
    ------
    SettingsError
        Something would be lost, or a program has a table open.
    HerbariumError
        A table in the folder has other columns.
    """
    files = [file for each in outputs for file in each.files(overlay=overlay)]
    refuse_inputs(files, inputs, "a sheet")
    refuse_existing(files, _rows_that_exist(outputs), overwrite=overwrite)


def refuse_inputs(files: Iterable[Path], inputs: Iterable[Path], what: str) -> None:
    """Refuse results that would replace an input; `what` is how to call it.

    Raises
    ------
    SettingsError
        All such results are named.
    """
    read = {path.resolve() for path in inputs}
    hit = [str(file) for file in files if file.resolve() in read]
    if hit:
        msg = f"A result would replace {what}; choose another --out: {', '.join(hit)}."
        raise SettingsError(msg)


def refuse_existing(
    files: Iterable[Path], rows: Sequence[str], *, overwrite: bool
) -> None:
    """Refuse to replace results, unless told to.

    Raises
    ------
    SettingsError
        Files, or rows of tables, exist; all are named.
    """
    existing = [*(str(file) for file in files if file.exists()), *rows]
    if existing and not overwrite:
        listed = "\n  ".join(existing)
        msg = (
            "These results exist already; add --overwrite to replace them or choose "
            f"another --out:\n  {listed}"
        )
        raise SettingsError(msg)


def _rows_that_exist(outputs: Collection[Outputs]) -> list[str]:
    kinds: dict[Path, tuple[str, ...]] = {each.table: COLUMNS for each in outputs}
    kinds |= {each.traits: tuple(column_names()) for each in outputs}
    rows = []
    for table in sorted(path for path in kinds if path.exists()):
        refuse_held(table)
        sheets = set(read_table(table, kinds[table])["sheet"])
        rows += [
            f"{table}: rows of {each.stem}" for each in outputs if each.stem in sheets
        ]
    return rows
