"""Measure leaves: traits, outlines and what is written of them.

The package is named like its main function and answers like it:
``napari_herbarium.measure(labels)`` is `traits.measure`, whichever of its modules was
imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Measure(ModuleType):
    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Call `traits.measure`."""
        from napari_herbarium.measure.traits import measure

        return measure(*args, **settings)


sys.modules[__name__].__class__ = _Measure
