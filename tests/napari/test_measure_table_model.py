"""How numbers look in the table of leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt

from napari_herbarium._napari.measure.table_model import LeafTableModel

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([5.139, 16.3, 7.201], ["5.14", "16.30", "7.20"]),
        ([25.91, 8.843, 40.0], ["25.9", "8.8", "40.0"]),
        ([3049.6, 12.4], ["3050", "12"]),
        ([0.084667], ["0.0847"]),
        ([12.0, 7.0], ["12", "7"]),
        ([1.26, np.nan], ["1.26", "–"]),
        ([np.nan], ["–"]),
        ([True, False], ["yes", "no"]),
    ],
)
def test_numbers_of_a_column_have_the_same_digits_after_the_point(values, shown):
    model = LeafTableModel()
    labels = list(range(1, len(values) + 1))
    model.show_table(
        pd.DataFrame({"label": labels, "length_mm": values}), ["length_mm"]
    )
    cells = [model.index(row, 1) for row in range(model.rowCount())]
    assert [model.data(cell, Qt.ItemDataRole.DisplayRole) for cell in cells] == shown


def test_hovering_over_a_cell_tells_the_whole_number_or_that_there_is_none():
    model = LeafTableModel()
    table = pd.DataFrame({"label": [1, 2], "length_mm": [25.9123, np.nan]})
    model.show_table(table, ["length_mm"])
    cells = [model.index(row, 1) for row in range(2)]
    tips = [model.data(cell, Qt.ItemDataRole.ToolTipRole) for cell in cells]
    assert tips == ["length_mm: 25.9123", "length_mm: no value"]
