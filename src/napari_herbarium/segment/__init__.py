"""Segment leaves: from a sheet to the probability of leaf, and from that to leaves.

The package is named like its main function and answers like it:
``napari_herbarium.segment(image)`` is `predict.segment`, whichever of its modules was
imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Segment(ModuleType):
    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Call `predict.segment`."""
        from napari_herbarium.segment.predict import segment

        return segment(*args, **settings)


sys.modules[__name__].__class__ = _Segment
