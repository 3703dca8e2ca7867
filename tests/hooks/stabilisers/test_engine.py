"""Moments, events, failures of a stabiliser; what recording alone does not import; arguments collected."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from trainwatch_hooks.stabilisers._engine import StabiliserHook, resolve
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Request, SettingsError, Stabiliser
from trainwatch_hooks.stabilisers.lr_restart import LrRestart
from trainwatch_hooks.trainers.ultralytics import UltralyticsHook


def test_two_that_want_different_things_are_refused() -> None:
    class Wants(Stabiliser):
        settings_type = LrRestart.settings_type

        def __init__(self, value: int) -> None:
            super().__init__(None)
            self.value = value

        def arguments(self, request: Request) -> dict[str, Any]:
            return {"nbs": self.value}

    assert resolve([Wants(1), Wants(1)], Request({}, {})) == {"nbs": 1}
    with pytest.raises(SettingsError, match=r"nbs=1 .* nbs=2"):
        resolve([Wants(1), Wants(2)], Request({}, {}))


def test_every_argument_of_every_stabiliser_is_one_that_ultralytics_takes() -> None:
    pytest.importorskip("ultralytics")
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    for epochs in (3, 10, 100, 600):
        for batch in (1, 16, 256):
            for model in ("yolo12n.yaml", "yolo12x.yaml", "yolo26s.pt"):
                given = {"epochs": epochs, "batch": batch}
                wanted = resolve(parse(True), Request(given, DEFAULT_CFG_DICT, model))
                get_cfg(DEFAULT_CFG_DICT, {**given, **wanted})


class Model:
    """Takes callbacks and arguments as ``YOLO`` does."""

    def __init__(self, ckpt: dict[str, Any] | None = None) -> None:
        self.overrides: dict[str, Any] = {"model": "yolo12n.yaml"}
        self.ckpt = ckpt
        self.callbacks: dict[str, list[Any]] = {}
        self.asked: dict[str, Any] = {}

    def add_callback(self, event: str, callback: Any) -> None:
        self.callbacks.setdefault(event, []).append(callback)

    def train(self, trainer: Any = None, **kwargs: Any) -> None:
        self.asked = kwargs


@pytest.mark.parametrize("resume", [True, "runs/exp3/weights/last.pt"])
def test_the_arguments_of_a_checkpoint_that_goes_on_count(resume: bool | str) -> None:
    pytest.importorskip("ultralytics")
    from trainwatch_hooks import watch

    stabilise = {"lr_restart": {"at": 300}, "loss_stages": {"boundaries": [100, 450]}}
    model = watch(Model({"epoch": 20, "optimizer": {}}), stabilise=stabilise)
    model.train(resume=resume, data="d.yaml")  # its epochs are in the checkpoint, not 100
    assert model.asked == {"resume": resume, "data": "d.yaml"}


def test_what_cannot_be_resumed_is_a_new_training() -> None:
    pytest.importorskip("ultralytics")
    from trainwatch_hooks import watch

    model = watch(Model({"epoch": -1, "optimizer": None}), stabilise={"convergence": True})
    model.train(resume=True)
    assert model.asked == {"resume": True, "patience": 0}


def test_of_several_calls_the_last_one_counts() -> None:
    pytest.importorskip("ultralytics")
    from trainwatch_hooks import watch

    model = Model()
    own = print
    model.add_callback("on_train_end", own)
    watch(model, stabilise={"accumulate": {"lr0_at_64": 0.02}})
    watch(model, stabilise={"accumulate": {"lr0_at_64": 0.04}})
    model.train(batch=64)
    assert model.asked["lr0"] == 0.04
    assert len(model.callbacks["teardown"]) == 2, "the recorder's and the stabilisers'"
    watch(model)
    model.train(batch=64)
    assert model.asked == {"batch": 64}
    assert model.callbacks["on_train_end"][0] is own
    assert len(model.callbacks["on_train_end"]) == 2
    assert [len(model.callbacks[e]) for e in ("on_train_batch_end", "teardown")] == [1, 1]


def test_the_hook_survives_pickling() -> None:
    hook = StabiliserHook(UltralyticsHook(), parse({"lr_restart": {"floor": 0.02}}))
    again = pickle.loads(pickle.dumps(hook))
    assert again._prototypes[0].settings.floor == 0.02
    assert again.control is None


def test_a_stabilised_model_can_be_copied_and_pickled() -> None:
    import copy

    ultralytics = pytest.importorskip("ultralytics")
    from trainwatch_hooks import watch

    model = watch(ultralytics.YOLO("yolo12n.yaml"), stabilise=True)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again.train.model is again, "it trains the copy"
        assert [s.name for s in again.train.stabilisers] == [s.name for s in model.train.stabilisers]
        assert again.train.hook in [getattr(c, "__self__", None) for c in again.callbacks["teardown"]]
    watch(model)
    assert "train" not in vars(model), "an unstabilised model has Ultralytics' own train"


def test_what_outlives_a_training_is_undone_where_the_trainer_does_not_say_that_it_failed() -> None:
    undone: list[str] = []

    class Hook:
        def teardown(self, trainer: Any) -> None:
            undone.append("teardown")

    class Fails(Model):
        def train(self, trainer: Any = None, **kwargs: Any) -> None:
            raise RuntimeError("out of memory")

    from trainwatch_hooks.stabilisers._engine import StabilisedTrain

    hook: Any = Hook()
    with pytest.raises(RuntimeError):
        StabilisedTrain(Fails(), parse({"loss_stages": True}), hook, None)()
    assert undone == ["teardown"]


def test_a_resume_says_which_arguments_it_will_not_take(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ultralytics")
    from trainwatch_hooks import watch

    saved = {"epochs": 100, "batch": 16, "nbs": 64, "lr0": 0.01, "optimizer": "SGD"}
    model = Model({"epoch": 3, "optimizer": {}, "train_args": saved})
    watch(model, stabilise={"lr_restart": True}).train(resume=True)
    assert "lrf" not in model.asked
    assert "keeps the checkpoint's arguments, not: cos_lr=True lrf=0.01" in capsys.readouterr().err


def test_recording_alone_imports_no_stabiliser() -> None:
    code = "import sys, trainwatch_hooks, trainwatch_hooks.trainers.ultralytics; print([m for m in sys.modules if 'stabilisers' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.training
def test_a_failing_stabiliser_is_switched_off_and_the_training_goes_on(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch.runs import how_it_ended, read_run

    calls: list[int] = []

    def broken(self: LrRestart, control: Any) -> None:
        calls.append(control.epoch)
        raise ValueError("planted")

    monkeypatch.setattr(LrRestart, "epoch_start", broken)
    run = read_run(train(stabilise={"lr_restart": True, "loss_stages": True}, epochs=3).save_dir)
    assert calls == [0], "never asked again"
    (warning,) = (e for e in run.events_of("warning") if "switched off (" in e["message"])
    assert warning["source"] == "stabiliser/lr_restart"
    assert "planted" in warning["message"]
    assert how_it_ended(run).kind == "completed"
    assert run.events_of("stage"), "the others act on"
    assert capsys.readouterr().err.count("planted") == 1


@pytest.mark.training
def test_contradictions_end_it_before_it_starts(train: Callable[..., Any], tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="restart at epoch 300"):
        train(stabilise={"lr_restart": {"at": 300}}, epochs=10)
    assert not (tmp_path / "runs").exists()


@pytest.mark.training
def test_settings_in_force_are_on_record_and_a_trainer_can_be_watched(shapes: Any, tmp_path: Any) -> None:
    from ultralytics.models.yolo.detect import DetectionTrainer

    from trainwatch.runs import read_run
    from trainwatch_hooks import watch

    overrides = {
        "model": "yolo12n.yaml", "data": str(shapes), "epochs": 2, "imgsz": 64, "batch": 8, "device": "cpu",
        "plots": False, "project": str(tmp_path / "runs"), "name": "t",
    }  # fmt: skip
    trainer = watch(DetectionTrainer(overrides=overrides), stabilise={"accumulate": 2}, report=False)
    trainer.train()
    run = read_run(tmp_path / "runs" / "t")
    assert run.meta["stabilisers"]["accumulate"]["accumulate"] == 2
    assert run.args["nbs"] == 16
    assert trainer.accumulate == 2
