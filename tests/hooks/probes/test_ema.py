"""A small net with batch normalisation, and YOLO12n with a spoilt average."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks.probes.ema import Average


def net() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))


def flat(model: Any) -> Any:
    return torch.cat([p.detach().double().reshape(-1) for p in model.parameters()])


def test_distance_shift_and_drift_are_what_the_tensors_say() -> None:
    model, probe = net(), Average()
    average = copy.deepcopy(model)
    first = probe.read(model, average)
    assert first == {"distance": 0.0, "bn_shift": 0.0, "nonfinite": 0.0, "bn_nonfinite": 0.0}, "no epoch before"
    model[0].weight.data += 0.5
    model[1].running_mean += 3.0
    model[1].running_var.fill_(4.0)
    row = probe.read(model, average)
    assert row["distance"] == pytest.approx(float((flat(average) - flat(model)).norm() / flat(model).norm()), rel=1e-5)
    assert row["bn_shift"] == pytest.approx(1.5)
    assert row["bn_drift"] == pytest.approx(1.5)
    average[1].running_mean += 3.0
    row = probe.read(model, average)
    assert row["bn_shift"] == row["bn_drift"] == 0.0


def test_tensors_that_are_not_finite_are_counted_and_named() -> None:
    model, probe = net(), Average()
    average = copy.deepcopy(model)
    average[0].bias.data[1] = math.nan
    average[1].running_var[0] = math.inf
    model[1].running_mean[2] = -math.inf
    row = probe.read(model, average)
    assert (row["nonfinite"], row["bn_nonfinite"]) == (2.0, 1.0)
    assert probe.spoilt == ("0.bias", "1.running_var", "1.running_mean")
    model[0].weight.data *= 3e38
    average[0].bias.data.zero_()
    average[1].running_var.fill_(1.0)
    average[0].weight.data.fill_(3e38)
    assert probe.read(model, average)["nonfinite"] == 0.0, "large, and its norm overflows, but finite"


def test_other_models() -> None:
    plain = torch.nn.Linear(2, 2)
    assert Average().read(plain, copy.deepcopy(plain)) == {"distance": 0.0, "nonfinite": 0.0}
    dead = net()
    dead[1].running_var.zero_()
    assert "bn_shift" not in Average().read(dead, copy.deepcopy(dead)), "no channel ever varied"
    assert set(Average().read(plain, net())) == {"nonfinite"}, "nothing in common"
    wrapped = torch.nn.Module()
    wrapped.module = net()
    half = net().half()
    assert Average().read(wrapped, half)["distance"] == pytest.approx(0.0, abs=1e-3)


def test_nothing_is_changed() -> None:
    model, average = net(), net()
    before = [copy.deepcopy(m.state_dict()) for m in (model, average)]
    Average().read(model, average)
    for old, now in zip(before, (model, average), strict=True):
        assert all(torch.equal(v, now.state_dict()[k]) for k, v in old.items())


@pytest.mark.training
def test_a_spoilt_average_of_yolo12n_is_found(train: Callable[..., Any]) -> None:
    """The training losses stay finite; as in releases that do not mend it, each epoch's average is spoilt again."""

    def spoil(trainer: Any) -> None:
        if trainer.epoch >= 2:
            next(p for n, p in trainer.ema.ema.named_parameters() if n == "model.2.cv1.conv.weight").data[0] = math.nan

    run = read_run(train(callbacks={"on_train_batch_end": spoil}, epochs=5).save_dir)
    assert run.epoch_series("ema/nonfinite").values.tolist() == [0, 0, 1, 1, 1]
    distance = run.epoch_series("ema/distance")
    assert distance.values[0] > 0
    assert distance.finite.tolist() == [True, True, False, False, False]
    assert (run.epoch_series("ema/bn_shift").values >= 0).all()
    assert run.epoch_series("ema/bn_drift").epoch.tolist() == [1, 2, 3, 4]
    (event,) = [e for e in run.events_of("nonfinite") if e["data"].get("place") == "average"]
    assert event["data"]["names"] == ["model.2.cv1.conv.weight"]
    analysis = analyse(run)
    finding = next(f for f in analysis.findings if f.id == "nonfinite-validation")
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.epoch == 2
    assert "model.2.cv1.conv.weight" in finding.summary
    assert analysis.verdict.cause == "nonfinite-validation"


@pytest.mark.training
def test_a_healthy_training_says_nothing(train: Callable[..., Any]) -> None:
    run = read_run(train(epochs=3).save_dir)
    assert run.epoch_series("ema/nonfinite").values.tolist() == [0, 0, 0]
    assert run.epoch_series("ema/bn_nonfinite").values.tolist() == [0, 0, 0]
    assert not [f for f in analyse(run).findings if "nonfinite" in f.id]
    off = read_run(train(epochs=1, probes={"ema": False}, name="off").save_dir)
    assert not [c for c in off.epochs if c.startswith("ema/")]
