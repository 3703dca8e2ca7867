"""What a training goes back to, on a small real model with BatchNorm and a real optimizer."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn

from trainwatch_hooks.stabilisers._good_state import GoodState
from trainwatch_hooks.stabilisers.base import Control


class Training:
    """A trainer with its good state; every call is one good optimizer step."""

    def __init__(self, every: int = 3) -> None:
        torch.manual_seed(0)
        self.model: Any = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        ema = SimpleNamespace(ema=copy.deepcopy(self.model), updates=0)
        self.trainer = SimpleNamespace(
            model=self.model, ema=ema, optimizer=optimizer, world_size=1, loss=None, tloss=None
        )
        self.control = Control(self.trainer, None, Path("."))
        self.good = GoodState()
        self.good.every = every

    def forward(self) -> Any:
        self.trainer.loss = self.model(torch.randn(8, 4)).square().mean() + self.model[0].weight.square().mean()
        self.trainer.tloss = {"box_loss": self.trainer.loss.detach()}
        return self.trainer.loss

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.forward().backward()
            self.good.statistics()
            self.good.accept(self.trainer, counts=True)
            self.trainer.optimizer.step()
            self.trainer.optimizer.zero_grad()
            self.good.keep_if_due(self.trainer)

    def state(self) -> dict[str, Any]:
        return {k: v.clone() for k, v in self.model.state_dict().items() if v.is_floating_point()}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(torch.equal(a[k], b[k]) for k in a)


def test_states_are_kept_every_so_many_good_steps_and_two_at_most() -> None:
    training = Training(every=3)
    training.good.begin(training.control)
    training.step(8)
    assert [s.step for s in training.good.snapshots] == [3, 6]
    training.good.accept(training.trainer, counts=False)
    assert training.good.steps == 8, "a step that the gradient scaler skips is none"


@pytest.mark.parametrize(("least_age", "lost"), [(0, 2), (5, 5), (100, 5)])
def test_it_goes_back_to_the_newest_state_that_is_old_enough_else_the_oldest(least_age: int, lost: int) -> None:
    training = Training(every=3)
    training.good.begin(training.control)
    states = {}
    for step in range(1, 9):
        training.step()
        states[step] = training.state()
    assert training.good.go_back(training.control, least_age) == lost
    assert same(training.state(), states[8 - lost])
    assert training.good.steps == training.good.snapshots[-1].step == 8 - lost, "newer ones are not trusted"


def test_a_forward_pass_is_undone() -> None:
    training = Training()
    training.good.begin(training.control)
    training.step(2)
    before = training.state()
    good = float(training.trainer.loss.detach())
    training.forward()
    assert not same(training.state(), before)
    training.good.undo_forward()
    training.good.put_losses_back(training.trainer)
    assert same(training.state(), before)
    assert float(training.trainer.loss) == good


def test_without_a_good_loss_it_is_zero() -> None:
    training = Training()
    training.forward()
    training.good.put_losses_back(training.trainer)
    assert float(training.trainer.loss) == float(training.trainer.tloss["box_loss"]) == 0.0


def test_it_knows_whose_states_it_has() -> None:
    training = Training()
    assert not training.good.of(training.model), "none yet"
    training.good.begin(training.control)
    assert training.good.of(training.model)
    assert not training.good.of(copy.deepcopy(training.model))


def test_what_becomes_non_finite_is_named_and_never_kept() -> None:
    training = Training(every=1)
    with torch.no_grad():
        training.model[1].bias[0] = float("inf")  # from the beginning
    training.good.begin(training.control)
    assert training.good.spoilt(training.control) == []
    with torch.no_grad():
        training.model[0].weight[0, 0] = float("nan")
        training.trainer.ema.ema[0].bias[0] = float("nan")
    assert training.good.spoilt(training.control) == ["0.weight", "ema.0.bias"]
    training.good.steps += 1
    training.good.keep_if_due(training.trainer)
    assert [s.step for s in training.good.snapshots] == [0]
