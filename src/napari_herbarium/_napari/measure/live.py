"""Keeps the table of a labels layer up to date while the user edits the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_herbarium._napari.common.controls import settling
from napari_herbarium._napari.common.layers import (
    LayerSheet,
    full_resolution,
    sheet_of,
    why_no_sheet,
)
from napari_herbarium._napari.measure.changes import (
    Measured,
    Subject,
    iter_update,
    judged,
)
from napari_herbarium._napari.measure.features import write_features, written_whole
from napari_herbarium._napari.measure.flips import (
    WordsBefore,
    flips_of,
    ticked_in,
    with_word,
)
from napari_herbarium._napari.measure.subject import (
    facts_of,
    image_under,
    lay_on,
    why_not_measured,
)
from napari_herbarium._napari.worker import JobRunner, State
from napari_herbarium.settings import DEFAULT_JUDGE, WholeSettings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_SETTLE_MS = 400
# Events after which pixels or their size may be others.
_TELLING = ("set_data", "labels_update", "scale", "units")


class LiveMeasure:
    """Measures the watched layer when asked, and from then on whenever it changes.

    Undo and other plugins change pixels without saying which, so every event after
    which they may have changed leads to a comparison in the background.

    Signals
    -------
    updated : frozenset of int or None
        The table is new; which labels were measured for it, None for all.

    Parameters
    ----------
    viewer : ViewerModel
        Holds the layers.
    owner : QWidget
        Lives as long as this is needed.
    threshold : float
        From which probability on a leaf counts as whole.
    """

    updated = Signal(object)

    def __init__(self, viewer: ViewerModel, owner: QWidget, threshold: float) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None
        self._busy_with: Labels | None = None
        self._done: WeakKeyDictionary[Any, Measured] = WeakKeyDictionary()
        self._flips: dict[int, bool] = {}
        self._before: WeakKeyDictionary[Any, WordsBefore] = WeakKeyDictionary()
        self._away = False
        self.threshold = threshold
        self.judge = DEFAULT_JUDGE
        self.runner = JobRunner()
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_nothing)
        self.runner.cancelled.connect(self._on_nothing)
        self._settle = settling(owner, _SETTLE_MS)
        self._settle.timeout.connect(self._update)
        owner.destroyed.connect(self.close)

    @property
    def layer(self) -> Labels | None:
        """The layer that is watched."""
        return self._layer

    @property
    def image(self) -> Image | None:
        """The sheet under the layer."""
        return None if self._layer is None else image_under(self._viewer, self._layer)

    @property
    def measured(self) -> Measured | None:
        """What was measured of the layer; None before."""
        return None if self._layer is None else self._done.get(self._layer)

    @property
    def flips(self) -> Mapping[int, bool]:
        """What the user said of leaves: label to whole or not."""
        return self._flips

    @property
    def looks_away(self) -> bool:
        """Whether something is done to the layer that changes no pixel."""
        return self._away

    @property
    def settled(self) -> bool:
        """Whether nothing is measured and nothing waits for it."""
        return self.runner.state is State.IDLE and not self._settle.isActive()

    def watch(self, layer: Labels | None) -> None:
        """Turn to a layer; what was measured of others is remembered."""
        self._unwire()
        self._settle.stop()
        self._layer = layer
        self._flips = {}
        if layer is not None:
            self._flips = flips_of(layer)
            layer.events.connect(self._on_layer_event)
        if self.measured is not None:
            self._take_ticks()
            self._judge()
            self.look_again()

    def measure(self) -> bool:
        """Measure the layer, or what changed of it; tell whether it could be."""
        layer = self._layer
        if layer is None or why_not_measured(layer) is not None:
            return False
        lay_on(layer, self.image)
        before = self.measured
        job = partial(iter_update, self._subject(layer, before), before)
        self._busy_with = layer
        self.runner.run_latest(job, f"Measure “{layer.name}”")
        return True

    def say(self, labels: list[int], word: bool | None) -> None:
        """Take the user's word for leaves being whole; None takes it back."""
        self._take_ticks()
        self._flips = with_word(self._flips, labels, word)
        self._judge()

    def forget(self, labels: list[int]) -> None:
        """Leave out what was said of leaves until they are again what they were."""
        self._take_ticks()
        if self._layer is not None and self.measured is not None:
            words = self._before.setdefault(self._layer, WordsBefore())
            words.keep(labels, self._flips, self.measured.table)
        self.say(labels, None)

    def flip(self, labels: list[int]) -> None:
        """Say the opposite of each leaf; a leaf of which nothing is known is whole."""
        self._take_ticks()
        if self.measured is None:
            return
        known = self.measured.table.set_index("label")["whole"]
        for label in labels:
            whole = known.get(label)
            opposite = not whole if whole in (True, False) else True
            self._flips = with_word(self._flips, [label], opposite)
        self._judge()

    def set_threshold(self, threshold: float) -> None:
        """Count leaves as whole from another probability on."""
        self.threshold = threshold
        self._take_ticks()
        self._judge()

    def heed_ticks(self) -> None:
        """Take for the user's word, at once, what was ticked in napari's own table."""
        if self._take_ticks():
            self._judge()

    def set_judge(self, judge: WholeSettings) -> None:
        """Let another classifier say which leaves are whole."""
        self.judge = judge
        self.look_again()

    def look_again(self) -> None:
        """Look soon whether there is something to measure again."""
        if self.measured is not None or self._busy_with is self._layer:
            self._settle.start()

    def drop(self, layer: object) -> None:
        """Stop measuring a layer that was removed."""
        if layer is self._busy_with:
            self._busy_with = None
            self.runner.cancel()

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Do something to the layer that changes no pixel."""
        self._away = True
        try:
            yield
        finally:
            self._away = False

    def close(self) -> None:
        """Stop, and listen no longer."""
        self._unwire()
        self.runner.close()
        self._layer = None

    def _unwire(self) -> None:
        if self._layer is not None:
            self._layer.events.disconnect(self._on_layer_event)

    def _subject(self, layer: Labels, before: Measured | None) -> Subject:
        picture = _picture(self.image)
        if picture is None and before is not None:
            picture = before.picture  # the image was removed; its colours still hold
        return Subject(
            full_resolution(layer), facts_of(layer, self.image), picture, self.judge
        )

    def _on_layer_event(self, event: Any) -> None:
        if not self._away and event.type in _TELLING:
            self.look_again()

    def _update(self) -> None:
        if self.runner.state is State.IDLE:
            self.measure()
        else:
            self._settle.start()

    def _on_done(self, measured: Measured) -> None:
        layer, self._busy_with = self._busy_with, None
        if layer is None or layer not in self._viewer.layers:
            return
        if self._layer is None or layer is not self._layer:
            self._done[layer] = measured  # shown when the user comes back to it
            return
        ticked, before = self._take_ticks(), self._done.get(layer)
        self._done[layer] = measured
        same = before is not None and (measured.facts, measured.classifier) == (
            before.facts,
            before.classifier,
        )
        returned = before is not None and self._take_back(before)
        known = same and not (ticked or returned) and "whole_by" in self._layer.features
        if not known or measured.again != frozenset():
            self._judge(measured.again)

    def _on_nothing(self) -> None:
        """Whoever stopped the first run, or saw it fail, starts the next one."""
        self._busy_with = None

    def _take_ticks(self) -> bool:
        """Take for the user's word what was ticked in napari's table of features."""
        ticked: dict[int, bool] = {}
        if self._layer is not None:
            # Not what was measured: that may be newer than what the user has seen.
            written = written_whole(self._layer)
            ticked = ticked_in(self._layer.features, written)
        self._flips = {**self._flips, **ticked}
        return bool(ticked)

    def _take_back(self, before: Measured) -> bool:
        """Take the words again of leaves that were repaired, where it was undone."""
        words, measured = self._before.get(self._layer), self.measured
        # What was measured before the last change may show leaves that are no more.
        if words is None or measured is None or self._settle.isActive():
            return False
        returned = words.returned(self._flips, before.table, measured.table)
        for label, word in returned.items():
            self._flips = with_word(self._flips, [label], word)
        return bool(returned)

    def _judge(self, again: frozenset[int] | None = frozenset()) -> None:
        layer, measured = self._layer, self.measured
        if layer is None or measured is None:
            return
        measured = judged(measured, self.threshold, self._flips)
        self._done[layer] = measured
        write_features(layer, measured.table, by_user=bool(self._flips))
        self.updated.emit(again)


def _picture(image: Image | None) -> LayerSheet | None:
    return None if image is None or why_no_sheet(image) else sheet_of(image)
