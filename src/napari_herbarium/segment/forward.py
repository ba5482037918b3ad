"""Run the network on batches of tiles, within the memory there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_herbarium.errors import SettingsError
from napari_herbarium.model.device import fast_dtype, is_out_of_memory
from napari_herbarium.model.fold import folded
from napari_herbarium.model.normalise import normaliser

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from napari_herbarium.model.checkpoint import LeafModel


CPU_PX = 2 * 512 * 512
"""Px at a time beyond which a processor gets slower, by a sixth at twice as many: what
is worked on no longer stays close to it."""


class OutOfMemoryError(SettingsError):
    """Not even one tile fits into the device's memory."""


class Forward:
    """The network, ready to be given tiles.

    Parameters
    ----------
    model : LeafModel
        Its network is put into evaluation mode; a copy of it is what runs.
    device : torch.device
        Where to run.
    batch : int
        Tiles per forward pass; halved for good each time memory runs out. A processor
        is given fewer at a time where they are large.
    """

    def __init__(self, model: LeafModel, device: torch.device, batch: int) -> None:
        import torch

        self.batch = batch
        self._device = device
        self._dtype = fast_dtype(device)
        network = folded(model.network.eval()).to(device)
        self._network = network.to(memory_format=torch.channels_last)
        self._normalise = normaliser(model.config.mean, model.config.std)

    def __call__(self, tiles: list[np.ndarray], sides: int = 1) -> Tensor:
        """Logits of tiles of one size.

        Parameters
        ----------
        tiles : list of ndarray
            H x W x 3 uint8 each; height and width multiples of `tiles.STEP`.
        sides : int
            From how many sides each tile is seen, turned by a quarter each time; the
            mean of the logits is given.

        Returns
        -------
        Tensor
            n x H x W float32 on the CPU.

        Raises
        ------
        OutOfMemoryError
            When one tile alone is too large.
        """
        import torch

        parts = []
        while tiles:
            most = self._at_once(tiles[0])
            now, later = tiles[:most], tiles[most:]
            logits = self._try(now, sides)
            if logits is not None:
                parts.append(logits)
                tiles = later
        return torch.cat(parts)

    def _at_once(self, tile: np.ndarray) -> int:
        if self._device.type != "cpu":
            return self.batch
        return min(self.batch, max(1, CPU_PX // (tile.shape[0] * tile.shape[1])))

    def _try(self, tiles: list[np.ndarray], sides: int) -> Tensor | None:
        import torch

        try:
            return self._logits(tiles, sides)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside the except clause: the error would keep the tensors of the failed
        # pass alive.
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if len(tiles) == 1:
            side = max(tiles[0].shape[:2])
            msg = (
                f"The memory of {self._device.type} does not hold one tile of "
                f"{side} px; choose a smaller 'tile' in the settings."
            )
            raise OutOfMemoryError(msg)
        self.batch = max(1, len(tiles) // 2)
        return None

    def _logits(self, tiles: list[np.ndarray], sides: int) -> Tensor:
        import torch

        # The mode is entered here and not around a loop that yields: it belongs to
        # the thread and would leak into whatever runs between two tiles.
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack(tiles)).to(self._device)
            # Picture order seen as B x 3 x H x W is already channels_last.
            inputs = self._normalise(pixels.permute(0, 3, 1, 2))
            logits = self._seen(inputs)
            for turn in range(1, sides):
                turned = inputs.rot90(turn, (2, 3))
                turned = turned.contiguous(memory_format=torch.channels_last)
                logits += self._seen(turned).rot90(-turn, (1, 2))
            return (logits / sides).cpu()

    def _seen(self, inputs: Tensor) -> Tensor:
        import torch

        half = self._dtype != torch.float32
        with torch.autocast(self._device.type, self._dtype, enabled=half):
            logits: Tensor = self._network(inputs)
        return logits[:, 0].float()
