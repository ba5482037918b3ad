"""Numbers in sentences agree with their nouns."""

from __future__ import annotations

from napari_herbarium import words


def test_one_is_singular_and_large_numbers_have_commas():
    assert words.leaves(1) == "1 leaf"
    assert words.leaves(2134) == "2,134 leaves"
    assert words.sheets(0) == "0 sheets"
    assert words.counted(1, "other file") == "1 other file"
