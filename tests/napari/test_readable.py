"""What is shown can be read: another theme, a large font, odd and long names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from napari.qt import get_current_stylesheet
from napari.settings import get_settings
from qtpy.QtCore import QEvent
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication

from napari_herbarium._napari.common.choices import Choices
from napari_herbarium._napari.common.controls import text_label
from napari_herbarium._napari.measure.histogram import Histogram
from napari_herbarium._napari.measure.widget import MeasureLeaves
from napari_herbarium._napari.segment.widget import SegmentLeaves

LONG = "Quercus robur L. subsp. pedunculiflora (K.Koch) Menitsky, Iran 2019"
LARGE = 20


def test_a_histogram_follows_a_change_of_the_theme(qtbot):
    histogram = Histogram()
    qtbot.addWidget(histogram)
    table = pd.DataFrame({"whole": [True, False], "length_mm": [20.0, 30.0]})
    histogram.show_trait(table, "length_mm")
    for ink in ("#102030", "#f0e0d0"):
        palette = QPalette(histogram.palette())
        palette.setColor(QPalette.ColorRole.WindowText, QColor(ink))
        histogram.setPalette(palette)
        axes = histogram._figure.axes[0]
        assert axes.xaxis.label.get_color() == ink
        assert to_hex(axes.get_legend().get_texts()[0].get_color()) == ink


@pytest.fixture
def large_font():
    appearance = get_settings().appearance
    before = appearance.font_size
    appearance.font_size = LARGE
    yield
    appearance.font_size = before


@pytest.mark.usefixtures("large_font", "judge")
def test_a_larger_font_is_for_tables_and_lines_too(docked):
    table = docked(MeasureLeaves).table
    table.ensurePolished()
    assert table.font().pointSize() == LARGE
    assert table.verticalHeader().defaultSectionSize() > table.fontMetrics().height()


@pytest.mark.usefixtures("judge")
def test_an_open_widget_follows_the_size_of_the_font(docked):
    widget = docked(MeasureLeaves)
    table = widget.table
    rows = table.verticalHeader()
    appearance, before = get_settings().appearance, get_settings().appearance.font_size
    height = rows.defaultSectionSize()
    try:
        appearance.font_size = LARGE
        QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        assert table.font().pointSize() == LARGE
        assert rows.defaultSectionSize() > height
    finally:
        appearance.font_size = before
    QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
    assert rows.defaultSectionSize() == height


def test_the_unit_is_read_in_full(docked, judge):
    widget = docked(MeasureLeaves)
    units = widget.bar.units
    widget.bar.set_calibrated(True)
    units.setStyleSheet("QComboBox { font-size: 20pt; padding: 3px 10px 3px 8px }")
    units.ensurePolished()
    assert units.minimumSizeHint().width() > units.fontMetrics().horizontalAdvance("mm")


def test_names_that_differ_in_the_end_stay_apart(qtbot):
    box = Choices()
    qtbot.addWidget(box)
    box.addItems([f"{LONG} leaves", f"{LONG} leaves [1]"])
    box.setStyleSheet(get_current_stylesheet())
    box.resize(200, 24)
    seen = []
    for row in range(2):
        box.setCurrentIndex(row)
        seen.append(box.text_in_sight())
    assert seen[0].startswith("Quercus")
    assert seen[1].endswith("leaves [1]")
    assert seen[0] != seen[1]


def test_a_long_name_asks_for_no_wider_dock(viewer, docked):
    layer = viewer.add_image(np.zeros((40, 50, 3), np.uint8), rgb=True, name=LONG)
    usual = docked(SegmentLeaves).sizeHint().width()
    layer.name = LONG * 3
    widget = docked(SegmentLeaves)
    assert widget.chooser.currentText() == LONG * 3
    assert widget.sizeHint().width() == usual


def test_names_that_look_like_markup_are_shown_as_they_are(qtbot):
    odd = text_label()
    qtbot.addWidget(odd)
    odd.setText("<b>K</b> & <i>Söhne</i>")
    # Interpreted, it would be as short as what is between the tags.
    width = odd.fontMetrics().horizontalAdvance("<b>K</b> & <i>Söhne</i>")
    odd.setWordWrap(False)
    assert odd.sizeHint().width() >= width
