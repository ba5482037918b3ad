"""One step at a time: micro-batches, threads, anchors, memory and odd files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.errors import HerbariumError, ModelError, SettingsError
from napari_herbarium.train.crops.batches import Seeded, batches
from napari_herbarium.train.files.state import load_tensors, save_tensors
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.network.losses import bce_loss
from napari_herbarium.train.trainer import Trainer


class Small(torch.nn.Module):
    """A network with dropout, so that chance matters."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.encoder = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Conv2d(8, 1, 1)

    def forward(self, x):
        return self.head(self.dropout(self.encoder(x).relu()))


def draw(rng):
    mask = np.zeros((16, 16), np.uint8)
    mask[: rng.integers(4, 12)] = 1
    image = np.where(mask[..., None] == 1, 60, 220) + rng.integers(-9, 9, (16, 16, 3))
    return image.astype(np.uint8), mask


def trainer(dropout=0.0, **changes):
    torch.manual_seed(0)
    plain = {"batch": 4, "warmup": 0, "workers": 0, "steps": 20, "decoder_rate": 0.01}
    settings = LoopSettings(precision="32-true", accelerator="cpu", **(plain | changes))
    return Trainer(Small(dropout), settings, normalise, bce_loss)


def normalise(images):
    return images.float() / 127.5 - 1


def losses(made, first=0, count=6):
    crops = batches(Seeded(draw, 0), made.settings, first)
    return [made.step(*next(crops)) for _ in range(count)]


def test_micro_batches_change_nothing_but_memory():
    plain, micro = losses(trainer()), losses(trainer(micro_batch=1))
    assert micro == pytest.approx(plain, rel=1e-4)
    assert losses(trainer(micro_batch=3)) == pytest.approx(plain, rel=1e-4)


def test_threads_and_processes_cut_the_same_crops():
    plain = losses(trainer(dropout=0.5))
    assert losses(trainer(dropout=0.5, threads=3)) == plain
    assert losses(trainer(dropout=0.5, workers=1)) == plain


def test_resuming_gives_the_same_losses_to_the_bit_with_dropout(tmp_path):
    whole = losses(trainer(dropout=0.5), count=10)
    made = trainer(dropout=0.5)
    losses(made, count=4)
    made.save(tmp_path / "state.safetensors", {"note": [1, "two"]})
    torch.manual_seed(99)
    again = trainer(dropout=0.5)
    assert again.resume(tmp_path / "state.safetensors") == {"note": [1, "two"]}
    assert losses(again, first=4) == whole[4:]


def test_a_state_that_was_read_does_not_hold_its_file(tmp_path):
    """Windows replaces no file that is mapped, and the next state takes its place."""
    path = tmp_path / "state.safetensors"
    save_tensors(path, {"moments": torch.ones(100_000)}, {})
    tensors, _ = load_tensors(path)
    size = path.stat().st_size
    with path.open("rb+") as file:
        file.write(bytes(size))
    assert tensors["moments"].sum() == 100_000


def test_too_little_memory_halves_the_micro_batch(monkeypatch):
    made = trainer()
    forward, seen = made._forward, []

    def tight(images, masks):
        seen.append(len(images))
        if len(images) > 1:
            raise MemoryError
        return forward(images, masks)

    monkeypatch.setattr(made, "_forward", tight)
    assert losses(made, count=2) == pytest.approx(losses(trainer(), count=2), rel=1e-4)
    assert seen == [4, 2, 1, 1, 1, 1, 1, 1, 1, 1]

    def none(images, masks):
        raise MemoryError

    monkeypatch.setattr(made, "_forward", none)
    with pytest.raises(SettingsError, match="Memory"):
        losses(made, count=1)


class Pooled(Small):
    """Normalises behind a global pooling, as DeepLab does: impossible with one crop."""

    def __init__(self):
        super().__init__()
        self.pooled = torch.nn.BatchNorm2d(8)

    def forward(self, x):
        deep = self.encoder(x).relu()
        return self.head(deep + self.pooled(deep.mean((2, 3), keepdim=True)))


def test_one_crop_alone_never_trains_normalisations(monkeypatch):
    def made(**changes):
        monkeypatch.setattr(f"{__name__}.Small", lambda _dropout: Pooled())
        return trainer(**changes)

    for batch, micro, sizes in ((3, 2, [3]), (5, 2, [2, 3]), (4, 1, [2, 2])):
        some = made(batch=batch, micro_batch=micro)
        forward, seen = some._forward, []

        def watched(images, masks, forward=forward, seen=seen):
            seen.append(len(images))
            return forward(images, masks)

        monkeypatch.setattr(some, "_forward", watched)
        losses(some, count=1)
        assert seen == sizes
    with pytest.raises(SettingsError, match="One crop is too little"):
        losses(made(batch=1), count=1)
    assert losses(made(batch=1, frozen_norms=True), count=1)


def test_an_anchor_keeps_weights_nearer_to_the_start():
    def moved(**changes):
        made = trainer(**changes)
        start = made._network.head.weight.detach().clone()
        losses(made, count=15)
        return float((made._network.head.weight - start).detach().norm())

    assert moved(anchor=30.0) < 0.7 * moved()


def test_a_loss_that_is_no_number_is_said():
    made = trainer()
    with torch.no_grad():
        made._network.head.weight.fill_(float("nan"))
    with pytest.raises(SettingsError, match="lower the rates"):
        losses(made, count=1)


def test_a_state_of_another_network_or_kind_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelError, match="start again"):
        trainer().resume(path)
    trainer().save(path, {})
    other = trainer()
    other._network.extra = torch.nn.Linear(1, 1)
    with pytest.raises(ModelError, match="another network"):
        other.resume(path)


def test_a_full_disk_is_said_and_the_last_state_stays(tmp_path, monkeypatch):
    import safetensors.torch

    path = tmp_path / "state.safetensors"
    made = trainer()
    made.save(path, {"step": 1})

    def full(tensors, target, metadata):
        raise safetensors.SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(HerbariumError, match="No space left"):
        made.save(path, {"step": 2})
    monkeypatch.undo()
    assert trainer().resume(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def overflow(made):
    """Let the gradients overflow, though the loss is a number."""
    bias = made._wrapped.head.bias
    return bias.register_hook(lambda gradient: gradient * float("inf"))


def test_a_step_whose_gradients_overflow_leaves_the_network_as_it_was():
    made = trainer()
    handle = overflow(made)
    before = made._wrapped.encoder.weight.detach().clone()
    losses(made, count=1)
    assert torch.equal(made._wrapped.encoder.weight, before)
    handle.remove()
    losses(made, count=1)
    assert not torch.equal(made._wrapped.encoder.weight, before)
    assert made._wrapped.encoder.weight.isfinite().all()


def test_overflow_without_end_is_told_in_words():
    made = trainer()
    overflow(made)
    with pytest.raises(SettingsError, match="lower the rates"):
        losses(made, count=20)
