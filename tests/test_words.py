"""Numbers in sentences agree with their nouns."""

from __future__ import annotations

import pytest

from napari_herbarium import words


def test_one_is_singular_and_large_numbers_have_commas():
    assert words.leaves(1) == "1 leaf"
    assert words.leaves(2134) == "2,134 leaves"
    assert words.sheets(0) == "0 sheets"
    assert words.counted(1, "other file") == "1 other file"


def test_the_first_few_are_named_and_the_others_counted():
    assert words.some(["K1", "K2"], 2) == "K1, K2"
    assert words.some(["K1", "K2", "K3"], 2, "; ") == "K1; K2 and 1 more"
    assert words.some(["K1"] * 2135, 1) == "K1 and 2,134 more"


def test_the_unit_behind_a_count_agrees_with_how_many_there_are_in_all():
    assert words.unit("tiles", 1) == "tile"
    assert words.unit("tiles", 7) == "tiles"
    assert words.unit("leaves", 1) == "leaf"
    assert words.unit("leaves measured", 1) == "leaf measured"
    assert words.unit("looking at the pairs", 1) == "looking at the pairs"
    assert words.unit("steps", None) == "steps"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 s"),
        (59.6, "1 min"),
        (605, "10 min 5 s"),
        (9000, "2 h 30 min"),
        (86_400 + 59, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_times_are_told_in_their_two_largest_units(seconds, told):
    assert words.duration(seconds) == told
