"""Real optimizers on small nets, and YOLO12n."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.probes.update_ratio import EVERY, UpdateRatio


def net(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 4))


def backward(model: Any, seed: int) -> None:
    data = torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))
    model.zero_grad()
    (model(data) ** 2).mean().backward()


def groups(model: Any) -> list[dict[str, Any]]:
    weights = [p for n, p in model.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in model.named_parameters() if n.endswith("bias")]
    return [{"params": weights}, {"params": []}, {"params": biases}]


def flat(params: Any) -> Any:
    return torch.cat([p.detach().double().reshape(-1) for p in params])


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda g: torch.optim.SGD(g, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "AdamW": lambda g: torch.optim.AdamW(g, lr=0.01),
    "RMSprop": lambda g: torch.optim.RMSprop(g, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_what_the_weights_say(name: str) -> None:
    model = net()
    optimizer = OPTIMIZERS[name](groups(model))
    ratio = UpdateRatio(optimizer, every=2).attach()
    assert ratio.columns == ["update_ratio", "update_ratio/pg0", "update_ratio/pg2"], "the empty group has none"
    for step in range(5):
        backward(model, step)
        parts = {"": list(model.parameters()), "/pg0": groups(model)[0]["params"], "/pg2": groups(model)[2]["params"]}
        old = {part: flat(params) for part, params in parts.items()}
        optimizer.step()
        found = ratio.take()
        if step % 2:
            assert found == {}
            continue
        for part, params in parts.items():
            expected = float((flat(params) - old[part]).norm() / old[part].norm())
            assert expected > 0
            assert float(found[f"update_ratio{part}"]) == pytest.approx(expected, rel=1e-4)
        assert ratio.take() == {}, "of one step only"
    ratio.detach()
    backward(model, 9)
    optimizer.step()
    assert ratio.take() == {}


def test_the_muon_optimizer_of_ultralytics() -> None:
    optim = pytest.importorskip("ultralytics.optim")
    model = net()
    parts = [{"params": [p for p in model.parameters() if p.ndim == 2], "use_muon": True},
             {"params": [p for p in model.parameters() if p.ndim < 2]}]  # fmt: skip
    optimizer = optim.MuSGD(parts, lr=0.01, momentum=0.9, nesterov=True, muon=0.2, sgd=1.0)
    ratio = UpdateRatio(optimizer, every=1).attach()
    backward(model, 0)
    old = flat(model.parameters())
    optimizer.step()
    expected = float((flat(model.parameters()) - old).norm() / old.norm())
    assert float(ratio.take()["update_ratio"]) == pytest.approx(expected, rel=1e-4)


def test_the_weights_are_those_of_a_training_without_it() -> None:
    ends = []
    for watched in (False, True):
        model = net()
        optimizer = OPTIMIZERS["SGD"](groups(model))
        if watched:
            UpdateRatio(optimizer, every=1).attach()
        for step in range(5):
            backward(model, step)
            optimizer.step()
        ends.append(flat(model.parameters()))
    assert torch.equal(*ends)


def test_a_step_that_the_scaler_skips_moves_nothing() -> None:
    model = net()
    optimizer = torch.optim.SGD(groups(model), lr=0.1)
    scaler, ratio = torch.amp.GradScaler("cpu", init_scale=4.0), UpdateRatio(optimizer, every=1)
    backward(model, 0)
    scaler.scale(torch.zeros(())).item()
    next(model.parameters()).grad[0, 0] = math.inf
    ratio.before()
    scaler.step(optimizer)
    ratio.after()
    assert [float(v) for v in ratio.take().values()] == [0.0, 0.0, 0.0]


def test_weights_of_norm_zero_frozen_ones_and_other_types() -> None:
    model = net()
    torch.nn.init.zeros_(model[0].bias)
    model[2].double()
    model[1].requires_grad_(False)
    parts = [{"params": [model[0].bias]}, {"params": model[1].parameters()}, {"params": model[2].parameters()}]
    optimizer = torch.optim.SGD(parts, lr=0.1)
    ratio = UpdateRatio(optimizer, every=1)
    assert ratio.columns == ["update_ratio", "update_ratio/pg0", "update_ratio/pg2"]
    for p in (model[0].bias, *model[2].parameters()):
        p.grad = torch.ones_like(p)
    ratio.before()
    optimizer.step()
    ratio.after()
    found = ratio.take()
    assert float(found["update_ratio/pg0"]) == 0.0, "no norm to divide by"
    assert 0 < float(found["update_ratio/pg2"]) <= float(found["update_ratio"])


def test_its_own_errors_stay_inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = net()
    optimizer = torch.optim.SGD(groups(model), lr=0.1)
    ratio = UpdateRatio(optimizer, every=1).attach()
    monkeypatch.setattr(ratio, "_per_group", lambda tensors: 1 / 0)
    for step in range(2):
        backward(model, step)
        optimizer.step()
    assert capsys.readouterr().err.count("division by zero") == 1
    assert ratio.take() == {}


def test_a_loop_of_your_own(tmp_path: Path) -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ratio = UpdateRatio(optimizer, every=2).attach()
    with Recorder(tmp_path, report=False) as rec:
        for step in range(4):
            backward(model, step)
            optimizer.step()
            rec.step(loss=1.0, **ratio.take())
    series = read_run(tmp_path).step_series("update_ratio")
    assert series.step.tolist() == [0, 2]
    assert (series.values > 0).all()


@pytest.mark.training
def test_a_training_of_yolo12n(train: Callable[..., Any]) -> None:
    expected: list[float] = []

    def listen(trainer: Any) -> None:
        inner = trainer.optimizer_step
        weights = [p for p in trainer.model.parameters() if p.requires_grad]  # all but the decoder of the boxes

        def step() -> None:
            old = flat(weights)
            inner()
            expected.append(float((flat(weights) - old).norm() / old.norm()))

        trainer.optimizer_step = step

    run = read_run(train(callbacks={"on_train_start": listen}, epochs=6).save_dir)
    series = run.step_series("update_ratio")
    assert series.step.tolist() == [0, EVERY]
    assert series.values.tolist() == pytest.approx([expected[0], expected[EVERY]], rel=1e-3)
    assert {f"update_ratio/pg{i}" for i in range(3)} <= set(run.steps)


def test_it_warns_of_a_loss_that_explodes(tmp_path: Path) -> None:
    """A rate that doubles every 8 steps: the updates grow first, then the loss."""
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    ratio = UpdateRatio(optimizer, every=5).attach()
    generator = torch.Generator().manual_seed(0)
    with Recorder(tmp_path, report=False) as rec:
        for step in range(260):
            optimizer.param_groups[0]["lr"] = 0.01 if step < 150 else min(0.01 * 2 ** ((step - 150) / 8), 1e3)
            data = torch.randn(32, 8, generator=generator)
            loss = ((model(data) - data[:, :4]) ** 2).mean()
            model.zero_grad()
            loss.backward()
            optimizer.step()
            rec.step(epoch=step // 20, loss=loss, **ratio.take())
    found = next(f for f in analyse(read_run(tmp_path)).findings if f.id == "loss-explosion")
    assert found.onset is not None
    assert found.onset.step is not None
    assert found.onset.step > 150
    assert found.detail["update_precursor_steps"] >= 1
    assert "begun to move further" in found.summary
