"""Copies of a training's tensors, on a small real model and real optimizers."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn

from trainwatch_hooks.stabilisers._snapshot import Mirror, Snapshot, live, unfinite


class Ema:
    def __init__(self, model: Any) -> None:
        self.ema = copy.deepcopy(model)
        self.updates = 0


def make_trainer(optimizer: str = "SGD") -> Any:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    extra = {"momentum": 0.9} if optimizer == "SGD" else {}
    made = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1, **extra)
    return SimpleNamespace(model=model, ema=Ema(model), optimizer=made)


def step(trainer: Any, seed: int) -> None:
    x = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    trainer.optimizer.zero_grad()
    trainer.model(x).square().mean().backward()
    trainer.optimizer.step()
    with torch.no_grad():
        for e, m in zip(trainer.ema.ema.parameters(), trainer.model.parameters(), strict=True):
            e.lerp_(m, 0.1)
    trainer.ema.updates += 1


def content(trainer: Any) -> dict[str, Any]:
    tensors = {k: v.clone() for k, v in live(trainer).items()}
    for i, p in enumerate(trainer.model.parameters()):
        for key, value in trainer.optimizer.state.get(p, {}).items():
            tensors[f"optimizer.{i}.{key}"] = value.clone() if hasattr(value, "clone") else torch.tensor(value)
    return tensors


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_training_goes_on_from_a_snapshot_bit_for_bit(optimizer: str) -> None:
    trainer = make_trainer(optimizer)
    for seed in range(3):
        step(trainer, seed)
    snapshot = Snapshot.take(trainer, 3)
    pointers = {k: v.data_ptr() for k, v in live(trainer).items()}
    step(trainer, 3)
    expected = content(trainer)
    for seed in range(10, 13):
        step(trainer, seed)
    with torch.no_grad():
        trainer.model[0].weight.fill_(float("nan"))
        trainer.ema.ema[1].running_mean.fill_(float("inf"))
    snapshot.put(trainer)
    assert trainer.ema.updates == 3
    step(trainer, 3)
    assert_same(content(trainer), expected)
    assert {k: v.data_ptr() for k, v in live(trainer).items()} == pointers


def test_going_back_to_before_the_first_step_empties_the_optimizer() -> None:
    trainer = make_trainer()
    snapshot, before = Snapshot.take(trainer, 0), content(trainer)
    step(trainer, 0)
    snapshot.put(trainer)
    assert_same(content(trainer), before)
    assert not trainer.optimizer.state


def test_an_optimizer_state_that_is_gone_is_made_again() -> None:
    trainer = make_trainer("AdamW")
    step(trainer, 0)
    snapshot, before = Snapshot.take(trainer, 1), content(trainer)
    trainer.optimizer.state.clear()
    snapshot.put(trainer)
    assert_same(content(trainer), before)


def test_learning_rates_are_not_part_of_it() -> None:
    trainer = make_trainer()
    snapshot = Snapshot.take(trainer, 0)
    trainer.optimizer.param_groups[0]["lr"] = 0.05
    snapshot.put(trainer)
    assert trainer.optimizer.param_groups[0]["lr"] == 0.05


def test_a_rank_without_ema() -> None:
    trainer = make_trainer()
    trainer.ema = None
    Snapshot.take(trainer, 0).put(trainer)
    assert not [k for k in live(trainer) if k.startswith("ema.")]


def test_what_is_not_finite_is_named() -> None:
    trainer = make_trainer()
    assert unfinite(live(trainer)) == Snapshot.take(trainer, 0).unfinite() == []
    trainer.model[3].bias.data[1] = float("nan")
    trainer.ema.ema[1].running_var[0] = float("inf")
    assert unfinite(live(trainer)) == Snapshot.take(trainer, 0).unfinite() == ["3.bias", "ema.1.running_var"]
    assert unfinite({}) == unfinite({"count": torch.tensor(3)}) == []


def test_the_buffers_of_the_last_good_step_come_back() -> None:
    model = make_trainer().model
    mirror = Mirror(model)
    model(torch.randn(5, 3, 8, 8))
    assert mirror.stage().isfinite()
    mirror.accept()
    good = [b.clone() for b in mirror.buffers]
    model(torch.full((5, 3, 8, 8), float("nan")))
    assert not mirror.stage().isfinite()
    mirror.restore()
    assert len(good) == 2
    assert all(torch.equal(a, b) for a, b in zip(good, (model[1].running_mean, model[1].running_var), strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_one_bad_element_in_any_buffer_shows(value: float, kind: Any) -> None:
    model = nn.ModuleList([nn.BatchNorm1d(7), nn.BatchNorm1d(9).to(kind)])
    mirror = Mirror(model)
    assert mirror.stage().item() == 1.0
    model[1].running_mean[4] = value
    assert not mirror.stage().isfinite()
    mirror.restore()
    assert mirror.stage().item() == 1.0


def test_a_model_without_buffers_and_one_with_new_ones() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    mirror = Mirror(model)
    assert mirror.stage().item() == 0
    mirror.restore()
    assert mirror.matches(model)
    model.append(nn.BatchNorm1d(2))
    assert not mirror.matches(model)
