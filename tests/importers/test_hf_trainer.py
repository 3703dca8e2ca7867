"""trainer_state.json: training and evaluation apart, stale checkpoints, NaN."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import hf_trainer as importer
from trainwatch.runs import how_it_ended, read_run

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


def state(folder: Path, history: list[dict[str, Any]], **more: Any) -> Path:
    told = {"global_step": history[-1]["step"], "max_steps": 400, "num_train_epochs": 4, "log_history": history, **more}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json").write_text(json.dumps(told))
    return folder


def each_epoch(epochs: int, loss: float = 4.0) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = []
    for e in range(1, epochs + 1):
        history.append({"epoch": e - 0.5, "loss": loss / e, "learning_rate": 1e-4, "step": 100 * e - 50})
        history.append({"epoch": float(e), "loss": loss / e, "learning_rate": 1e-4, "step": 100 * e})
        history.append({"epoch": float(e), "eval_loss": loss / e, "eval_accuracy": 0.1 * e, "step": 100 * e})
    return history


def test_evaluations_at_the_end_of_each_epoch_keep_its_number(tmp_path: Path) -> None:
    run = importer.load(state(tmp_path, [{"epoch": 0, "eval_loss": 9.0, "step": 0}, *each_epoch(3)]))
    assert run.epochs["epoch"].tolist() == [0, 1, 2]
    assert run.steps["epoch"].tolist() == [0, 0, 1, 1, 2, 2]
    assert run.planned_epochs == 4
    assert how_it_ended(run).kind == "truncated"
    assert any("before the first step" in n for n in run.notes)


def test_a_last_batch_left_out_is_still_the_end_of_the_epoch(tmp_path: Path) -> None:
    history = [{"epoch": e - 0.01, "eval_loss": 1.0, "step": 99 * e} for e in (1, 2, 3)]
    assert importer.load(state(tmp_path, history)).epochs["epoch"].tolist() == [0, 1, 2]


def test_at_any_other_rhythm_evaluations_are_counted_and_planned_by_steps(tmp_path: Path) -> None:
    history = [{"epoch": 0.4 * i, "eval_loss": 4 / i, "step": 40 * i} for i in range(1, 6)]
    run = importer.load(state(tmp_path, history))
    assert run.epochs["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert run.planned_epochs == 10
    assert any("numbered in order" in n for n in run.notes)


def test_the_metric_that_ranks_the_checkpoints_is_fitness_where_larger_is_better(tmp_path: Path) -> None:
    run = importer.load(state(tmp_path, each_epoch(3), best_metric=0.1 * 3))
    assert run.epochs["fitness"].tolist() == pytest.approx([0.1, 0.2, 0.3])
    loss = importer.load(state(tmp_path, each_epoch(3), best_metric=4 / 3))
    assert "fitness" not in loss.epochs
    assert any("ranked by eval_loss" in n for n in loss.notes)


def test_how_it_ended_is_told_by_steps_and_by_trainers_last_entry(tmp_path: Path) -> None:
    assert how_it_ended(importer.load(state(tmp_path / "all", each_epoch(4)))).kind == "completed"
    last = {"train_runtime": 9.0, "train_loss": 1.0, "epoch": 3.0, "step": 300}
    assert how_it_ended(importer.load(state(tmp_path / "early", [*each_epoch(3), last]))).kind == "early-stop"
    newest = state(tmp_path / "out" / "checkpoint-300", each_epoch(3), save_steps=200).parent
    assert how_it_ended(importer.load(newest)).kind == "unknown"
    steps_only = [e for e in each_epoch(3) if "loss" in e]
    assert how_it_ended(importer.load(state(tmp_path / "steps", steps_only))).kind == "truncated"


@pytest.mark.parametrize("epoch", ["NaN", "Infinity", -5, 1e308, None, "x"])
def test_an_odd_epoch_is_no_traceback(tmp_path: Path, epoch: Any) -> None:
    """Found by fuzzing: NaN was made a whole number."""
    history = [{**e, "epoch": epoch} for e in each_epoch(2)]
    assert len(importer.load(state(tmp_path, history)).steps) == 4
