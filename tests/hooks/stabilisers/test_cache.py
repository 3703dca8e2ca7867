"""cache: when it clears, with recorded values of a device; that a CPU training stays bit for bit what it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainwatch_hooks.stabilisers.base import Control
from trainwatch_hooks.stabilisers.cache import ALLOCATOR, GIB, Cache, Memory, Settings, set_allocator, unused_share


class Device(Cache):
    """A cache whose device is a list of recorded values: before and after each clearing."""

    settings_type = Settings

    def __init__(self, settings: Settings, reserved: float, allocated: float) -> None:
        super().__init__(settings)
        self.now = Memory(int(reserved * GIB), int(allocated * GIB))
        self.cleared = 0

    def memory(self, device: Any) -> Memory:
        return self.now

    def clear(self, device: Any) -> None:
        self.cleared += 1
        self.now = Memory(self.now.allocated, self.now.allocated)


def epochs(cache: Device, n: int, folder: Path) -> list[tuple[int, str]]:
    notes: list[tuple[int, str]] = []
    recorder = SimpleNamespace(event=lambda kind, message, **data: notes.append((trainer.epoch, message)))
    trainer = SimpleNamespace(epoch=0, epochs=600, device=SimpleNamespace(type="cuda"))
    control = Control(trainer, SimpleNamespace(recorder=recorder), folder)
    for trainer.epoch in range(n):
        cache.epoch_end(control)
    return notes


def test_every_50_epochs(tmp_path: Path) -> None:
    cache = Device(Settings(), reserved=10, allocated=9)
    notes = epochs(cache, 600, tmp_path)
    assert cache.cleared == 12
    assert [e for e, _ in notes][:3] == [49, 99, 149]
    assert notes[0][1] == "cache emptied (regular): 10.00 to 9.00 GiB reserved"
    assert epochs(Device(Settings(every_epochs=0), 10, 9), 600, tmp_path) == []


def test_when_it_lies_in_pieces_for_two_epochs(tmp_path: Path) -> None:
    cache = Device(Settings(every_epochs=0), reserved=10, allocated=5)
    notes = epochs(cache, 10, tmp_path)
    assert cache.cleared == 1, "after the clearing nothing is unused"
    assert notes[0][0] == 1
    assert "50 % of 10.00 GiB reserved held no tensor" in notes[0][1]
    assert Device(Settings(every_epochs=0), 0.5, 0.1).memory(None).reserved
    assert epochs(Device(Settings(every_epochs=0), 0.5, 0.1), 10, tmp_path) == [], "too little to matter"


def test_share() -> None:
    assert unused_share(Memory(0, 0)) == 0
    assert unused_share(Memory(10, 4)) == 0.6


def test_the_allocator_is_set_before_torch_and_never_over_your_own() -> None:
    environ: dict[str, str] = {}
    assert set_allocator(environ, {}) is None
    assert environ == {"PYTORCH_ALLOC_CONF": ALLOCATOR}
    environ = {"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128"}
    assert set_allocator(environ, {}) is None
    assert len(environ) == 1
    environ = {}
    assert set_allocator(environ, {"torch": object()}) == f"export PYTORCH_ALLOC_CONF={ALLOCATOR}"
    assert environ == {}


@pytest.mark.training
def test_a_cpu_training_stays_bit_for_bit_what_it_was(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import gc

    import torch

    collected: list[int] = []
    monkeypatch.setattr(
        "trainwatch_hooks.stabilisers.cache.gc", SimpleNamespace(collect=lambda: collected.append(gc.collect()))
    )
    final: dict[str, Any] = {}
    for name, stabilise in (("bare", None), ("cache", {"cache": {"every_epochs": 1}})):
        keep = {"on_train_end": lambda t, name=name: final.update({name: [p.clone() for p in t.model.parameters()]})}
        train(stabilise=stabilise, callbacks=keep, name=name)
    assert len(collected) == 2
    assert all(torch.equal(a, b) for a, b in zip(final["bare"], final["cache"], strict=True))


@pytest.mark.cuda
def test_on_a_device() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    device, cache = torch.device("cuda"), Cache(Settings())
    block = torch.empty(256 << 20, dtype=torch.uint8, device=device)
    del block
    before = cache.memory(device)
    cache.clear(device)
    assert cache.memory(device).reserved < before.reserved
