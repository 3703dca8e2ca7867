"""loss-stages: the gains that the loss uses, in every head, and after a NaN recovery."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Request, SettingsError
from trainwatch_hooks.stabilisers.loss_stages import Settings, stage

STAGES = {"loss_stages": True}


def test_boundaries_of_the_source() -> None:
    found = [stage(Settings(), e, 600) for e in range(600)]
    assert (found.index(1), found.index(2)) == (100, 450)
    assert [stage(Settings(), e, 12) for e in range(12)] == [0] * 2 + [1] * 7 + [2] * 3


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"boundaries": [50, 20]}, "overlap"),
        ({"boundaries": [0.5, 40]}, "overlap"),
        ({"boundaries": [20, 200]}, "after the end of 100 epochs"),
        ({"boundaries": [0, 20]}, "must be positive"),
        ({"box": [1.0, -1.0, 1.0]}, "no factor < 0"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"loss_stages": settings})[0].arguments(Request({}, {"epochs": 100}))
    assert says in str(caught.value)


@pytest.mark.training
def test_the_loss_follows_the_gains(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    seen: list[dict[str, float]] = []

    def listen(trainer: Any) -> None:
        criterion = trainer.model.criterion
        seen.append({n: getattr(criterion.hyp, n) for n in ("box", "cls", "dfl")})

    trainer = train(stabilise=STAGES, epochs=6, callbacks={"on_train_batch_end": listen}, val=True)
    run = read_run(trainer.save_dir)
    expected = [(1.5, 0.8, 0.5)] + [(1.0, 1.0, 1.0)] * 3 + [(0.7, 1.2, 1.3)] * 2
    for name, base, column in (("box", 7.5, "box_loss"), ("cls", 0.5, "cls_loss"), ("dfl", 1.5, "dfl_loss")):
        index = ("box", "cls", "dfl").index(name)
        wanted = [base * f[index] for f in expected]
        assert run.epochs[f"gain/{column}"].tolist() == pytest.approx(wanted)
        assert [s[name] for s in seen[::2]] == pytest.approx(wanted), "what the criterion really multiplies with"
    assert [(e["epoch"], e["data"]["stage"]) for e in run.events_of("stage")] == [(0, 0), (1, 1), (4, 2)]
    assert trainer.args.box == 7.5, "the user's gains are given back"


@pytest.mark.training
def test_train_and_validation_loss_jump_by_the_factor_and_not_otherwise(train: Callable[..., Any]) -> None:
    """The same training with and without, learning rate zero: every loss differs by the factor alone."""
    from trainwatch.runs import read_run

    still = {"epochs": 3, "lr0": 0.0, "warmup_epochs": 0, "close_mosaic": 0, "weight_decay": 0.0}
    flat = read_run(train(name="flat", **still).save_dir).epochs
    staged = read_run(train(name="staged", stabilise={"loss_stages": {"boundaries": [1, 2]}}, **still).save_dir).epochs
    for part, factors in {"box": (1.5, 1.0, 0.7), "cls": (0.8, 1.0, 1.2), "dfl": (0.5, 1.0, 1.3)}.items():
        for family in ("train", "val"):
            ratio = staged[f"{family}/{part}_loss"] / flat[f"{family}/{part}_loss"]
            assert ratio.tolist() == pytest.approx(list(factors), rel=2e-3), (family, part)


@pytest.mark.training
def test_survives_the_trainers_nan_recovery(train: Callable[..., Any]) -> None:
    """After it Ultralytics' EMA keeps a criterion with a stale copy of the arguments; validation must follow."""
    from trainwatch.runs import read_run

    poisoned: list[int] = []

    def poison(trainer: Any) -> None:
        if trainer.epoch == 1 and not poisoned:
            poisoned.append(1)
            next(iter(trainer.model.parameters())).data.view(-1)[0] = math.nan

    settings = {"loss_stages": {"boundaries": [2, 3], "box": [1.0, 100.0, 1.0]}}
    trainer = train(
        stabilise=settings, epochs=4, lr0=0.0, warmup_epochs=0, save=True, callbacks={"on_train_epoch_start": poison}
    )
    run = read_run(trainer.save_dir)
    assert poisoned
    assert run.events_of("nan_recovery")
    val = run.epochs.drop_duplicates("epoch", keep="last")["val/box_loss"].tolist()
    assert val[2] / val[3] == pytest.approx(100, rel=0.05)


@pytest.mark.training
@pytest.mark.parametrize(
    ("model", "gains"),
    [("yolo26n.yaml", {"box", "cls", "dfl"}), ("yolo11n-seg.yaml", {"box", "cls", "dfl"})],
)
def test_other_heads(model: str, gains: set[str], train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    trainer = train(model=model, stabilise=STAGES, epochs=1)
    (event,) = read_run(trainer.save_dir).events_of("stage")
    assert set(event["data"]["gains"]) == gains


def test_inert_where_the_loss_has_no_such_gains(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from trainwatch_hooks.stabilisers.base import Control
    from trainwatch_hooks.stabilisers.loss_stages import LossStages

    class RTDETRDecoder:
        """A head whose loss has gains of its own."""

    notes: list[str] = []
    args = SimpleNamespace(task="detect", box=7.5, cls=0.5, dfl=1.5)
    trainer = SimpleNamespace(args=args, model=SimpleNamespace(model=[RTDETRDecoder()]), epoch=0, epochs=6)
    control = Control(trainer, None, tmp_path)
    monkeypatch.setattr(Control, "note", lambda self, kind, message, **data: notes.append(message))
    made = LossStages(Settings())
    made.setup(control)
    made.epoch_start(control)
    assert "inert" in notes[0]
    assert args.box == 7.5


def test_ultralytics_checkpoints_hold_the_users_gains(tmp_path: Any) -> None:
    """Its resume takes the arguments from them: a gain in force would be multiplied once more."""
    from types import SimpleNamespace

    from trainwatch_hooks.stabilisers.base import Control
    from trainwatch_hooks.stabilisers.loss_stages import LossStages

    saved: list[float] = []
    args = SimpleNamespace(task="detect", box=7.5, cls=0.5, dfl=1.5)
    trainer = SimpleNamespace(args=args, model=SimpleNamespace(model=[None]), epoch=0, epochs=6, ema=None)
    trainer.save_model = lambda: saved.append(args.box) or True
    control = Control(trainer, None, tmp_path)
    made = LossStages(Settings())
    made.setup(control)
    made.epoch_start(control)
    assert args.box == 11.25
    assert trainer.save_model() is True
    assert (saved, args.box) == ([7.5], 11.25)
