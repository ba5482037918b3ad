"""Small pictures of sheets with the outlines of their leaves."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_herbarium.batch.inputs.fetch import NOT_FETCHED, local_file
from napari_herbarium.batch.inputs.places import is_url
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.ledger import Entry
from napari_herbarium.batch.records.outcome import CRASHED, OUT_OF_MEMORY
from napari_herbarium.errors import HerbariumError
from napari_herbarium.measure.files.overlay import draw_overlay
from napari_herbarium.sheet.read import read_sheet

logger = logging.getLogger(__name__)
LONG_SIDE = 480
LARGEST_FAILED = 1 << 28
"""Bytes of the largest failed sheet that is drawn; it is decoded in the leader."""
SECONDS_FOR_ALL = 60.0
"""Huge scans take a second or two each; a page does not need all of them."""


@dataclass(frozen=True)
class Picture:
    """A sheet on the contact sheet.

    Attributes
    ----------
    entry : Entry
        The sheet.
    jpeg : str or None
        Base64.
    labels : str
        Path of its labels, from the run's folder; empty when it has none.
    why_not : str
        Why there is no picture.
    """

    entry: Entry
    jpeg: str | None
    labels: str
    why_not: str = ""


def contact_pictures(plan: Plan, entries: Sequence[Entry]) -> Iterator[Picture]:
    """Draw sheets, one after the other.

    A sheet that cannot be read any more is shown without its picture.
    """
    until = time.monotonic() + SECONDS_FOR_ALL
    for entry in entries:
        path = plan.layout.labels(entry.name)
        labels = path.relative_to(plan.layout.out).as_posix()
        if time.monotonic() > until:
            yield Picture(entry, None, labels, "Not drawn: the sheets are very large.")
            continue
        try:
            jpeg = _jpeg(entry.source, tifffile.imread(path))
        except (HerbariumError, OSError, ValueError) as error:
            yield Picture(entry, None, labels, str(error))
            continue
        yield Picture(entry, jpeg, labels)


def failed_pictures(entries: Sequence[Entry]) -> Iterator[Picture]:
    """Draw sheets that failed, those that can be read.

    A sheet that took its worker along is not opened here.
    """
    until = time.monotonic() + SECONDS_FOR_ALL
    for entry in entries:
        if time.monotonic() > until or not _may_be_opened(entry):
            yield Picture(entry, None, "")
            continue
        try:
            jpeg = _jpeg(entry.source, None)
        except Exception:  # it failed before, and may do so in any way
            logger.debug("%s has no picture", entry.source, exc_info=True)
            jpeg = None
        yield Picture(entry, jpeg, "")


def _may_be_opened(entry: Entry) -> bool:
    unsafe = entry.reason in (CRASHED, OUT_OF_MEMORY)
    return not unsafe and (not is_url(entry.source) or NOT_FETCHED not in entry.reason)


def _jpeg(source: str, labels: Any) -> str:
    """Draw a sheet, with the outlines of its leaves where it has labels."""
    import dask

    # Dask would hand the pieces to a cluster that another program uses.
    with local_file(source) as path, dask.config.set(scheduler="threads"):
        image = read_sheet(path).image
        if labels is None:
            if np.prod(image.shape) > LARGEST_FAILED:
                msg = "too large to be drawn here"
                raise ValueError(msg)
            labels = np.zeros(image.shape[:2], np.uint8)
        drawn = draw_overlay(image, labels, LONG_SIDE)
    stream = BytesIO()
    Image.fromarray(drawn).save(stream, "JPEG", quality=80)
    return base64.b64encode(stream.getvalue()).decode()
