"""Leaf settings that act at once on the last result, without the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from napari.layers import Image, Labels
from psygnal import Signal

from napari_herbarium._napari.common.labels_output import (
    Leaves,
    is_edited,
    rewrite_leaves,
)
from napari_herbarium._napari.common.layers import mm_per_px
from napari_herbarium._napari.segment.job import Segmented, iter_leaves
from napari_herbarium._napari.worker import JobRunner
from napari_herbarium.settings import LeafSettings

_EDITED = (
    "You have edited these leaves, so settings no longer change them. Segment again "
    "to get a new layer beside them."
)


@dataclass(frozen=True)
class _Result:
    image: Image
    layer: Labels
    segmented: Segmented
    leaves: Leaves


class LeafTuner:
    """Keeps the probability of the last run and extracts leaves anew from it.

    It stops to do so as soon as the user has edited the leaves.

    Signals
    -------
    tuned : Labels
        The layer is as the settings say.
    refused : str
        Why it was not, in words.
    """

    tuned = Signal(object)
    refused = Signal(str)

    def __init__(self) -> None:
        self._result: _Result | None = None
        self.runner = JobRunner()
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self.refused)

    def keep(
        self, image: Image, layer: Labels, segmented: Segmented, leaves: Leaves
    ) -> None:
        """Take the result of a run, in place of the one before."""
        self.runner.cancel()
        self._result = _Result(image, layer, segmented, leaves)

    def forget(self, removed: object) -> None:
        """Let the result go when its image or its leaves were removed."""
        result = self._result
        if result is not None and removed in (result.image, result.layer):
            self.runner.cancel()
            self._result = None

    def tune(self, image: Image | None, settings: LeafSettings) -> None:
        """Bring the leaves of `image` up to date with the settings, if they are ours.

        Nothing happens when the last run was on another image, or when the leaves
        already are as the settings say.
        """
        result = self._result
        if result is None or result.image is not image:
            return
        size = mm_per_px(image)
        if (settings, size) == (result.leaves.leaf_settings, result.leaves.mm_per_px):
            # An update on its way would bring older settings.
            self.runner.cancel()
            self.tuned.emit(result.layer)
        elif is_edited(result.layer):
            self.refused.emit(_EDITED)
        else:
            job = partial(iter_leaves, result.segmented, settings, size)
            self.runner.run_latest(job, "Update leaves")

    def _on_done(self, leaves: Leaves) -> None:
        result = self._result
        if result is None:
            return
        if is_edited(result.layer):  # the user has begun to paint meanwhile
            self.refused.emit(_EDITED)
            return
        rewrite_leaves(result.layer, result.image, leaves)
        self._result = replace(result, leaves=leaves)
        self.tuned.emit(result.layer)
