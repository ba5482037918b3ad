"""A viewer without a window, a small sheet, and a network that needs no torch."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from napari.settings import get_plugin_settings, get_settings
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent

from napari_herbarium._napari import graphics
from napari_herbarium._napari.common import model_choice
from napari_herbarium.measure.whole import judge as whole
from napari_herbarium.model import catalogue
from napari_herbarium.progress import Progress
from napari_herbarium.segment import predict

_HEADLESS = sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
)
if _HEADLESS:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# What tests remember must not end up in the developer's own preferences: neither here,
# where napari may be imported already, nor in the processes of window tests.
os.environ["NAPARI_CONFIG"] = ""
get_settings(path=None)
get_plugin_settings(path_dir=None)


def pytest_collection_modifyitems(items):
    if not _HEADLESS:
        return
    skip = pytest.mark.skip(reason="needs a display; xvfb-run gives one")
    for item in items:
        if item.get_closest_marker("window"):
            item.add_marker(skip)


@pytest.fixture
def until(qtbot):
    """Let Qt work until something holds; patient, as CI machines are slow."""
    return lambda condition: qtbot.waitUntil(condition, timeout=60_000)


@pytest.fixture
def drop(qapp):
    """Drag files or folders of this computer onto a control, and let go.

    Gives whether the control took them.
    """

    def drop(control, *paths):
        carried = QMimeData()
        carried.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        moved = (Qt.DropAction.CopyAction, carried)
        held = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        entered = QDragEnterEvent(QPoint(1, 1), *moved, *held)
        entered.ignore()
        qapp.sendEvent(control, entered)
        if entered.isAccepted():  # else Qt sends no drop
            qapp.sendEvent(control, QDropEvent(QPointF(1, 1), *moved, *held))
        return entered.isAccepted()

    return drop


@pytest.fixture
def viewer(qapp):
    """Everything of a viewer but the window."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def picture():
    """A large and a middling sure leaf, a pale one, and a crumb; H x W x 3 uint8."""
    pixels = np.full((120, 160, 3), 250, np.uint8)
    pixels[10:50, 10:60] = 20
    pixels[70:100, 20:50] = 40
    pixels[60:100, 90:140] = 115
    pixels[20:23, 100:103] = 20
    return pixels


class FakeCore:
    """Stands in for the network: dark is leaf. Tests hold it and let it fail."""

    TILES = 4

    def __init__(self):
        self.go_on = threading.Event()
        self.go_on.set()
        self.error = None
        self.runs = []
        self.closed = False

    def load_model(self, name):
        config = SimpleNamespace(name=name, version="7", threshold=0.5)
        return SimpleNamespace(config=config, sha256="ab" * 32)

    def iter_segment(self, image, model=None, settings=None, mm_per_px=None):
        self.runs.append((image, settings))
        try:
            for tile in range(1, self.TILES + 1):
                yield Progress(tile, self.TILES, "tiles")
                self.go_on.wait(60)
                if self.error is not None:
                    raise self.error
            return 255 - np.asarray(image)[..., 0]
        finally:
            self.closed = True


@pytest.fixture
def core(monkeypatch):
    """The network replaced by `FakeCore`."""
    fake = FakeCore()
    monkeypatch.setattr(graphics, "load_torch", lambda: None)
    monkeypatch.setattr(predict, "iter_segment", fake.iter_segment)
    monkeypatch.setattr(catalogue, "load_model", fake.load_model)
    monkeypatch.setattr(model_choice, "list_models", lambda: ["herbarium-leaves"])
    yield fake
    fake.go_on.set()


@pytest.fixture
def judge(monkeypatch):
    """The whole-leaf classifier replaced by a table of label to probability."""
    said = {}

    def iter_probability(labels, image=None, *, only=None, model=None):
        found = [int(n) for n in np.unique(labels) if n and (only is None or n in only)]
        yield Progress(len(found), len(found), "leaves judged")
        return {label: said.get(label, 0.9) for label in found}

    monkeypatch.setattr(whole, "iter_whole_leaf_probability", iter_probability)
    monkeypatch.setattr(whole, "default_whole_threshold", lambda: 0.5)
    return said


@pytest.fixture
def docked(viewer, qtbot):
    """Make a dock widget of ours for the viewer, and show it."""

    def make(kind):
        widget = kind(viewer)
        qtbot.addWidget(widget)
        widget.show()
        return widget

    return make


@pytest.fixture
def settle(widget, until):
    """Wait until Measure leaves, the `widget` of a test, has measured and shown all."""

    def settle():
        until(lambda: widget.live.settled and not widget._settle.isActive())

    return settle
