"""Measure leaves: traits, outlines and what is written of them.

The package is named like its main function and answers like it:
``napari_herbarium.measure(labels)`` is `traits.measure`, whichever of its modules was
imported first.
"""

from __future__ import annotations

from napari_herbarium.answering import answer_like

answer_like(__name__, "traits", "measure")
