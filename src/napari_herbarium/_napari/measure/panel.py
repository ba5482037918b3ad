"""How "Measure leaves" looks: its controls, one under the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtWidgets import (
    QFormLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_herbarium._napari.common.column import Column
from napari_herbarium._napari.common.controls import show_on, text_label
from napari_herbarium._napari.common.docked import DockedWidget
from napari_herbarium._napari.common.layer_chooser import LayerChooser
from napari_herbarium._napari.measure import tooltips
from napari_herbarium._napari.measure.form import MeasureForm
from napari_herbarium._napari.measure.judge import JudgeBox
from napari_herbarium._napari.measure.learn import LearnBox
from napari_herbarium._napari.measure.save_menu import SaveMenu
from napari_herbarium._napari.measure.scale_box import ScaleBox
from napari_herbarium._napari.measure.table_bar import TableBar
from napari_herbarium._napari.measure.table_view import LeafTable
from napari_herbarium._napari.worker import State
from napari_herbarium.progress import Progress

if TYPE_CHECKING:
    from napari.components import ViewerModel


class MeasurePanel(DockedWidget):
    """Leaves and sheet, scale, table, and what is shown and saved of it.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers can be chosen.
    threshold : float
        From which probability on a leaf counts as whole, to begin with.
    """

    def __init__(self, viewer: ViewerModel, threshold: float) -> None:
        super().__init__()
        self.chooser = LayerChooser(viewer, kind=Labels)
        self.chooser.setToolTip(tooltips.LABELS)
        self.sheet = text_label(tooltips.SHEET)
        self.judge = JudgeBox()
        self.learn = LearnBox()
        self.scale = ScaleBox(viewer)
        self.button = QPushButton()
        self.progress = QProgressBar()
        self.progress.setToolTip(tooltips.PROGRESS)
        self.message = text_label()
        self.bar = TableBar()
        self.table = LeafTable()
        self.form = MeasureForm(threshold)
        self.save = SaveMenu()
        self._lay_out()

    @property
    def is_writing(self) -> bool:
        """Whether files are being saved, or a classifier is being made."""
        runners = (self.save.runner, self.learn.runner)
        return any(runner.state is not State.IDLE for runner in runners)

    def show_progress(self, progress: Progress) -> None:
        """Show how far a job has come."""
        show_on(self.progress, progress)

    def show_message(self, message: str) -> None:
        """Show a sentence; no room is taken when there is none."""
        self.message.setText(message)
        self.message.setVisible(bool(message))

    def enable_results(self, known: bool) -> None:
        """Let the user act on a table, where there is one."""
        for widget in (self.bar, self.table, self.form, self.save):
            widget.setEnabled(known)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        layers = QFormLayout()
        layers.addRow("Leaves", self.chooser)
        layers.addRow("Sheet", self.sheet)
        layers.addRow("Judged by", self.judge)
        column.addLayout(layers)
        column.addWidget(self.learn)
        for widget in (self.scale, self.button, self.progress, self.message, self.bar):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        column.addWidget(self.form)
        column.addWidget(self.save)
        QVBoxLayout(self).addWidget(Column(inside, tall=True))
