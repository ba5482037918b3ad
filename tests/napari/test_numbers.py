"""A number means the same on a German computer as on an English one."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QLocale, Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_herbarium._napari.common.numbers import NumberBox, ShareSlider

LANGUAGES = (QLocale.Language.English, QLocale.Language.German)


@pytest.fixture(params=LANGUAGES, ids=["english", "german"])
def language(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def type_in(qtbot, control, line, text):
    qtbot.addWidget(control)
    control.show()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("typed", ["2.5", "2,5"])
@pytest.mark.parametrize("unit", ["", " mm²"])
def test_point_and_comma_are_the_same_in_a_box(qtbot, typed, unit):
    box = NumberBox()
    box.setSuffix(unit)
    type_in(qtbot, box, box.lineEdit(), f"{typed}{unit}")
    assert box.value() == 2.5
    assert box.text() == f"2.50{unit}"


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("typed", ["0.6", "0,6"])
def test_point_and_comma_are_the_same_beside_a_slider(qtbot, typed):
    slider = ShareSlider(0, 1, "")
    type_in(qtbot, slider, slider.findChild(QLineEdit), typed)
    assert slider.value() == pytest.approx(0.6)


@pytest.mark.parametrize("typed", ["", ","])
def test_a_number_that_is_none_is_not_left_beside_a_slider(qtbot, typed):
    slider = ShareSlider(0, 1, "")
    slider.setValue(0.6)
    line = slider.findChild(QLineEdit)
    line.clear()
    type_in(qtbot, slider, line, typed)
    QApplication.sendEvent(line, QFocusEvent(QEvent.Type.FocusOut))
    assert (slider.value(), line.text()) == (pytest.approx(0.6), "0.60")


@pytest.mark.usefixtures("language")
def test_a_pasted_number_is_taken_too(qtbot, qapp):
    box = NumberBox()
    qtbot.addWidget(box)
    qapp.clipboard().setText("0,25")
    box.selectAll()
    box.lineEdit().paste()
    assert box.value() == 0.25
