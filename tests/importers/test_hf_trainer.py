"""trainer_state.json: training and evaluation apart, stale checkpoints, NaN."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import hf_trainer as importer
from trainwatch.runs import read_run

HISTORY: list[dict[str, Any]] = [
    {"epoch": 0.5, "loss": 4.0, "grad_norm": 2.0, "learning_rate": 1e-4, "step": 50},
    {"epoch": 1.0, "eval_loss": 3.5, "eval_accuracy": 0.4, "eval_runtime": 5.0, "step": 100},
    {"epoch": 1.0, "eval_g1_loss": 3.6, "step": 100},
    {"epoch": 1.5, "loss": 3.0, "grad_norm": "NaN", "learning_rate": 5e-5, "step": 150},
    {"epoch": 2.0, "eval_loss": 3.0, "eval_accuracy": 0.5, "step": 200},
]


def write(file: Path, history: Any, at: float | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"global_step": 200, "max_steps": 300, "num_train_epochs": 3, "log_history": history}))
    if at is not None:
        os.utime(file, (at, at))
    return file


def test_training_is_steps_and_evaluation_epochs(tmp_path: Path) -> None:
    write(tmp_path / "trainer_state.json", HISTORY)
    run = read_run(tmp_path)
    assert run.source == "hf-trainer"
    assert run.steps["step"].tolist() == [50, 150]
    assert run.steps["loss"].tolist() == [4.0, 3.0]
    assert not run.step_series("grad_norm").finite[1]
    assert run.epochs["val/loss"].tolist() == [3.5, 3.0]
    assert run.epochs["metrics/accuracy"].tolist() == [0.4, 0.5]
    assert run.epoch_series("val/g1_loss").values.tolist() == [3.6]
    assert not [c for c in run.epochs if "runtime" in c]


def test_the_newest_of_several_states_counts_and_the_others_are_said(tmp_path: Path) -> None:
    write(tmp_path / "checkpoint-900" / "trainer_state.json", HISTORY[:1], at=1e9)
    write(tmp_path / "checkpoint-200" / "trainer_state.json", HISTORY, at=2e9)
    run = read_run(tmp_path)
    assert len(run.steps) == 2
    assert any("checkpoint-200" in n and "1 other" in n for n in run.notes)


def test_files_of_nearly_one_time_are_told_apart_by_step_and_other_runs_are_said(tmp_path: Path) -> None:
    other = [{**HISTORY[0], "loss": 9.0}]
    write(tmp_path / "checkpoint-100" / "trainer_state.json", HISTORY[:2], at=6e8 + 3)
    write(tmp_path / "checkpoint-90" / "trainer_state.json", other, at=6e8 + 9)
    write(tmp_path / "checkpoint-200" / "trainer_state.json", HISTORY, at=6e8)
    run = read_run(tmp_path)
    assert len(run.steps) == 2
    assert any("checkpoint-200" in n for n in run.notes)
    assert any("1 of them belong to other runs" in n for n in run.notes)


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"log_history": 3}', '{"log_history": [], "global_step": 1}', "[" * 100_000]
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(UnreadableRun):
        importer.load(tmp_path)
