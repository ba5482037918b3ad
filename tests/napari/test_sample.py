"""File > Open Sample > Herbarium sheet (drawn)."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium._napari.common.layers import mm_per_px, why_no_sheet
from napari_herbarium._napari.sample import drawn_sheet_layers


def test_the_sample_is_a_calibrated_sheet(viewer):
    ((pixels, options, kind),) = drawn_sheet_layers()
    assert kind == "image"
    (layer,) = viewer._add_layer_from_data(pixels, options, kind)
    assert layer.rgb
    assert layer.name == "Drawn herbarium sheet"
    assert mm_per_px(layer) == pytest.approx(25.4 / 300)
    assert np.allclose(np.multiply(layer.data.shape[:2], layer.scale), (420, 280), 0.01)
    assert layer.metadata["catalog_number"] == "NH00000001"
    assert layer.metadata["scale_trust"] == "trusted"
    assert why_no_sheet(layer) is None
