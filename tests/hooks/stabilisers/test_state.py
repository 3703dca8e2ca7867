"""The full state: out of a training and into another one."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from trainers import make_control, train_step

from trainwatch_hooks.stabilisers import _rng, _state
from trainwatch_hooks.stabilisers.base import Control, SettingsError


def run_epoch(control: Control, number: int, steps: int = 3) -> None:
    control.trainer.epoch, control.batch = number, -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trainer, too, steps it at the start of an epoch
        control.trainer.scheduler.step()
    for _ in range(steps):
        train_step(control)


def saved(control: Control, path: Path) -> dict[str, Any]:
    state = _state.capture(control, mid_epoch=False, fresh_loader=False)
    state |= {"args": _state.plain(vars(control.trainer.args)), "stabilisers": {}}
    with open(path, "wb") as file:
        _state.save(state, file)
    return _state.load(path)


def test_a_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    first = make_control(tmp_path / "a")
    first.trainer.csv.write_text("epoch\n1\n")
    run_epoch(first, 0)
    first.trainer.fitness = first.trainer.best_fitness = 0.25
    state = saved(first, tmp_path / "s.pt")
    other = make_control(tmp_path / "b", seed=9)
    run_epoch(other, 0)
    assert _state.put_back(other, state, {}) == []
    assert other.trainer.start_epoch == 1
    assert other.trainer.csv.read_text() == "epoch\n1\n"
    assert other.trainer.best_fitness == 0.25
    _rng.restore(state["rng"])
    for control in (other, first):
        if control is first:
            _rng.restore(state["rng"])
        run_epoch(control, 1)
    for a, b in ((first.trainer.model, other.trainer.model), (first.trainer.ema.ema, other.trainer.ema.ema)):
        for name, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[name]), name
    assert first.trainer.ema.updates == other.trainer.ema.updates == 6
    assert first.trainer.scheduler.last_epoch == other.trainer.scheduler.last_epoch == 1
    assert str(first.trainer.optimizer.state_dict()) == str(other.trainer.optimizer.state_dict())


def test_random_numbers_of_all_kinds() -> None:
    import random

    import numpy as np

    def draw() -> list[Any]:
        return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(2).tolist()]

    random.gauss(0, 1)
    np.random.randn()  # one more waits in each
    state = _rng.capture()
    expected = draw()
    draw()
    _rng.restore(state)
    assert draw() == expected


def test_a_changed_rate_scales_what_a_stabiliser_made_of_it(tmp_path: Path) -> None:
    control = make_control(tmp_path / "a", lr0=0.1)
    control.trainer.optimizer.param_groups[0]["initial_lr"] = 0.02
    control.trainer.scheduler.base_lrs = [0.02]
    state = saved(control, tmp_path / "s.pt")
    other = make_control(tmp_path / "b", lr0=0.05)
    _state.put_back(other, state, {"lr0": 0.05})
    assert other.trainer.optimizer.param_groups[0]["initial_lr"] == pytest.approx(0.01)
    assert other.trainer.scheduler.base_lrs == pytest.approx([0.01])
    unchanged = make_control(tmp_path / "c", lr0=0.1)
    _state.put_back(unchanged, state, {})
    assert unchanged.trainer.scheduler.base_lrs == [0.02]


def test_other_arguments_of_the_optimizer_win(tmp_path: Path) -> None:
    state = saved(make_control(tmp_path / "a"), tmp_path / "s.pt")
    for changes, momentum, decay in (({"momentum": 0.5}, 0.5, 0.0), ({"batch": 8}, 0.9, 0.25), ({}, 0.9, 0.0)):
        other = make_control(tmp_path / str(changes))
        other.trainer.optimizer.param_groups[0] |= {"momentum": 0.5, "weight_decay": 0.25}
        _state.put_back(other, state, changes)
        group = other.trainer.optimizer.param_groups[0]
        assert (group["momentum"], group["weight_decay"]) == (momentum, decay)


def test_another_optimizer_begins_anew_and_says_so(tmp_path: Path) -> None:
    control = make_control(tmp_path / "a")
    run_epoch(control, 0)
    state = saved(control, tmp_path / "s.pt")
    other = make_control(tmp_path / "b")
    other.trainer.optimizer = torch.optim.AdamW(other.model.parameters(), lr=0.001)
    other.trainer.scheduler = torch.optim.lr_scheduler.LambdaLR(other.trainer.optimizer, lambda e: 1.0)
    (note,) = _state.put_back(other, state, {"optimizer": "AdamW"})
    assert "AdamW and was SGD" in note
    assert other.trainer.optimizer.state_dict()["state"] == {}
    assert other.trainer.scheduler.base_lrs == [0.001]


def test_patience(tmp_path: Path) -> None:
    control = make_control(tmp_path / "a")
    control.trainer.epoch = 11
    control.trainer.stopper = SimpleNamespace(best_fitness=0.5, best_epoch=4, possible_stop=True, patience=8)
    state = saved(control, tmp_path / "s.pt")
    for patience, best_epoch, possible, notes in ((8, 12, False, 1), (9, 4, True, 0), (50, 4, False, 0)):
        other = make_control(tmp_path / str(patience))
        other.trainer.stopper.patience = patience
        assert len(_state.put_back(other, state, {})) == notes
        stopper = other.trainer.stopper
        assert (stopper.best_epoch, stopper.possible_stop, stopper.best_fitness) == (best_epoch, possible, 0.5)


def test_the_weights_between_two_heads_go_on(tmp_path: Path) -> None:
    class Criterion:
        def __init__(self) -> None:
            self.updates, self.o2m = 0, 0.8

        def update(self) -> None:
            self.updates += 1
            self.o2m = 0.8 - 0.1 * self.updates

    control = make_control(tmp_path / "a")
    control.model.criterion = Criterion()
    control.model.criterion.update()
    control.model.criterion.update()
    state = saved(control, tmp_path / "s.pt")
    other = make_control(tmp_path / "b")
    other.model.init_criterion = Criterion
    _state.put_back(other, state, {})
    assert (other.model.criterion.updates, other.model.criterion.o2m) == (2, pytest.approx(0.6))


def test_another_model_is_refused_in_one_line(tmp_path: Path) -> None:
    state = saved(make_control(tmp_path / "a"), tmp_path / "s.pt")
    other = make_control(tmp_path / "b")
    other.trainer.model = torch.nn.Linear(2, 2)
    with pytest.raises(SettingsError, match="do not fit this model") as caught:
        _state.put_back(other, state, {})
    assert "\n" not in str(caught.value)


class Stranger:
    def __reduce__(self) -> Any:
        return (Path("touched").touch, ())


def test_nothing_of_a_stranger_is_ever_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": _state.FORMAT, "version": 1, "args": Stranger()}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Stranger(), protocol=2))
    (tmp_path / "c.pt").write_bytes(b"PK\x03\x04")
    torch.save({"model": 1}, tmp_path / "d.pt")
    torch.save({"format": _state.FORMAT, "version": 99}, tmp_path / "e.pt")
    torch.save({"format": _state.FORMAT, "version": 1}, tmp_path / "f.pt")
    torch.save([1], tmp_path / "g.pt")
    for name in "abcdefg":
        with pytest.raises(SettingsError) as caught:
            _state.load(tmp_path / f"{name}.pt")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "touched").exists()


def test_weights_that_are_not_finite(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    assert _state.is_finite(model)
    with torch.no_grad():
        model.bias[0] = float("inf")
    assert not _state.is_finite(model)
