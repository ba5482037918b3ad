from __future__ import annotations

from collections import Counter

import dask.array as da
import numpy as np
import pytest

from napari_herbarium.errors import SettingsError
from napari_herbarium.progress import Progress
from napari_herbarium.segment import pixels, predict
from napari_herbarium.segment.forward import Forward
from napari_herbarium.segment.predict import iter_segment, segment
from napari_herbarium.settings import Detail, Device, SegmentSettings


def sheet_with_leaves(height, width, seed=0):
    """Pale noisy paper with dark ellipses; gives the sheet and the truth."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    truth = np.zeros((height, width), bool)
    for _ in range(8):
        cy, cx = rng.uniform(0.1, 0.9, 2) * (height, width)
        ry, rx = rng.uniform(0.04, 0.12, 2) * max(height, width)
        truth |= ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
    sheet = np.where(truth[..., None], 60, 210) + rng.normal(0, 6, (height, width, 3))
    return sheet.clip(0, 255).astype(np.uint8), truth


def settings(detail=Detail.FULL, tile=128, **more):
    return SegmentSettings(detail=detail, tile=tile, device=Device.CPU, **more)


def overlap(mask, truth):
    return (mask & truth).sum() / (mask | truth).sum()


@pytest.mark.parametrize("detail", list(Detail))
def test_leaves_are_found_at_the_sheets_own_resolution(darkness, detail):
    sheet, truth = sheet_with_leaves(700, 500)
    result = segment(sheet, darkness((300, 600)), settings(detail))
    assert result.dtype == np.uint8
    assert result.shape == truth.shape
    assert overlap(result >= 128, truth) > 0.93


def test_close_look_draws_the_outline_better_than_the_coarse_look(darkness):
    sheet, truth = sheet_with_leaves(1200, 900)
    model = darkness((150,))
    coarse = segment(sheet, model, settings(Detail.FAST))
    close = segment(sheet, model, settings(Detail.FULL))
    wrong = [((result >= 128) != truth).sum() for result in (coarse, close)]
    assert wrong[1] < wrong[0] / 2


def test_tips_of_leaves_reach_further_where_a_small_sheet_is_enlarged(darkness):
    sheet = np.full((300, 300, 3), 230, np.uint8)
    half_width = np.linspace(8, 0, 240)
    away = np.abs(np.arange(300) - 150)
    sheet[30:270][away < half_width[:, None]] = 40
    model = darkness((300,))
    ends = [
        np.flatnonzero((segment(sheet, model, settings(detail)) >= 128).any(1))[-1]
        for detail in (Detail.FAST, Detail.FULL)
    ]
    assert ends[0] < ends[1] < 270


def test_tiled_equals_whole_when_the_view_fits_into_the_overlap(darkness):
    sheet, _ = sheet_with_leaves(610, 450)
    # Soft answers everywhere, so that nothing hides in saturation.
    model = darkness((610,), gain=4)
    tiled = segment(sheet, model, settings(Detail.FAST, tile=128))
    whole = segment(sheet, model, settings(Detail.FAST, tile=1024))
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_close_tiles_leave_no_seam(darkness):
    # With one network at all levels, dense and sparse close looks must agree
    # wherever both look, and change evenly where they do not.
    sheet, _ = sheet_with_leaves(1000, 800)
    model = darkness((250,))
    small = segment(sheet, model, settings(tile=128))
    large = segment(sheet, model, settings(tile=1024))
    assert ((small >= 128) == (large >= 128)).mean() > 0.9995
    assert np.abs(small.astype(int) - large).max() <= 40


def test_a_deep_network_shows_no_seam_between_tiles():
    model = random_deeplab()
    sheet, _ = sheet_with_leaves(400, 900)
    result = segment(sheet, model, settings(Detail.FAST, tile=256)).astype(int)
    jumps = np.abs(np.diff(result, axis=1)).max(axis=0)
    assert jumps.max() <= 12


def random_deeplab():
    from pathlib import Path

    import torch

    from napari_herbarium.model.checkpoint import LeafModel, ModelConfig
    from napari_herbarium.model.network import build_network

    torch.manual_seed(0)
    network = build_network("DeepLabV3Plus", "mobilenet_v2").eval()
    config = ModelConfig(name="random", encoder="mobilenet_v2", scales=(900,))
    return LeafModel(network, config, "0" * 64, Path())


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (20, 30), (129, 127)])
@pytest.mark.parametrize("detail", list(Detail))
def test_odd_sizes_work(darkness, shape, detail):
    sheet = np.full((*shape, 3), 30, np.uint8)
    result = segment(sheet, darkness((64, 128)), settings(detail))
    assert result.shape == shape
    assert (result >= 128).all()


@pytest.mark.parametrize("largest", [0, pixels.LARGEST_IN_MEMORY])
def test_lazy_and_loaded_sheets_give_the_same(darkness, monkeypatch, largest):
    monkeypatch.setattr(pixels, "LARGEST_IN_MEMORY", largest)
    sheet, _ = sheet_with_leaves(900, 650)
    lazy = da.from_array(sheet, chunks=(111, 200, 3))
    model = darkness((200,))
    np.testing.assert_array_equal(
        segment(sheet, model, settings()), segment(lazy, model, settings())
    )


def test_a_sheet_object_is_as_good_as_its_image(darkness):
    from napari_herbarium.sheet.sheet import Sheet

    sheet, _ = sheet_with_leaves(200, 150)
    model = darkness((200,))
    as_object = segment(Sheet(sheet, (sheet,)), model, settings())
    np.testing.assert_array_equal(as_object, segment(sheet, model, settings()))


def test_again_gives_the_same(darkness):
    sheet, _ = sheet_with_leaves(600, 400)
    model = darkness((150, 300))
    first, second = (segment(sheet, model, settings()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_very_large_sheets_go_by_a_level_in_between(darkness, monkeypatch):
    monkeypatch.setattr(predict, "FINEST_LONG_SIDE", 600)
    sheet, truth = sheet_with_leaves(1100, 900)
    result = segment(sheet, darkness((100,)), settings())
    assert result.shape == truth.shape
    assert overlap(result >= 128, truth) > 0.97


@pytest.mark.parametrize("detail", list(Detail))
def test_progress_counts_tiles_to_the_end(darkness, detail):
    sheet, _ = sheet_with_leaves(700, 500)
    seen: list[Progress] = []
    segment(sheet, darkness((200,)), settings(detail, batch=2), seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert all(progress.done <= progress.total for progress in seen)
    assert seen[-1].done == seen[-1].total
    assert {progress.what for progress in seen} == {"tiles"}


@pytest.mark.parametrize(("sides", "equal"), [(1, False), (4, True)])
def test_a_turned_tile_is_the_same_when_seen_from_all_sides(darkness, sides, equal):
    import torch

    model = darkness(gain=6)
    with torch.no_grad():  # the right side of a pixel counts for it, the left against
        model.network.weight += torch.linspace(0.05, -0.05, 5)
    tile, _ = sheet_with_leaves(128, 96)
    forward = Forward(model, torch.device("cpu"), batch=2)
    (upright,) = forward([tile], sides)
    (turned,) = forward([np.rot90(tile).copy()], sides)
    same = torch.allclose(turned.rot90(-1), upright, atol=0.1)
    assert same == equal


def test_a_thorough_look_sees_the_sheet_from_four_sides_and_outlines_from_one(
    darkness,
):
    sheet, _ = sheet_with_leaves(900, 650)
    passes = []
    for detail in (Detail.FULL, Detail.THOROUGH):
        model = darkness((150, 300))
        sizes: list[int] = []
        model.network.register_forward_hook(
            lambda _, inputs, __, sizes=sizes: sizes.append(inputs[0].shape[-2])
        )
        segment(sheet, model, settings(detail, tile=320, batch=1))
        passes.append(Counter(size == 192 for size in sizes))
    full, thorough = passes
    assert thorough[False] == 4 * full[False] > 0
    assert thorough[True] == pytest.approx(full[True], rel=0.1)


def test_closing_stops_the_network(darkness):
    model = darkness((600,))
    calls: list[int] = []
    model.network.register_forward_hook(lambda *_: calls.append(1))
    sheet, _ = sheet_with_leaves(600, 600)
    job = iter_segment(sheet, model, settings(batch=1))
    next(job)
    job.close()
    assert len(calls) == 1


def test_inference_mode_does_not_leak_between_tiles(darkness):
    import torch

    sheet, _ = sheet_with_leaves(600, 600)
    steps = 0
    for _ in iter_segment(sheet, darkness((600,)), settings(batch=1)):
        steps += 1
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert steps > 1


class Cramped:
    """Makes a model run out of memory above so many pixels."""

    def __init__(self, model, pixels):
        self.sizes: list[tuple[int, int]] = []
        self.pixels = pixels
        model.network.register_forward_pre_hook(self)

    def __call__(self, _module, inputs):
        batch, _, height, width = inputs[0].shape
        self.sizes.append((batch, height))
        if batch * height * width > self.pixels:
            msg = "DefaultCPUAllocator: not enough memory: you tried to allocate 9 GB"
            raise RuntimeError(msg)


@pytest.mark.parametrize(("detail", "last"), [(Detail.FAST, 256), (Detail.FULL, 192)])
def test_out_of_memory_takes_smaller_batches_then_smaller_tiles(darkness, detail, last):
    sheet, _ = sheet_with_leaves(600, 600)
    plain = segment(sheet, darkness((600,)), settings(detail, tile=256))
    model = darkness((600,))
    cramped = Cramped(model, 256 * 256)
    result = segment(sheet, model, settings(detail, tile=512, batch=4))
    assert (1, 256) in cramped.sizes
    assert cramped.sizes[-1] == (1, last)
    assert np.abs(result.astype(int) - plain).max() <= 1


def test_no_memory_at_all_names_the_setting(darkness):
    model = darkness((600,))
    Cramped(model, 100)
    sheet, _ = sheet_with_leaves(300, 300)
    with pytest.raises(SettingsError, match="'tile'"):
        segment(sheet, model, settings(tile=256))


def test_other_errors_of_the_network_are_not_hidden(darkness):
    model = darkness((600,))

    def fail(*_):
        raise RuntimeError("something else")

    model.network.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="something else"):
        segment(np.zeros((64, 64, 3), np.uint8), model, settings())


def test_memory_stays_bounded_by_a_band(darkness):
    """Apart from image and result, less than a float32 map of the sheet."""
    import tracemalloc

    sheet, _ = sheet_with_leaves(3000, 2000)
    model = darkness((200,))
    tracemalloc.start()
    segment(sheet, model, settings(tile=128))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # numpy's part only: the uint8 result (6 MB) and bands of a tile's height.
    assert peak < sheet[..., 0].nbytes * 2


@pytest.mark.parametrize("shape", [(3, 60, 50), (2, 60, 50, 3)])
def test_what_is_no_sheet_is_refused_in_words(darkness, shape):
    with pytest.raises(SettingsError, match=r"choose|put"):
        segment(np.zeros(shape, np.uint8), darkness(), settings())


@pytest.mark.parametrize(
    ("side", "whole", "outlines"),
    [
        (300, [300, 600, 900], []),
        (301, [300, 600], [900]),
        (749, [300, 600], [900]),
        (750, [300, 600], [750]),
    ],
)
def test_sheets_that_are_small_are_enlarged_and_others_only_along_outlines(
    darkness, monkeypatch, side, whole, outlines
):
    seen, followed = [], []

    class Coarse(predict.CoarseLook):
        def __init__(self, levels, *more):
            seen.extend(level.long_side for level in levels)
            super().__init__(levels, *more)

    class Close(predict.CloseLook):
        def __init__(self, forward, known, rows, tile, cut):
            followed.append(rows.level.long_side)
            super().__init__(forward, known, rows, tile, cut)

    monkeypatch.setattr(predict, "CoarseLook", Coarse)
    monkeypatch.setattr(predict, "CloseLook", Close)
    sheet, truth = sheet_with_leaves(side, 200)
    result = segment(sheet, darkness((300, 600)), settings())
    assert (seen, followed) == (whole, outlines)
    assert overlap(result > 127, truth) > 0.9
