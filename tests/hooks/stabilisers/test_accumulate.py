"""accumulate: the arguments that it turns into, and that the trainer does accumulate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainwatch_hooks.stabilisers import _fit_batch
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.accumulate import lr0
from trainwatch_hooks.stabilisers.base import Request, SettingsError

DEFAULTS = {"batch": 16, "nbs": 64, "lr0": 0.01, "optimizer": "auto", "epochs": 100}


def arguments(settings: Any, **given: Any) -> dict[str, Any]:
    (made,) = parse({"accumulate": settings})
    return made.arguments(Request(given, DEFAULTS))


def test_the_sources_numbers() -> None:
    assert arguments(True, batch=64) == {"nbs": 256, "lr0": 0.01, "optimizer": "SGD"}
    assert lr0(32, "SGD") == 0.005
    assert lr0(128, "SGD") == 0.02
    assert lr0(64, "AdamW") == 0.001
    assert arguments(4, batch=64) == arguments({"accumulate": 4}, batch=64)
    assert arguments({"effective_batch": 256}, batch=32)["nbs"] == 256
    assert arguments(True, batch=64.0) == arguments(True, batch=64)


def test_what_the_user_gave_stays() -> None:
    assert arguments(True, batch=64, lr0=0.003) == {"nbs": 256, "optimizer": "SGD"}
    assert arguments(True, batch=64, optimizer="AdamW") == {"nbs": 256, "lr0": 0.001}
    assert arguments({"bind_lr": False}, batch=8) == {"nbs": 32}
    assert arguments(True, batch=64, nbs=64) == {"lr0": 0.01, "optimizer": "SGD"}


@pytest.mark.parametrize(
    ("settings", "given", "says"),
    [
        (4, {"nbs": 64, "batch": 64}, "nbs=64 contradicts an effective batch of 256"),
        (True, {"batch": -1}, "give batch as a number"),
        (True, {"batch": 0.7}, "lets the trainer choose the batch"),
        (True, {"batch": "16"}, "batch='16' is no whole number"),
        (True, {"optimizer": "auto"}, "optimizer=auto ignores lr0"),
        ({"lr0_at_64": 0.02}, {"lr0": 0.5}, "lr0=0.5 contradicts"),
        ({"effective_batch": 100}, {"batch": 64}, "no multiple of batch=64"),
        ({"effective_batch": 100, "accumulate": 2}, {"batch": 64}, "is 128, not effective_batch=100"),
        ({"fit_batch": True}, {"batch": -1}, "needs a goal"),
        ({"fit_batch": True, "effective_batch": 64}, {"batch": 8}, "leave batch=8 out"),
    ],
)
def test_contradictions_are_refused(settings: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        arguments(settings, **given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("free", [100.0, 333.0, 1290.0, 2000.0, 1e9])
def test_the_search_finds_the_largest_that_fits(free: float) -> None:
    trials: list[int] = []

    def peak(batch: int) -> float | None:
        trials.append(batch)
        return 50.0 + 10.0 * batch if batch < 100 else None

    found = _fit_batch.search(256, free, peak)
    assert found == max(b for b in (1, 2, 4, 8, 16, 32, 64) if 50 + 10 * b <= free)
    assert len(trials) == len(set(trials)) <= 7


def test_the_search_says_when_nothing_fits() -> None:
    with pytest.raises(SettingsError, match="one image takes"):
        _fit_batch.search(64, 10.0, lambda batch: 100.0)


@pytest.mark.training
def test_a_trial_is_a_real_step_in_a_process_of_its_own() -> None:
    pytest.importorskip("ultralytics")
    task = {"model": "yolo12n.yaml", "imgsz": 160, "amp": True, "device": "cpu", "classes": 3}
    small, large = (_fit_batch.trial({**task, "batch": b}) for b in (1, 8))
    assert small is not None
    assert large is not None
    # 8 images of 160 pixels: at least 7 times the 3 * 160 * 160 * 4 bytes of the image, far more with activations.
    assert large - small > 100e6
    with pytest.raises(SettingsError, match="failed"):
        _fit_batch.trial({**task, "model": "no-such-model.yaml", "batch": 1})
    with pytest.raises(SettingsError, match="not for the task segment; give batch yourself"):
        _fit_batch.trial({**task, "model": "yolo11n-seg.yaml", "batch": 1})


@pytest.mark.training
def test_fit_batch_fills_the_budget(shapes: Path) -> None:
    pytest.importorskip("ultralytics")
    request = Request({"imgsz": 160, "device": "cpu", "data": str(shapes)}, DEFAULTS, "yolo12n.yaml")
    task = {"model": "yolo12n.yaml", "imgsz": 160, "amp": True, "device": "cpu", "classes": 3}
    four = _fit_batch.trial({**task, "batch": 4})
    assert four is not None
    (made,) = parse({"accumulate": {"fit_batch": True, "effective_batch": 8, "memory_gib": (four + 20e6) / (1 << 30)}})
    wanted = made.arguments(request)
    assert wanted["batch"] == 4
    assert wanted["nbs"] == 8


@pytest.mark.training
def test_the_trainer_accumulates_and_the_rate_follows_the_batch(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    trainer = train(stabilise={"accumulate": 4}, batch=4, nbs=None, optimizer=None, epochs=2, warmup_epochs=0)
    steps = read_run(trainer.save_dir).steps
    assert trainer.args.nbs == 16
    assert trainer.args.lr0 == pytest.approx(0.01 * 4 / 64)
    assert trainer.args.optimizer == "SGD"
    assert steps["accumulate"].max() == 4
    assert steps["optimizer_stepped"].sum() == len(steps) / 4 == 4
    assert steps["lr/pg1"].max() <= 0.000625


@pytest.mark.training
def test_a_data_set_too_small_for_it_is_said(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    run = read_run(train(stabilise={"accumulate": 8}, nbs=None, optimizer=None, epochs=4, close_mosaic=0).save_dir)
    (event,) = (e for e in run.events if e["source"] == "stabiliser/accumulate")
    assert "less than one optimizer step per epoch" in event["message"]
