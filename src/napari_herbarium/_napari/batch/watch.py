"""How far a run is: bar, speed, and the sheets that failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium import words
from napari_herbarium._napari.batch import tooltips
from napari_herbarium._napari.common.controls import bare

if TYPE_CHECKING:
    from napari_herbarium.batch.records.ledger import Entry
    from napari_herbarium.batch.run import BatchProgress

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LIST_PX = 110
_MOST_LISTED = 1000
_LINK = "#3d8bfd"


class BatchWatch(QWidget):
    """Shows a run at work."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setToolTip(tooltips.PROGRESS)
        self.speed = QLabel()
        self.speed.setWordWrap(True)
        self.dashboard = QLabel()
        self.dashboard.setToolTip(tooltips.DASHBOARD)
        self.dashboard.setOpenExternalLinks(True)
        self.failed = QLabel("Failed:")
        self.failures = QListWidget()
        self.failures.setToolTip(tooltips.FAILURES)
        self.failures.setMaximumHeight(_LIST_PX)
        self.failures.setWordWrap(True)
        layout = bare(QVBoxLayout(self))
        shown = (self.bar, self.speed, self.dashboard, self.failed, self.failures)
        for widget in shown:
            layout.addWidget(widget)
        self.begin()
        self.end()

    def begin(self) -> None:
        """Get ready for a new run."""
        self.failures.clear()
        self._show_failures()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.show()
        self.speed.setText("Looking for sheets…")
        self.speed.show()

    def end(self) -> None:
        """Show the failures only."""
        for widget in (self.bar, self.speed, self.dashboard):
            widget.hide()

    def show_progress(self, progress: BatchProgress) -> None:
        """Show how far the run is."""
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self.bar.setFormat("%v of %m sheets")
        self.bar.setTextVisible(progress.total > 0)
        self.speed.setText(speed_in_words(progress))
        self.dashboard.setVisible(progress.dashboard is not None)
        self.dashboard.setText(_link(progress.dashboard))
        failed = [entry for entry in progress.news if entry.state.value == "failed"]
        self.add_failures(failed)

    def add_failures(self, entries: Iterable[Entry]) -> None:
        """Name sheets that failed."""
        for entry in entries:
            if self.failures.count() < _MOST_LISTED:
                item = QListWidgetItem(f"{entry.name}: {entry.reason}")
                item.setToolTip(f"{entry.source}\n{entry.reason}")
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.failures.addItem(item)
        self._show_failures()

    def set_failures(self, entries: Iterable[Entry]) -> None:
        """Name these sheets, and no others."""
        self.failures.clear()
        self.add_failures(entries)

    def _show_failures(self) -> None:
        some = self.failures.count() > 0
        self.failed.setVisible(some)
        self.failures.setVisible(some)


def _link(address: str | None) -> str:
    # Qt's own blue cannot be read on napari's dark ground.
    return f'<a href="{address}" style="color: {_LINK}">Dask dashboard</a>'


def speed_in_words(progress: BatchProgress) -> str:
    """Say rate, time left and how many sheets failed."""
    if progress.what != "sheets":
        return "Writing the tables and the report…"
    if progress.waiting and progress.per_second:
        return "The workers are gone; waiting for new ones."
    if progress.per_second == 0:
        return "The workers are starting; the first sheets take longest."
    parts = [rate_in_words(progress.per_second)]
    if progress.seconds_left is not None:
        parts.append(f"about {words.duration(progress.seconds_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    return ", ".join(parts)


def rate_in_words(per_second: float) -> str:
    """Say how fast sheets go, in the unit that gives a readable number."""
    for unit, seconds in (("second", 1), ("minute", _MINUTE), ("hour", _HOUR)):
        rate = per_second * seconds
        if rate >= 1:
            number = f"{rate:.2g}" if rate < 10 else f"{rate:,.0f}"
            return f"{number} sheets per {unit}"
    return f"{per_second * _DAY:.2g} sheets per day"
