"""Real trainings of YOLO12n."""

from __future__ import annotations

import inspect
import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ultralytics")
import torch
from ultralytics.engine.trainer import BaseTrainer

from trainwatch.analysis import analyse
from trainwatch.reports.html import render
from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks import watch
from trainwatch_hooks.trainers.ultralytics import UltralyticsHook

Train = Callable[..., Any]
pytestmark = pytest.mark.training

tears_down = pytest.mark.skipif(
    "teardown" not in inspect.getsource(BaseTrainer.train),
    reason="this version has no teardown after an exception: it is on record when the process ends",
)


def weights_of(trainer: Any) -> dict[str, torch.Tensor]:
    state = dict(trainer.model.state_dict())
    return {**state, **{f"ema.{k}": v for k, v in trainer.ema.ema.state_dict().items()}}


@pytest.mark.whole
def test_watched_and_bare_trainings_end_in_the_same_bits(train: Train) -> None:
    final: dict[str, Any] = {}

    def keep(name: str) -> dict[str, Any]:
        return {
            "on_train_end": lambda trainer: final.update({name: {k: v.clone() for k, v in weights_of(trainer).items()}})
        }

    train(watched=False, callbacks=keep("bare"), name="bare")
    train(watched=True, callbacks=keep("watched"), name="watched")
    assert len(final["bare"]) > 500
    for name, expected in final["bare"].items():
        assert torch.equal(expected, final["watched"][name]), name


@pytest.mark.whole
def test_what_is_recorded(train: Train) -> None:
    norms: list[float] = []
    stock = torch.nn.utils.clip_grad_norm_

    def listen(trainer: Any) -> None:
        # A second, independent reading of the norm: just before the optimizer step, from the gradients themselves.
        inner = trainer.optimizer_step

        def step() -> None:
            grads = [p.grad.double() for p in trainer.model.parameters() if p.grad is not None]
            norms.append(math.sqrt(sum(float((g * g).sum()) for g in grads)))
            inner()

        trainer.optimizer_step = step

    trainer = train(callbacks={"on_train_start": listen}, epochs=3, nbs=32, close_mosaic=1, warmup_epochs=0, save=True)
    assert torch.nn.utils.clip_grad_norm_ is stock, "torch is left as it was"
    run = read_run(trainer.save_dir)
    steps = run.steps
    assert steps["step"].tolist() == list(range(6))
    assert steps[["epoch", "attempt", "batch"]].to_numpy().tolist() == [[e, 0, b] for e in range(3) for b in range(2)]
    assert steps["grad_norm"].dropna().tolist() == pytest.approx(norms, rel=1e-4)
    assert steps["optimizer_stepped"].sum() == len(norms) < 6, "accumulation: not every micro-batch steps"
    layers = steps.filter(like="grad_norm/")
    names = {".".join(name.split(".")[:2]) for name, _ in trainer.model.named_parameters()}
    assert {c.removeprefix("grad_norm/") for c in layers} == names
    assert ((layers**2).sum(axis=1) ** 0.5)[steps["optimizer_stepped"]].tolist() == pytest.approx(norms, rel=1e-4)
    parts = steps[["loss/box_loss", "loss/cls_loss", "loss/dfl_loss"]].sum(axis=1) * steps["batch_size"]
    assert steps["loss"].tolist() == pytest.approx(parts.tolist(), rel=1e-3)
    assert steps["gain/box_loss"].tolist() == [7.5] * 6
    assert (steps[["instances", "image_size", "batch_size"]].to_numpy() > 0).all()
    assert (steps["step_s"] > 0).all()
    assert (steps["data_s"] >= 0).all()
    assert steps["accumulate"].max() == 2
    assert {"lr/pg0", "lr/pg1", "lr/pg2", "momentum"} <= set(steps)
    assert "amp_scale" not in steps, "no scaler on a CPU: not measured is absent, not zero"
    assert "vram_allocated_bytes" not in steps

    csv = (Path(trainer.save_dir) / "results.csv").read_text().splitlines()
    header, last = csv[0].split(","), csv[-1].split(",")
    for name, value in zip(header, last, strict=True):
        if name not in ("epoch", "time"):
            assert run.epochs[name].iloc[-1] == pytest.approx(float(value), abs=2e-5), name
    assert run.epochs["epoch"].tolist() == [0, 1, 2]
    assert len(run.events_of("checkpoint")) == 3
    assert run.events_of("mosaic_closed")[0]["epoch"] == 2
    assert run.epochs["augment/mosaic"].tolist() == [1.0, 1.0, 0.0], "what the images get; args.mosaic is 1 throughout"
    assert how_it_ended(run).kind == "completed"
    assert run.planned_epochs == 3
    assert run.requested["nbs"] == 32
    assert "lrf" not in run.requested
    assert run.args["lrf"] == 0.01
    assert run.meta["dataset"] | {"counted_in_s": 0} == {
        "train_images": 32, "val_images": 16, "val_images_trained_on": 0, "classes": 3, "has_polygons": True,
        "instances": run.meta["dataset"]["instances"], "counted_in_s": 0,
    }  # fmt: skip
    assert run.meta["model"]["scale"] == "n"
    assert json.loads((Path(trainer.save_dir) / "trainwatch" / "run.json").read_text())["final_metrics"]


@pytest.mark.whole
def test_the_end_says_what_to_type_next(train: Train, caplog: pytest.LogCaptureFixture) -> None:
    from ultralytics.utils import LOGGER

    LOGGER.addHandler(caplog.handler)
    try:
        trainer = train(epochs=1)
    finally:
        LOGGER.removeHandler(caplog.handler)
    assert f"trainwatch: 2 steps are on record; next: trainwatch analyze {trainer.save_dir}" in caplog.text


def test_auto_optimizer_requested_and_in_force_differ(train: Train) -> None:
    run = read_run(train(epochs=1, optimizer="auto", lr0=0.5).save_dir)
    assert run.requested["lr0"] == 0.5
    assert run.args["optimizer"] == "AdamW"
    assert run.args["lr0"] != 0.5


@pytest.mark.skipif(not hasattr(BaseTrainer, "_handle_nan_recovery"), reason="this version does not recover from NaN")
def test_epochs_replayed_by_nan_recovery_are_attempts(train: Train) -> None:
    poisoned: list[int] = []

    def poison(trainer: Any) -> None:
        if trainer.epoch == 1 and not poisoned:
            poisoned.append(1)
            next(iter(trainer.model.parameters())).data.view(-1)[0] = math.nan

    run = read_run(train(callbacks={"on_train_epoch_start": poison}, epochs=3, save=True).save_dir)
    assert run.steps[["epoch", "attempt"]].drop_duplicates().to_numpy().tolist() == [[0, 0], [1, 0], [1, 1], [2, 0]]
    assert run.events_of("nan_recovery")[0]["epoch"] == 1
    assert not run.step_series("loss").finite.all()
    assert run.epochs["epoch"].tolist() == [0, 1, 2]


def test_epochs_without_validation_have_no_metrics(train: Train) -> None:
    run = read_run(train(epochs=2, val=False).save_dir)
    metrics = run.epoch_series("metrics/mAP50-95(B)")
    assert metrics.epoch.tolist() == [1], "only the last epoch is validated; zeros of the others were not measured"


@tears_down
def test_an_exception_in_the_training_is_recorded_and_passes(train: Train, tmp_path: Path) -> None:
    def fail(trainer: Any) -> None:
        if trainer.epoch == 1:
            raise RuntimeError("planted in the user's callback")

    with pytest.raises(RuntimeError, match="planted"):
        train(callbacks={"on_train_batch_end": fail})
    run = read_run(tmp_path / "runs" / "train")
    ending = how_it_ended(run)
    assert ending.kind == "exception"
    assert "planted in the user's callback" in ending.event["data"]["traceback"]
    assert ending.event["epoch"] == 1


def test_an_exception_that_ends_the_script_is_recorded(shapes: Path, tmp_path: Path) -> None:
    """In every version, with a teardown after an exception or without."""
    script = f"""
from ultralytics import YOLO
from trainwatch_hooks import watch

def fail(trainer):
    raise RuntimeError("planted in a script")

model = watch(YOLO("yolo12n.yaml"), report=False)
model.add_callback("on_train_batch_end", fail)
model.train(data={str(shapes)!r}, project={str(tmp_path)!r}, name="train", device="cpu", imgsz=64, batch=16, epochs=1, workers=0)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "planted in a script" in done.stderr
    assert how_it_ended(read_run(tmp_path / "train")).kind == "exception"


@tears_down
def test_the_page_is_written_when_a_training_ends_in_an_exception(
    train: Train, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(trainer: Any) -> None:
        raise RuntimeError("planted <b>error</b>")

    with pytest.raises(RuntimeError, match="planted"):
        train(callbacks={"on_train_epoch_end": fail}, report=True)
    page = tmp_path / "runs" / "train" / "trainwatch" / "report.html"
    assert str(page) in capfd.readouterr().err, "its path is printed"
    html = page.read_text()
    assert "planted &lt;b&gt;error" in html
    assert "crashed" in html


def test_two_trainings_of_one_watched_model_are_two_records(shapes: Path, tmp_path: Path) -> None:
    from ultralytics import YOLO

    model = watch(YOLO("yolo12n.yaml"), report=False)
    for name in ("a", "b"):
        model.train(
            data=str(shapes),
            epochs=1,
            imgsz=64,
            batch=16,
            device="cpu",
            plots=False,
            project=str(tmp_path / "runs"),
            name=name,
        )
    for name in ("a", "b"):
        run = read_run(tmp_path / "runs" / name)
        assert len(run.steps) == 2
        assert how_it_ended(run).kind == "completed"


def test_the_hook_survives_pickling() -> None:
    hook = pickle.loads(pickle.dumps(UltralyticsHook(report=False)))
    assert hook.session is None
    assert hook._settings == {"report": False}


def test_a_failing_probe_leaves_the_training_alone(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch_hooks.probes import learning_rate

    def broken(optimizer: Any) -> dict[str, float]:
        if len(optimizer.param_groups[0]["params"]):
            raise ValueError("planted in a probe")
        return {}

    monkeypatch.setattr(learning_rate, "read", broken)
    trainer = train(epochs=1)
    assert trainer.epoch == 0
    assert capsys.readouterr().err.count("planted in a probe") <= 2, "said once per place"
    assert Path(trainer.last).exists()


def test_a_data_set_that_cannot_be_counted_costs_the_counts_only(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch_hooks.trainers import _ultralytics_facts

    monkeypatch.setattr(_ultralytics_facts, "dataset", lambda trainer: len(iter(())))  # type: ignore[arg-type]
    run = read_run(train(epochs=1).save_dir)
    assert capsys.readouterr().err.count("counting the images failed") == 1
    assert "dataset" not in run.meta
    assert run.meta["loop"]["steps_per_epoch"] == 2
    assert run.step_series("grad_norm").finite.all(), "the taps are made all the same"


def test_a_failing_norm_falls_back_to_the_stock_clip(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch_hooks.probes.grad_norm import GradNorm

    monkeypatch.setattr(GradNorm, "_layer_index", lambda *args: 1 / 0)
    run = read_run(train(epochs=1).save_dir)
    assert capsys.readouterr().err.count("division by zero") == 1
    assert run.step_series("grad_norm").finite.all(), "the stock clip's total is still recorded"
    assert len(run.step_series("grad_norm")) == 2


def test_a_full_disk_leaves_the_training_alone(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwatch_hooks import journal

    class Full:
        """os with a write that fails after some rows."""

        count = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, fd: int, data: bytes) -> int:
            Full.count += 1
            if Full.count > 2:
                raise OSError(28, "No space left on device")
            return os.write(fd, data)

    monkeypatch.setattr(journal, "os", Full())
    trainer = train(epochs=2)
    run = read_run(trainer.save_dir)
    assert len(run.steps) == 1
    assert run.events_of("dropped")[0]["data"]["rows"] == 3
    assert any("could not be written" in note for note in run.notes)


def test_watch_refuses_what_cannot_be_watched() -> None:
    with pytest.raises(TypeError, match="Recorder"):
        watch(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(
    ("where", "place", "name"),
    [("image", "input", "img["), ("weight", "weight", "model.2."), ("term", "loss term", "box_loss")],
)
def test_the_first_nonfinite_number_and_its_batch_are_named(
    where: str, place: str, name: str, train: Train, tmp_path: Path
) -> None:
    def plant(trainer: Any) -> None:
        if trainer.epoch != 1:
            return
        if where == "weight":
            next(p for n, p in trainer.model.named_parameters() if n.startswith("model.2.")).data.view(-1)[0] = math.nan
        if where == "image":
            inner = trainer.preprocess_batch

            def preprocess(batch: Any) -> Any:
                batch = inner(batch)
                batch["img"][3, 0, 0, 0] = math.inf
                return batch

            trainer.preprocess_batch = preprocess
        if where == "term":
            trainer.args.box = math.nan

    with suppress(RuntimeError):  # "NaN persisted": Ultralytics gives up after three recoveries
        train(callbacks={"on_train_epoch_start": plant}, epochs=2, val=False)
    run = read_run(tmp_path / "runs" / "train")
    event = run.events_of("nonfinite")[0]
    assert event["data"]["at_step"] == 2
    assert event["data"]["place"] == place
    assert event["data"]["name"].startswith(name)
    if where == "image":
        assert event["data"]["name"] == "img[3]"
        assert event["data"]["image_count"] == 1
    assert all(Path(f).suffix == ".jpg" or Path(f).suffix == ".png" for f in event["data"]["images"])
    assert len(run.events_of("nonfinite")) <= 5
    analysis = analyse(run)
    finding = next(f for f in analysis.findings if f.id == "nonfinite-loss")
    assert event["data"]["name"] in finding.summary
    first = event["data"]["images"][0]
    assert first in finding.summary
    assert escape(first) in render(analysis)
    advice = next(r for r in analysis.recommendations if r.id == "guard-precision")
    assert (first if where != "weight" else name) in " ".join(advice.steps)
    assert ("lower-lr" in {r.id for r in analysis.recommendations}) is (where != "image")


def test_gradients_that_a_scaler_skipped_are_no_incident(train: Train) -> None:
    """Rows as a device hands them over, late; a CPU has no scaler."""

    def hand_over(trainer: Any) -> None:
        (look,) = {
            c.__self__.session.origin.look_at_row
            for c in trainer.callbacks["on_train_batch_end"]
            if hasattr(c, "__self__")
        }
        for _ in range(6):
            look({"step": 0.0, "loss": 1.0, "grad_norm": math.inf, "amp_skipped": 1.0})
        look({"step": 1.0, "loss": math.nan, "grad_norm": math.nan, "amp_skipped": 1.0})

    run = read_run(train(callbacks={"on_train_epoch_end": hand_over}, epochs=1).save_dir)
    (event,) = run.events_of("nonfinite")
    assert event["data"]["at_step"] == 1
    assert event["data"]["images"]


def test_a_training_that_was_left_without_a_teardown_is_closed_by_the_next(tmp_path: Path) -> None:
    """Before 8.4 an exception ends a training without one; the next may go into the same folder."""
    hook = UltralyticsHook(report=False)
    trainer = SimpleNamespace(save_dir=tmp_path, args=SimpleNamespace(epochs=1))
    hook.on_pretrain_routine_start(trainer)
    first = hook.session
    assert first is not None
    hook.on_pretrain_routine_start(trainer)
    assert hook.session is not first
    assert first.closed
    hook.teardown(trainer)
    assert [e["kind"] for e in read_run(tmp_path).events] == ["start", "end", "start", "end"]
