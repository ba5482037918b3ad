"""The controls of "Segment a folder"."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from napari_herbarium._napari.batch import tooltips
from napari_herbarium._napari.batch.order import Order, with_subfolders
from napari_herbarium._napari.common.controls import (
    bare,
    button,
    check,
    form_layout,
    spin,
)
from napari_herbarium._napari.common.path_line import FolderRow, PathLine, ask_folder
from napari_herbarium._napari.preferences import Preferences
from napari_herbarium._napari.segment.form import SegmentForm
from napari_herbarium.batch.settings import BatchSettings, Workforce
from napari_herbarium.sheet.read import SUFFIXES

_TABLES = (".csv", ".tsv", ".parquet")
_MOST_WORKERS = 64


class BatchForm(QWidget):
    """Which sheets, where to, and how.

    Signals
    -------
    changed
        Something is otherwise than before.

    Parameters
    ----------
    preferences : Preferences
        What the controls start with.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._proposed = ""
        self._build(preferences)
        self._lay_out()
        self._connect()

    def order(self) -> Order | None:
        """Give what the user asks for; None while sheets or results are missing."""
        inputs, out = self.sheets.paths(), self.results.folder()
        if not inputs or out is None:
            return None
        if self.subfolders.isChecked():
            inputs = list(with_subfolders(inputs))
        return Order(
            tuple(inputs),
            out,
            self._settings(),
            Workforce(workers=self.workers.value() or None),
            csv=self.csv.isChecked(),
            anew=self.anew.isChecked(),
            retry=self.retry.isChecked(),
        )

    def show_earlier(self, *, has_run: bool, failed: bool) -> None:
        """Offer what can be done with an earlier run in the folder."""
        self.anew.setVisible(has_run)
        self.retry.setVisible(failed or (has_run and self.retry.isChecked()))

    def forget_earlier(self) -> None:
        """Take back what was said about an earlier run."""
        for box in (self.anew, self.retry):
            box.blockSignals(True)
            box.setChecked(False)
            box.blockSignals(False)

    def _settings(self) -> BatchSettings:
        return BatchSettings(
            segment=self.how.segment_settings(),
            leaves=self.how.leaf_settings(),
            measure=self.measure.isChecked(),
            overlay=self.overlay.isChecked(),
        )

    def _build(self, preferences: Preferences) -> None:
        self.sheets = PathLine(tooltips.SHEETS, "folder or files")
        self.folder = button("Folder…", tooltips.FOLDER)
        self.files = button("Files…", tooltips.FILES)
        self.subfolders = check("Subfolders, too", tooltips.SUBFOLDERS)
        self.results = FolderRow(
            tooltips.RESULTS, tooltips.BROWSE_RESULTS, "folder for the results"
        )
        self.measure = check("Measure every leaf", tooltips.MEASURE, checked=True)
        self.csv = check("Table as CSV", tooltips.CSV, checked=True)
        self.overlay = check("Pictures with outlines", tooltips.OVERLAY)
        self.workers = QSpinBox()
        self.workers.setRange(0, _MOST_WORKERS)
        self.workers.setSpecialValueText("Automatic")
        spin(self.workers, tooltips.WORKERS, "", 0)
        self.anew = check("Begin a new run", tooltips.ANEW)
        self.retry = check("Try failed sheets again", tooltips.RETRY)
        self.how = _how(preferences)
        self.show_earlier(has_run=False, failed=False)

    def _lay_out(self) -> None:
        choose = QHBoxLayout()
        choose.addWidget(self.folder)
        choose.addWidget(self.files)
        choose.addStretch(1)
        places = form_layout()
        places.addRow("Sheets", self.sheets)
        places.addRow("", choose)
        places.addRow("", self.subfolders)
        places.addRow("Results", self.results)
        workers = form_layout()
        workers.addRow("Workers", self.workers)
        layout = bare(
            QVBoxLayout(self), places, self.anew, self.retry, self.how, workers
        )
        # One under the other: side by side they would not fit a narrow dock.
        for output in (self.measure, self.csv, self.overlay):
            layout.addWidget(output)

    def _connect(self) -> None:
        self.folder.clicked.connect(self._choose_folder)
        self.files.clicked.connect(self._choose_files)
        self.sheets.textChanged.connect(self._propose_results)
        self.sheets.textChanged.connect(self.changed)
        self.results.changed.connect(self.changed)
        for box in (
            self.subfolders,
            self.measure,
            self.csv,
            self.overlay,
            self.anew,
            self.retry,
        ):
            box.toggled.connect(self.changed)
        self.how.leaf_settings_changed.connect(self.changed)
        self.how.models.chosen.connect(self.changed)
        for choice in (self.how.detail, self.how.device):
            choice.currentIndexChanged.connect(self.changed)
        for number in (self.how.tile, self.how.batch):
            number.valueChanged.connect(self.changed)

    def _propose_results(self) -> None:
        """Propose a folder beside that of the sheets, until the user names one."""
        line, paths = self.results.line, self.sheets.paths()
        if not paths or line.text() != self._proposed:
            return
        first = Path(paths[0])
        is_file = first.suffix.lower() in (*SUFFIXES, *_TABLES)
        folder = first.parent if is_file else first
        if folder.name:
            self._proposed = str(folder.with_name(f"{folder.name} leaves"))
            self.results.set_folder(self._proposed)

    def _choose_folder(self) -> None:
        folder = ask_folder(self, tooltips.FOLDER, self.sheets)
        if folder:
            self.sheets.set_paths([folder])

    def _choose_files(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in (*sorted(SUFFIXES), *_TABLES))
        files, _ = QFileDialog.getOpenFileNames(
            self, "Choose sheets", "", f"Sheets and tables ({patterns})"
        )
        if files:
            self.sheets.set_paths(files)


def _how(preferences: Preferences) -> SegmentForm:
    """Give the controls of "Segment leaves", as they are meant for many sheets."""
    form = SegmentForm(preferences)
    # A sheet without scale takes its smallest leaf from this, too.
    form.set_calibrated(True)
    form.threshold.setToolTip(tooltips.THRESHOLD)
    form.min_area.setToolTip(tooltips.MIN_AREA)
    form.fill_holes.setToolTip(tooltips.FILL_HOLES)
    form.touching.setToolTip(tooltips.TOUCHING)
    return form
