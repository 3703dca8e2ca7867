"""What the ranks of a distributed training are started from, run as one rank on the CPU."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ultralytics")
from ultralytics.utils import dist

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks import watch
from trainwatch_hooks.trainers import ultralytics_ddp

pytestmark = pytest.mark.training

hands_callbacks_on = "cloudpickle" in inspect.getsource(dist)


def arguments(shapes: Path, folder: Path) -> dict[str, Any]:
    return {
        "model": "yolo12n.yaml", "data": str(shapes), "epochs": 1, "imgsz": 64, "batch": 16, "device": "cpu", "workers": 0,
        "plots": False, "verbose": False, "project": str(folder), "name": "train", "exist_ok": True,
    }  # fmt: skip


def run_as_a_rank(trainer: Any, folder: Path) -> None:
    """Run the file that Ultralytics would hand to torchrun."""
    file = dist.generate_ddp_file(trainer)
    done = subprocess.run([sys.executable, file], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_class_records_itself(shapes: Path, tmp_path: Path) -> None:
    if hands_callbacks_on:
        pytest.importorskip("cloudpickle")
    trainer = ultralytics_ddp.DetectionTrainer(overrides=arguments(shapes, tmp_path))
    run_as_a_rank(trainer, tmp_path)
    run = read_run(tmp_path / "train")
    assert run.steps["step"].tolist() == [0, 1]
    assert "grad_norm" in run.steps
    assert how_it_ended(run).kind == "completed"


@pytest.mark.skipif(not hands_callbacks_on, reason="this version forgets callbacks: hence the classes above")
def test_the_callbacks_of_a_watched_model_reach_the_ranks(shapes: Path, tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle")
    from ultralytics import YOLO

    model = watch(YOLO("yolo12n.yaml"), report=False)
    made = model.task_map["detect"]["trainer"](overrides=arguments(shapes, tmp_path), _callbacks=model.callbacks)
    made.model = model.model
    run_as_a_rank(made, tmp_path)
    assert read_run(tmp_path / "train").steps["step"].tolist() == [0, 1]


def test_an_unknown_class_is_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(AttributeError, match="DetectionTrainer"):
        _ = ultralytics_ddp.Trainer
