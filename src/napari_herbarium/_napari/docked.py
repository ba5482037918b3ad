"""A dock widget that is over once its dock is closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_herbarium._napari.controls import settling

_SETTLE_MS = 50


class DockedWidget(QWidget):
    """Base of our dock widgets.

    The x of a dock only takes the widget out of it, and a new one is made when the
    user opens it again. The old one, which the viewer's events still reach, would go
    on working where nobody sees it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._was_docked = False
        # Moved from one place to another, it is without a parent for a moment only.
        self._taken_out = settling(self, _SETTLE_MS)
        self._taken_out.timeout.connect(self._on_taken_out)

    @property
    def is_writing(self) -> bool:
        """Whether something is under way that shall come to its end."""
        return False

    def leave(self) -> None:
        """End the widget, whose dock is closed, once nothing is being written."""
        if self.is_writing:
            self._taken_out.start()
        else:
            _leaving.discard(self)
            self.deleteLater()

    def changeEvent(self, event: QEvent) -> None:
        """Notice that the dock is closed."""
        super().changeEvent(event)
        if event.type() != QEvent.Type.ParentChange:
            return
        if self.parent() is not None:
            self._was_docked = True
            _leaving.discard(self)
        elif self._was_docked:
            _leaving.add(self)
            self._taken_out.start()

    def _on_taken_out(self) -> None:
        if self.parent() is None:
            self.leave()


_leaving: set[DockedWidget] = set()
"""Nobody else holds a widget whose dock is closed; it shall not vanish in between."""
