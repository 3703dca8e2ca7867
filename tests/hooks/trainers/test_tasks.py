"""A real training of every task of Ultralytics and of every family of models is recorded with its own components."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from task_data import make_task_data

pytest.importorskip("ultralytics")

from trainwatch.analysis import Config, analyse
from trainwatch.runs import how_it_ended, read_run

pytestmark = pytest.mark.training

TASKS = [
    ("segment", "yolo11n-seg.yaml", {"box_loss": 7.5, "seg_loss": 7.5, "cls_loss": 0.5, "dfl_loss": 1.5}, "metrics/mAP50-95(M)"),
    ("pose", "yolo11n-pose.yaml", {"box_loss": 7.5, "pose_loss": 12.0, "kobj_loss": 1.0, "cls_loss": 0.5, "dfl_loss": 1.5},
     "metrics/mAP50-95(P)"),
    ("obb", "yolo11n-obb.yaml", {"box_loss": 7.5, "cls_loss": 0.5, "dfl_loss": 1.5}, "metrics/mAP50-95(B)"),
    ("classify", "yolo11n-cls.yaml", {"loss": None}, "metrics/accuracy_top1"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "model", "gains", "metric"), TASKS, ids=[t[0] for t in TASKS])
def test_every_task(
    train: Callable[..., Any], tmp_path: Path, task: str, model: str, gains: dict[str, float | None], metric: str
) -> None:
    trainer = train(
        model=model, data=str(make_task_data(task, tmp_path / "data")), batch=8, nbs=8, epochs=2, report=False
    )
    run = read_run(trainer.save_dir)
    assert how_it_ended(run).kind == "completed"
    assert len(run.epochs) == 2
    for name, gain in gains.items():
        assert run.steps[f"loss/{name}" if f"loss/{name}" in run.steps else name].notna().all()
        if gain is not None:
            assert (run.steps[f"gain/{name}"] == gain).all()
    assert np.isfinite(run.steps["grad_norm"]).all()
    assert (run.steps["batch_size"] == 8).all()
    assert run.epochs[metric].notna().all()
    result = analyse(run, Config(strict=True))
    assert not [f for f in result.findings if f.severity == "critical"], "two epochs of a sound set-up hold no fault"


@pytest.mark.parametrize("model", ["yolov8n.yaml", "yolo11n.yaml", "yolo26n.yaml"])
def test_every_family(train: Callable[..., Any], model: str) -> None:
    run = read_run(train(model=model, epochs=1).save_dir)
    components = {c for c in run.steps if c.startswith("loss/")}
    assert components == {"loss/box_loss", "loss/cls_loss", "loss/l1_loss" if "26" in model else "loss/dfl_loss"}
    assert (run.steps["gain/box_loss"] == 7.5).all()
    assert [c for c in run.steps if c.startswith("grad_norm/")]
