"""Segment leaves: from a sheet to the probability of leaf, and from that to leaves.

The package is named like its main function and answers like it:
``napari_herbarium.segment(image)`` is `predict.segment`, whichever of its modules was
imported first.
"""

from __future__ import annotations

from napari_herbarium.answering import answer_like

answer_like(__name__, "predict", "segment")
