"""Controls that look and shrink alike in all our widgets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)

from napari_herbarium import words
from napari_herbarium._napari.common.choices import Choices
from napari_herbarium.progress import Progress
from napari_herbarium.settings import Device

L = TypeVar("L", bound=QLayout)

DEVICES = {
    "Automatic": Device.AUTO,
    "CPU": Device.CPU,
    "CUDA (NVIDIA)": Device.CUDA,
    "MPS (Apple)": Device.MPS,
}
_SLIM_PX = 80


def combo(tip: str, choices: Mapping[str, StrEnum] | None = None) -> QComboBox:
    """List of choices, by what they are called; its data are plain text."""
    box = Choices()
    box.setToolTip(tip)
    slim(box)
    for shown, value in (choices or {}).items():
        # Plain text: Qt finds an enum member only by the member itself.
        box.addItem(shown, value.value)
    return box


def choose(box: QComboBox, value: StrEnum) -> None:
    """Choose the entry of a value in a list of `combo`."""
    box.setCurrentIndex(box.findData(value.value))


def spin(box: QSpinBox, tip: str, suffix: str, value: int) -> None:
    """Give a box of whole numbers its unit, value and tooltip."""
    box.setToolTip(tip)
    box.setSuffix(suffix)
    box.setValue(value)
    slim(box)


def slim(control: QWidget) -> None:
    """Let a control shrink: a long name must not make the whole dock wide."""
    control.setMinimumWidth(_SLIM_PX)
    control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def button(text: str, tip: str) -> QPushButton:
    """Button to click."""
    made = QPushButton(text)
    made.setToolTip(tip)
    return made


def tool_button(text: str, tip: str) -> QToolButton:
    """Button as small as its sign."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tip)
    return made


def check(text: str, tip: str, *, checked: bool = False) -> QCheckBox:
    """Box to tick."""
    box = QCheckBox(text)
    box.setToolTip(tip)
    box.setChecked(checked)
    return box


def bare(layout: L, *parts: QWidget | QLayout) -> L:
    """Put parts into a layout without margins: it is itself a part of another one."""
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return layout


def form_layout(parent: QWidget | None = None) -> QFormLayout:
    """Form without margins, whose fields grow."""
    form = bare(QFormLayout(parent) if parent is not None else QFormLayout())
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def text_label(tip: str = "") -> QLabel:
    """Sentences for the user: they wrap, and can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    # A file or layer may be called <b>; Qt would make the rest bold.
    label.setTextFormat(Qt.TextFormat.PlainText)
    # A long file name, which has no place to wrap, must not make the whole dock wide.
    label.setMinimumWidth(_SLIM_PX)
    label.setToolTip(tip)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def show_on(bar: QProgressBar, progress: Progress, more: str = "") -> bool:
    """Show how far a job has come, and `more`; false while nobody knows."""
    known = progress.total > 0
    bar.setRange(0, progress.total)
    bar.setValue(progress.done)
    bar.setFormat(f"%v of %m {words.unit(progress.what, progress.total)}{more}")
    bar.setTextVisible(known)
    return known


def is_confirmed(parent: QWidget | None, title: str, question: str) -> bool:
    """Ask the user whether to go on; no is the default."""
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent, title, question, buttons.Yes | buttons.No, buttons.No
    )
    return bool(answer == buttons.Yes)


def settling(owner: QObject, milliseconds: int) -> QTimer:
    """Timer that rings once, when nobody has started it anew for a while."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer
