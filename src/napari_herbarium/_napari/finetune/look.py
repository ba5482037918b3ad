"""Looks into folders to train on: what is there, in words."""

from __future__ import annotations

from pathlib import Path

from napari_herbarium import words
from napari_herbarium.errors import HerbariumError
from napari_herbarium.progress import Job, Progress
from napari_herbarium.train.crops.others import MOST, find_other_sheets
from napari_herbarium.train.pairs.preflight import check_pairs, training_pairs_at

_MOST_FAULTS = 12


def iter_look_at_pairs(folder: Path) -> Job[list[str]]:
    """Count the pairs of a training folder and find what is wrong with them.

    Returns
    -------
    list of str
        Lines.
    """
    faults: list[str] = []
    try:
        pairs = training_pairs_at(folder)
    except HerbariumError as error:
        return ["No pairs in the folder.", _warning(error)]
    for number, pair in enumerate(pairs):
        yield Progress(number, len(pairs), "pairs")
        faults += check_pairs([pair])
    lines = [f"{words.counted(len(pairs), 'pair')} in the folder."]
    lines += map(_warning, faults[:_MOST_FAULTS])
    more = len(faults) - _MOST_FAULTS
    return lines + [f"⚠ … and {more} more"] * (more > 0)


def iter_look_at_others(folder: Path) -> Job[list[str]]:
    """Count the sheets of a folder of other plants.

    Returns
    -------
    list of str
        Lines.
    """
    yield Progress(0, 0, "sheets")
    try:
        count = len(find_other_sheets(folder))
    except HerbariumError as error:
        return [_warning(error)]
    chosen = f", of which {MOST} are chosen at random" if count > MOST else ""
    return [f"{words.sheets(count)} in the folder{chosen}."]


def _warning(what: object) -> str:
    return f"⚠ {what}"
