"""Skipping and rolling back: real trainings of YOLO12n with planted faults, and a small loop for the rarer paths."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ultralytics")
import torch
from faults import LR_STEPS, Fault
from torch import nn

from trainwatch.runs import read_run
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Control, SettingsError
from trainwatch_hooks.stabilisers.rescue import Rescue, Settings

Train = Callable[..., Any]
SHORT = {"epochs": 3, "val": False, "warmup_epochs": 0, "close_mosaic": 0}
"""6 optimizer steps, two per epoch."""


class Look:
    """Names of non-finite tensors of model and EMA at the ends of epochs, and everything at the end of the training."""

    def __init__(self) -> None:
        self.spoilt: list[str] = []
        self.final: dict[str, Any] = {}

    def state(self, trainer: Any) -> dict[str, Any]:
        ema = {f"ema.{k}": v for k, v in trainer.ema.ema.state_dict().items()}
        return {**trainer.model.state_dict(), **ema}

    def epoch(self, trainer: Any) -> None:
        state = self.state(trainer)
        self.spoilt += [k for k, v in state.items() if v.is_floating_point() and not v.isfinite().all()]
        self.final = {k: v.clone() for k, v in state.items()}


def run(train: Train, fault: Fault | None, rescue: Any, name: str, setup: Any = None, **args: Any) -> tuple[Look, Any]:
    look = Look()

    def install(trainer: Any) -> None:
        if fault is not None:
            fault.install(trainer)
        if setup is not None:
            setup(trainer)

    callbacks = {"on_pretrain_routine_end": install, "on_fit_epoch_end": look.epoch}
    stabilise = {"rescue": rescue} if rescue else None
    trainer = train(stabilise=stabilise, callbacks=callbacks, name=name, **{**SHORT, **args})
    return look, trainer


def events(trainer: Any, *kinds: str) -> list[dict[str, Any]]:
    return [e for e in read_run(Path(trainer.save_dir)).events if e["kind"] in kinds]


@pytest.mark.training
@pytest.mark.parametrize(
    ("kind", "what", "action"),
    [
        ("nan-image", "non-finite loss", "skip"),
        ("nan-gradient", "non-finite gradient", "skip"),
        ("overflow", "non-finite weights", "rollback"),
    ],
)
def test_a_fault_spoils_the_training_and_does_not_with_rescue(train: Train, kind: str, what: str, action: str) -> None:
    # The last batch of an epoch: its loss would start Ultralytics' own recovery.
    bare = Look()
    fault = Fault(kind, [3])
    ends = {"on_pretrain_routine_end": fault.install, "on_train_epoch_end": bare.epoch}
    train(callbacks=ends, name="bare", **{**SHORT, "epochs": 2, "save": True})
    assert fault.planted == [3]
    assert any(k.startswith("ema.") for k in bare.spoilt)
    assert any(not k.startswith("ema.") for k in bare.spoilt)

    fault = Fault(kind, [3])
    look, trainer = run(train, fault, True, "rescued")
    assert fault.planted == [3]
    assert look.spoilt == []
    assert trainer.epoch == SHORT["epochs"] - 1
    assert events(trainer, "nan_recovery", "warning", "exception") == []
    (event,) = events(trainer, "intervention")
    assert event["source"] == "stabiliser/rescue"
    data = event["data"]
    assert (data["what"], data["action"], data["threshold"]) == (what, action, None)
    assert not math.isfinite(float(data["measured"]))
    assert (event["epoch"], data["batch"], data["iteration"]) == (1, 1, 3)
    assert len(data["images"]) == 16
    assert all(Path(p).is_file() for p in data["images"])
    steps = read_run(Path(trainer.save_dir)).steps
    assert len(steps) == 6
    assert math.isfinite(steps["loss"][3]) == kind.endswith("gradient"), "the record shows what was measured"
    assert steps["loss"].drop(3).notna().all()
    means = read_run(Path(trainer.save_dir)).epochs
    assert means["train/box_loss"].notna().all()
    if action == "rollback":
        assert data["lr_scale"] == 0.5
        due = [0.01 * (1 - e / 3 * 0.99) for e in range(3)]
        halved = [due[0], due[0], due[1], due[1] / 2, *(d / 2 for d in due[2:] for _ in range(2))]
        assert steps["lr/pg0"].tolist() == pytest.approx(halved)


@pytest.mark.training
def test_a_wrong_learning_rate_is_put_back_before_the_step(train: Train) -> None:
    clean, _ = run(train, None, None, "clean", epochs=4)
    fault = Fault("lr-x1000", [2])
    bare, _ = run(train, fault, None, "bare", epochs=4)
    fault = Fault("lr-x1000", [2])
    held, trainer = run(train, fault, True, "held", epochs=4)

    def distance(look: Look) -> float:
        return max(float((v - clean.final[k]).abs().max()) for k, v in look.final.items() if v.is_floating_point())

    assert distance(bare) > 1
    assert distance(held) == 0
    found = events(trainer, "intervention")
    assert [e["data"]["action"] for e in found] == ["hold_lr"] * LR_STEPS
    first = found[0]["data"]
    assert first["measured"] == pytest.approx(100 * first["threshold"])
    assert first["lr"] == pytest.approx(first["measured"] / 1000)
    assert read_run(Path(trainer.save_dir)).steps["lr/pg0"].max() == pytest.approx(0.01)


@pytest.mark.training
def test_with_nothing_to_do_it_changes_not_one_bit(train: Train) -> None:
    args = {"epochs": 3, "warmup_epochs": 1}
    bare, _ = run(train, None, None, "bare", **args)
    watched, trainer = run(train, None, True, "watched", **args)
    assert events(trainer, "intervention", "warning") == []
    assert len(bare.final) > 1000
    for name, expected in bare.final.items():
        assert torch.equal(expected, watched.final[name]), name


@pytest.mark.training
def test_micro_batches_that_wait_for_the_next_epoch_are_dropped(train: Train) -> None:
    # Four micro-batches an epoch, steps after the 3rd, 6th, 9th: the last two of epoch 2 wait when it ends.
    fault = Fault("nan-image", [7])
    look, trainer = run(train, fault, True, "waiting", batch=8, nbs=24, epochs=3)
    assert look.spoilt == []
    assert events(trainer, "nan_recovery") == []
    (event,) = events(trainer, "intervention")
    assert (event["epoch"], event["data"]["batches"]) == (1, [2, 3])
    assert len(event["data"]["images"]) == 16


@pytest.mark.training
def test_one_bad_micro_batch_skips_the_whole_step(train: Train) -> None:
    fault = Fault("nan-image", [4])
    look, trainer = run(train, fault, True, "sum", batch=8, nbs=24, epochs=2)
    assert look.spoilt == []
    (event,) = events(trainer, "intervention")
    assert (event["data"]["iteration"], event["data"]["batches"]) == (5, [3, 0, 1])
    assert len(event["data"]["images"]) == 24


@pytest.mark.training
def test_the_limit_ends_the_training_with_good_weights_and_a_report(train: Train) -> None:
    fault = Fault("overflow", range(3, 100))
    look, trainer = run(train, fault, {"rollbacks": 2}, "limit", epochs=20, save=True, report=True)
    assert trainer.epoch < 5
    assert look.spoilt == []
    assert all(v.isfinite().all() for v in look.state(trainer).values() if v.is_floating_point())
    acts = [e["data"]["action"] for e in events(trainer, "intervention")]
    assert acts == ["rollback", "rollback", "end"]
    (end,) = events(trainer, "end")
    assert end["data"]["reason"] == "stopped"
    assert end["data"]["by"] == "rescue"
    assert "non-finite weights, after 2 rollbacks" in end["message"]
    assert (Path(trainer.save_dir) / "trainwatch" / "report.html").is_file()


def scaled(trainer: Any) -> None:
    """An active gradient scaler, as amp=True has it on a GPU."""
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)


@pytest.mark.training
def test_a_single_overflow_is_left_to_the_gradient_scaler(train: Train) -> None:
    look, trainer = run(train, Fault("inf-gradient", [3]), True, "overflow", scaled, epochs=3)
    assert look.spoilt == []
    assert events(trainer, "intervention", "warning") == []
    steps = read_run(Path(trainer.save_dir)).steps
    assert steps["amp_scale"].tolist() == [1024.0] * 3 + [512.0] * 3


@pytest.mark.training
def test_the_scaler_does_not_save_batch_norm_and_rescue_does(train: Train) -> None:
    bare = Look()
    fault = Fault("nan-image", [2])

    def install(trainer: Any) -> None:
        fault.install(trainer)
        scaled(trainer)

    train(
        callbacks={"on_pretrain_routine_end": install, "on_train_epoch_end": bare.epoch},
        name="bare",
        **{**SHORT, "epochs": 2},
    )
    assert any(k.startswith("ema.") and "running" in k for k in bare.spoilt)
    assert not any(k.endswith("weight") for k in bare.spoilt), "the scaler did skip the step"
    look, trainer = run(train, Fault("nan-image", [2]), True, "rescued", scaled, epochs=2)
    assert look.spoilt == []
    (event,) = events(trainer, "intervention")
    assert event["data"]["what"] == "non-finite loss"


# A small loop with Ultralytics' own order of things


class Ema:
    def __init__(self, model: Any) -> None:
        self.ema, self.updates, self.enabled = copy.deepcopy(model), 0, True

    def update(self, model: Any) -> None:
        if self.enabled:
            self.updates += 1
            with torch.no_grad():
                for e, m in zip(self.ema.state_dict().values(), model.state_dict().values(), strict=True):
                    if e.is_floating_point():
                        e.lerp_(m, 0.1)


class Recorder:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.guard = SimpleNamespace(report=lambda place, error: None)

    def event(self, kind: str, message: str, **data: Any) -> None:
        json.dumps(data)
        self.events.append({"kind": kind, "message": message, **data})


class Loop:
    """A tiny trainer; ``scale`` multiplies the loss, ``spoil`` acts before a step."""

    def __init__(self, epochs: int = 50, loads: Any = None, **settings: Any) -> None:
        torch.manual_seed(0)
        self.model: Any = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.lf: Any = lambda e: 1.0
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self.lf)
        self.ema: Any = Ema(self.model)
        self.scaler = torch.amp.GradScaler("cpu", enabled=False)
        self.args = SimpleNamespace(task="detect", box=1.0, cls=1.0, dfl=1.0, warmup_epochs=0, warmup_bias_lr=0.0)
        self.train_loader = [0] * 10
        self.device, self.world_size = torch.device("cpu"), 1
        self.batch_size, self.accumulate, self.epochs, self.epoch = 8, 1, epochs, 0
        self.loss: Any = None
        self.tloss: Any = None
        self.loss_items: Any = None
        self.loss_names = ("box_loss",)
        self.stop = False
        self.scale = 1.0
        self.recorder = Recorder()
        self.session = SimpleNamespace(recorder=self.recorder, grad_norm=None, stop_reason=None)
        self.control = Control(self, self.session, Path("."))
        (self.rescue,) = parse({"rescue": settings or True})
        assert isinstance(self.rescue, Rescue)
        self.rescue.setup(self.control)
        if loads is not None:  # a resume comes after all setups
            self.model.load_state_dict(loads)
            self.ema.ema.load_state_dict(loads)
        self.rescue.epoch_start(self.control)

    def preprocess_batch(self, data: Any) -> Any:
        return data

    def optimizer_step(self) -> None:
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=10.0)
        self.session.grad_norm = SimpleNamespace(total=norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.ema.update(self.model)

    def steps(self, count: int, spoil: Callable[[], None] | None = None, factor: float = 1.0) -> None:
        for _ in range(count):
            self.control.batch += 1
            if self.control.batch == 10:
                self.rescue.trained(self.control)
                self.epoch, self.control.batch = self.epoch + 1, 0
                self.rescue.epoch_start(self.control)
            if spoil is not None:
                spoil()
            data = self.preprocess_batch({"im_file": ["a.png", "b.png"]})
            assert data
            x = torch.randn(8, 4)
            loss = ((self.model(x) - x[:, :1]).square().mean() + 1) * self.scale * factor
            self.loss, self.loss_items = loss * 8, {"box_loss": loss.detach()}
            self.tloss = self.loss_items
            self.scaler.scale(self.loss).backward()
            self.optimizer_step()
            self.rescue.batch_end(self.control)

    @property
    def acts(self) -> list[tuple[str, str]]:
        return [(e["action"], e["what"]) for e in self.recorder.events if e["kind"] == "intervention"]

    @property
    def warnings(self) -> list[str]:
        return [e["message"] for e in self.recorder.events if e["kind"] == "warning"]

    def weights(self) -> list[Any]:
        return [p.detach().clone() for p in self.model.parameters()]


def test_three_bad_steps_among_ten_roll_back_and_halve_the_rate() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(14)
    for _ in range(3):
        loop.steps(1, factor=math.nan)
        loop.steps(1)
    assert loop.acts == [("skip", "non-finite loss")] * 2 + [("rollback", "non-finite loss")]
    assert loop.recorder.events[-1]["steps_lost"] == 16, "the state of step 10 is 6 good steps old, not yet trusted"
    assert all(g["lr"] == g["initial_lr"] == 0.005 for g in loop.optimizer.param_groups)
    assert loop.scheduler.base_lrs == [0.005]
    loop.steps(7, factor=math.nan)
    assert loop.optimizer.param_groups[0]["lr"] == 0.01 / 8


def test_a_rollback_restores_what_was_ten_steps_ago() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(10)
    expected, ema = loop.weights(), [v.clone() for v in loop.ema.ema.state_dict().values()]
    loop.steps(3)
    loop.steps(3, factor=math.nan)
    assert loop.acts[-1] == ("rollback", "non-finite loss")
    oldest = Loop(snapshot_every=10).weights()
    # The state of ten steps ago is 3 steps old, and not trusted yet: the one before it is taken.
    assert all(torch.equal(a, b) for a, b in zip(loop.weights(), oldest, strict=True))
    loop = Loop(snapshot_every=10)
    loop.steps(19)
    loop.steps(1)
    loop.steps(3, factor=math.nan)
    assert all(torch.equal(a, b) for a, b in zip(loop.weights(), expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(loop.ema.ema.state_dict().values(), ema, strict=True))


def test_non_finite_weights_roll_back_at_once_to_the_newest_state() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(10)
    expected = loop.weights()
    loop.steps(3)
    loop.steps(1, spoil=lambda: loop.model[0].weight.data.fill_(math.inf))
    assert loop.acts == [("rollback", "non-finite weights")]
    assert loop.recorder.events[-1]["tensors"] == ["0.weight"]
    assert all(torch.equal(a, b) for a, b in zip(loop.weights(), expected, strict=True))


def test_a_spoilt_ema_is_found_before_validation() -> None:
    loop = Loop()
    loop.steps(9)
    loop.steps(1, spoil=lambda: loop.ema.ema[2].bias.data.fill_(math.nan))
    assert loop.acts == []
    loop.steps(1)
    assert loop.acts == [("rollback", "non-finite weights")]
    assert loop.recorder.events[-1]["tensors"] == ["ema.2.bias"]
    assert loop.ema.ema[2].bias.isfinite().all()


def test_weights_blown_up_in_place_are_rolled_back() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(45)
    loop.model[2].weight.data.mul_(1e4)
    loop.steps(3)
    assert [w for _, w in loop.acts] == ["exploding loss"] * 3
    assert [a for a, _ in loop.acts] == ["skip", "skip", "rollback"]
    loop.steps(20)
    assert len(loop.acts) == 3
    assert loop.model[2].weight.abs().max() < 10


def test_a_new_level_of_the_loss_is_accepted_after_one_rollback() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(45)
    loop.scale = 100.0
    loop.steps(40)
    assert [a for a, _ in loop.acts] == ["skip", "skip", "rollback", "skip", "skip", "skip"]
    assert "the level is new" in loop.warnings[0]
    assert not loop.stop


def test_gains_that_change_are_no_explosion() -> None:
    loop = Loop()
    loop.steps(45)
    loop.scale = loop.args.box = 100.0
    loop.steps(20)
    assert loop.acts == []


def test_the_end_in_a_distributed_training_comes_with_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.all_reduce", lambda values, op: None)
    loop = Loop(rollbacks=0)
    loop.world_size = 2
    loop.steps(5)
    loop.steps(3, factor=math.nan)
    assert loop.acts[-1] == ("end", "non-finite loss")
    frozen = loop.weights()
    loop.steps(2)
    assert not loop.stop
    assert all(torch.equal(a, b) for a, b in zip(loop.weights(), frozen, strict=True))
    loop.rescue.trained(loop.control)
    assert loop.stop
    reason, message, data = loop.session.stop_reason
    assert (reason, message) == ("stopped", "non-finite loss, after 0 rollbacks")
    assert data["rollbacks"] == 0


def test_overflows_in_a_row_are_the_scalers_affair_only_so_long() -> None:
    loop = Loop(amp_overflows=4)
    loop.scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    loop.rescue.setup(loop.control)
    loop.model[0].weight.register_hook(lambda g: g * math.inf)
    loop.steps(4)
    assert loop.acts == []
    loop.steps(3)
    assert loop.acts == [("skip", "non-finite gradient")] * 2 + [("rollback", "non-finite gradient")]


def test_many_events_of_an_epoch_are_counted() -> None:
    loop = Loop(bad_steps=1, rollbacks=1000)
    loop.train_loader = [0] * 500
    loop.rescue._events = 99
    loop.optimizer.param_groups[0]["lr"] = 1.0
    loop.steps(1)
    loop.optimizer.param_groups[0]["lr"] = 1.0
    loop.steps(1)
    assert loop.acts == [("hold_lr", "learning rate")]
    assert loop.optimizer.param_groups[0]["lr"] == 0.01
    loop.rescue.trained(loop.control)
    assert loop.recorder.events[-1]["count"] == 1


def test_lr_factor_null_leaves_the_rate_alone() -> None:
    loop = Loop(lr_factor=None)
    loop.optimizer.param_groups[0]["lr"] = 1.0
    loop.steps(1)
    assert loop.acts == []
    assert loop.optimizer.param_groups[0]["lr"] == 1.0


def test_a_cut_that_ultralytics_resume_brings_back_reaches_the_scheduler() -> None:
    loop = Loop()
    loop.optimizer.param_groups[0]["initial_lr"] = 0.01 / 16  # from its last.pt; its scheduler was made before
    (again,) = parse({"rescue": True})
    again.setup(loop.control)
    assert loop.scheduler.base_lrs == [0.01 / 16]


def test_a_replayed_epoch_starts_anew() -> None:
    loop = Loop(snapshot_every=10)
    loop.steps(5)
    replayed = loop.weights()
    loop.control.batch = -1
    loop.rescue.epoch_start(loop.control)
    loop.steps(2)
    loop.steps(3, factor=math.nan)
    assert all(torch.equal(a, b) for a, b in zip(loop.weights(), replayed, strict=True))


def test_the_good_state_of_a_resumed_training_is_the_one_that_it_loads() -> None:
    before = Loop()
    before.steps(10)
    saved = copy.deepcopy(before.model.state_dict())
    loop = Loop(loads=saved, bad_steps=3)
    loop.steps(1, factor=math.nan)
    for name in ("1.running_mean", "1.running_var"):
        assert torch.equal(loop.model.state_dict()[name], saved[name]), "not those of the model before it was loaded"
    loop.steps(2, factor=math.nan)
    assert loop.acts[-1] == ("rollback", "non-finite loss")
    for name, value in loop.model.state_dict().items():
        assert not value.is_floating_point() or torch.equal(value, saved[name]), name


def test_a_trainer_that_does_not_use_the_scaler_is_left_alone() -> None:
    loop = Loop()
    loop.scaler = torch.amp.GradScaler("cpu", enabled=False)  # replaced behind our back
    loop.steps(2)
    assert "inert" in loop.warnings[0]
    assert len(loop.warnings) == 1
    loop.steps(20, factor=math.nan)
    assert loop.acts == [], "left alone at the ends of epochs, too"
    assert loop.rescue._items == [], "nothing is gathered that nobody looks at"


def test_an_error_of_its_own_switches_it_off_and_the_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    monkeypatch.setattr(loop.rescue._judge, "bad", lambda reading: 1 / 0)
    before = loop.weights()
    loop.steps(3)
    assert ["ZeroDivisionError" in w for w in loop.warnings] == [True]
    assert (loop.rescue._items, loop.rescue._good.snapshots) == ([], [])
    assert not torch.equal(before[0], loop.weights()[0])


def test_teardown_gives_the_scaler_back() -> None:
    loop = Loop()
    assert "step" in vars(loop.scaler)
    loop.rescue.teardown(loop.control)
    assert "step" not in vars(loop.scaler)
    loop.steps(1, factor=math.nan)
    assert loop.acts == []


def test_state_goes_on_in_another_process() -> None:
    loop, again = Loop(), Loop()
    loop.steps(30)
    loop.steps(3, factor=math.nan)
    state = json.loads(json.dumps(loop.rescue.state()))
    assert (state["scale"], state["rollbacks"], len(state["loss"])) == (0.5, 1, 30)
    again.rescue.restore(state)
    again.rescue.epoch_start(again.control)
    assert again.optimizer.param_groups[0]["initial_lr"] == again.scheduler.base_lrs[0] == 0.005
    for name, value in again.rescue.state().items():
        assert value == pytest.approx(state[name]), name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 2}, "window is 2; it cannot be smaller than bad_steps 3"),
        ({"snapshot_every": 5}, "snapshot_every is 5; it cannot be smaller than window 10"),
        ({"lr_cut": 0.0}, "lr_cut is 0; it must lie between 0 and 1"),
        ({"history": 10}, "history is 10; it cannot be smaller than least 20"),
        ({"lr_factor": 1.0}, "it must be above 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse({"rescue": settings})


def test_states_are_taken_at_a_hundredth_of_the_training() -> None:
    assert [Loop(epochs=e).rescue._good.every for e in (5, 300, 5000)] == [10, 30, 100]
    assert Loop(window=40).rescue._good.every == 40
    assert Settings().snapshot_every is None
