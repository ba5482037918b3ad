"""Sheets of other plants stand against forgetting: as the base model sees them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_herbarium.errors import SettingsError, SheetError
from napari_herbarium.model.checkpoint import load_model_folder
from napari_herbarium.progress import finish
from napari_herbarium.settings import Device
from napari_herbarium.train.crops.few_sheets import FewSheetsDraw
from napari_herbarium.train.crops.others import (
    MOST,
    chosen_others,
    find_other_sheets,
    iter_other,
    refuse_bad_others,
    sure_mask,
)
from napari_herbarium.train.pairs.picture import make_picture
from napari_herbarium.train.recipes import recipe_of
from napari_herbarium.train.train import iter_train

from .conftest import drawn

SMALL = {"size": 64, "batch": 2, "minutes": None, "rehearsal": 0.0, "epochs": 1}

RESULTS = ("a.leaves.tif", "a.overlay.png", "a.leaves.original.tif", "a.errors.png")


@pytest.fixture
def folder(tmp_path):
    """Three sheets of other plants, and what is none, our results too."""
    place = tmp_path / "others"
    place.mkdir()
    for number in range(3):
        Image.fromarray(drawn(50 + number)[0]).save(place / f"other{number}.png")
    for name in ("notes.txt", ".hidden.png", *RESULTS):
        (place / name).write_text("nothing")
    return place


def few(**changes):
    return recipe_of("few-sheets", **(SMALL | {"epoch_steps": 2} | changes))


def test_the_sheets_of_a_folder_are_found_and_those_of_a_training_folder(folder):
    found = find_other_sheets(folder)
    assert [path.name for path in found] == ["other0.png", "other1.png", "other2.png"]
    collection = folder.parent / "collection"
    collection.mkdir()
    folder.rename(collection / "images")
    names = [path.name for path in find_other_sheets(collection)]
    assert names == [path.name for path in found]


def test_a_folder_without_sheets_is_refused(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SheetError, match="no sheets of other plants"):
            find_other_sheets(place)


def test_so_many_are_chosen_by_the_seed_and_none_that_is_given(tmp_path):
    paths = [tmp_path / f"s{number:02}.tif" for number in range(40)]
    chosen = chosen_others(paths, {"s07", "s08"}, 0)
    names = [sheet.name for sheet in chosen]
    assert len(names) == MOST
    assert names == sorted(names)
    assert not {"s07", "s08"} & set(names)
    assert chosen == chosen_others(paths, {"s07", "s08"}, 0)
    assert chosen != chosen_others(paths, {"s07", "s08"}, 1)
    assert [s.name for s in chosen_others(paths[:3], {"s01"}, 0)] == ["s00", "s02"]


def test_all_bad_ones_are_named(folder):
    (folder / "broken.tif").write_bytes(b"II*\0 and no more")
    Image.new("RGB", (20, 20)).save(folder / "tiny.png")
    with pytest.raises(SheetError, match=r"(?s)broken\.tif.*tiny is 20 x 20 px"):
        refuse_bad_others(chosen_others(find_other_sheets(folder), set(), 0))
    refuse_bad_others(chosen_others(sorted(folder.glob("other*")), set(), 0))


def test_what_is_unsure_beyond_an_outline_is_ignored():
    probability = np.full((40, 60), 3, np.uint8)
    probability[10:30, 10:30] = 250
    probability[10:30, 30:33] = 120  # an outline
    probability[10:30, 40:55] = 140  # nobody knows
    mask = sure_mask(probability)
    assert (mask[10:30, 10:30] == 1).all()
    assert (mask[10:30, 30:33] == 0).all()
    assert (mask[10:30, 40:55] == 255).all()
    assert np.count_nonzero(mask == 255) == 20 * 15
    assert np.count_nonzero(mask == 1) == 20 * 20


def test_what_the_base_sees_is_what_is_trained_on(folder, base):
    sheet = chosen_others(find_other_sheets(folder), set(), 0)[0]
    model = load_model_folder(base)  # not the one that other tests share
    for bias, value in ((9.0, 1), (-9.0, 0)):
        model.network.segmentation_head[0].bias.data.fill_(bias)
        other = finish(iter_other(sheet, 1, model, Device.CPU))
        assert other.name == sheet.name
        assert (np.asarray(other.masks[0]) == value).all()


def test_a_share_of_the_crops_is_of_other_sheets():
    def sheet(name, leaf):
        image = np.full((300, 300, 3), 120, np.uint8)
        return make_picture(name, image, np.full((300, 300), leaf, np.uint8))

    def with_leaf(**changes):
        recipe = few(far=0.0, **changes)
        draw = FewSheetsDraw(
            [sheet("given", 1)], {}, [], (300,), recipe, [sheet("other", 0)]
        )
        return np.mean([(draw(i)[1] == 1).any() for i in range(200)])

    assert with_leaf(others=0.0) == 1
    assert with_leaf(others=1.0) == 0
    assert 0.6 < with_leaf() < 0.8


def test_the_card_tells_how_many_and_others_are_not_counted_as_given(
    pairs, base, folder, tmp_path
):
    out = tmp_path / "m"
    made = finish(
        iter_train(few(), pairs(2), out, base=base, others=find_other_sheets(folder))
    )
    card = (made.folder / "README.md").read_text()
    assert "on 3 sheets of other plants was trained on" in card
    assert "2 to train on" in card


def test_a_run_goes_on_with_the_same_other_sheets_only(pairs, base, folder, tmp_path):
    others = find_other_sheets(folder)
    job = iter_train(few(epochs=9), pairs(2), tmp_path / "m", base=base, others=others)
    while next(job).what != "steps":
        pass
    next(job)
    job.close()
    again = {"base": base, "resume": True}
    with pytest.raises(SettingsError, match="another other sheets"):
        finish(iter_train(few(epochs=9), pairs(2), tmp_path / "m", **again))
    finish(iter_train(few(epochs=9), pairs(2), tmp_path / "m", others=others, **again))


def test_the_papers_recipe_has_no_use_for_them(pairs, folder, tmp_path):
    job = iter_train(
        recipe_of("paper"), pairs(6), tmp_path / "m", others=find_other_sheets(folder)
    )
    with pytest.raises(SettingsError, match="few-sheets"):
        next(job)
