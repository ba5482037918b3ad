"""What is loaded once is not loaded by each of several threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_herbarium.errors import ModelError
from napari_herbarium.measure.whole.judge import bundled_whole_model
from napari_herbarium.once import once
from napari_herbarium.segment.touching.apart import bundled_seam_model


def test_threads_that_ask_at_once_get_the_same():
    loads = []

    @once
    def slow():
        loads.append(True)
        time.sleep(0.1)
        return object()

    with ThreadPoolExecutor(4) as pool:
        got = set(pool.map(lambda _: slow(), range(4)))
    assert len(got) == len(loads) == 1


def test_what_fails_is_tried_anew():
    asked = []

    @once
    def fails_first():
        asked.append(True)
        if len(asked) == 1:
            raise ModelError
        return 5

    with pytest.raises(ModelError):
        fails_first()
    assert [fails_first(), fails_first()] == [5, 5]
    assert len(asked) == 2


@pytest.mark.parametrize("bundled", [bundled_seam_model, bundled_whole_model])
def test_bundled_networks_are_loaded_once(bundled):
    with ThreadPoolExecutor(4) as pool:
        assert len(set(map(id, pool.map(lambda _: bundled(), range(4))))) == 1
