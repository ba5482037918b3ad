"""Batches of crops, cut ahead of the network; the same ones after a resume."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.train.crops.cut import Sample
from napari_herbarium.train.loop_settings import LoopSettings

if TYPE_CHECKING:
    from torch import Tensor

    Batch = tuple[Tensor, Tensor]

Draw = Callable[[np.random.Generator], tuple[NDArray[Any], NDArray[Any]]]
"""Gives what a network is shown, and what it should say."""
SampleAt = Callable[[int], Sample]
_AHEAD = 2


class Seeded:
    """Sample i depends on the seed and on i alone.

    Parameters
    ----------
    draw : callable
        Gives a sample for a random generator.
    seed : int
    """

    def __init__(self, draw: Draw, seed: int) -> None:
        self.draw, self.seed = draw, seed

    def __call__(self, index: int) -> Sample:
        """Draw sample `index`."""
        return self.draw(np.random.default_rng((self.seed, index)))


class _Numbered:
    """Samples by their number, as torch takes them."""

    def __init__(self, sample_at: SampleAt) -> None:
        self.sample_at = sample_at

    def __getitem__(self, index: int) -> Sample:
        return self.sample_at(index)


def batches(
    sample_at: SampleAt, settings: LoopSettings, first: int, fabric: Any = None
) -> Iterator[Batch]:
    """Cut the batches of the steps from `first` on.

    Parameters
    ----------
    sample_at : callable
        Gives a (S x S x 3 uint8, S x S uint8) sample for its number, always the same
        one. Called in threads, or in processes where the settings ask for workers.
    settings : LoopSettings
    first : int
        Step to begin with.
    fabric : lightning_fabric.Fabric, optional
        With several devices, each gets its share of every batch.

    Yields
    ------
    images : B x 3 x S x S uint8
    masks : B x S x S uint8
    """
    share, of = (0, 1) if fabric is None else (fabric.global_rank, fabric.world_size)
    total = settings.steps * settings.batch
    indices = range(first * settings.batch + share, total, of)
    size = max(1, settings.batch // of)
    if settings.workers or not settings.threads:
        yield from _loaded(sample_at, indices, size, settings.workers)
    else:
        yield from _threaded(sample_at, indices, size, settings.threads)


def _loaded(
    sample_at: SampleAt, indices: range, size: int, workers: int
) -> Iterator[Batch]:
    import torch
    from torch.utils.data import DataLoader, Subset

    samples: Any = _Numbered(sample_at)
    yield from DataLoader(
        Subset(samples, indices),
        batch_size=size,
        num_workers=workers,
        collate_fn=stacked,
        prefetch_factor=4 if workers else None,
        # Its own, so that the network's dropout is not stirred.
        generator=torch.Generator(),
    )


def _threaded(
    sample_at: SampleAt, indices: range, size: int, threads: int
) -> Iterator[Batch]:
    waiting: deque[list[Future[Sample]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="crops")
    try:
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            waiting.append([pool.submit(sample_at, i) for i in part])
            if len(waiting) > _AHEAD:
                yield stacked([future.result() for future in waiting.popleft()])
        for futures in waiting:
            yield stacked([future.result() for future in futures])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def stacked(samples: Sequence[Sample]) -> Batch:
    """Make a batch: B x 3 x S x S and B x S x S, of the samples' own dtypes."""
    import torch

    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    masks = torch.from_numpy(np.stack([mask for _, mask in samples]))
    return images.permute(0, 3, 1, 2), masks
