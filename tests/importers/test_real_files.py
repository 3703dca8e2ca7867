"""What real logs of epochs do, numbered as in the corpus of real logs: points 1 to 11, on files made here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from epoch_csv import analysis, found, run_folder, severities, write_csv
from epoch_logs import SCORE, curves

from trainwatch.runs import how_it_ended, read_run

BLAMES = {
    "no-learning",
    "loss-explosion",
    "overfitting",
    "plateau",
    "metric-frozen",
    "nonfinite-loss",
    "unstable-training",
}
MAP50 = "metrics/mAP50(B)"


def healthy(n: int = 100, seed: int = 0) -> dict[str, Any]:
    """Columns as ``yolo train`` writes them for boxes."""
    columns = curves(n, seed)
    score = columns[SCORE]
    columns["metrics/precision(B)"] = np.minimum(1.5 * score, 1)
    columns["metrics/recall(B)"] = np.minimum(1.3 * score, 1)
    columns[MAP50] = np.minimum(1.4 * score, 1)
    columns["lr/pg1"] = columns["lr/pg2"] = columns["lr/pg0"]
    return columns


def side(columns: dict[str, Any], *families: str) -> list[str]:
    return [n for n in columns if n.startswith(families)]


def test_the_healthy_log_that_all_others_are_made_of_is_not_blamed(tmp_path: Path) -> None:
    told = severities(run_folder(tmp_path, healthy()))
    assert not {i for i, s in told.items() if s != "info"}, told


# -- 1 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last_measured", [True, False])
def test_01_val_false_is_not_measured_and_neither_no_learning_nor_a_breakthrough(
    tmp_path: Path, last_measured: bool
) -> None:
    columns = healthy(60)
    for name in side(columns, "val/", "metrics/"):
        columns[name][: -1 if last_measured else None] = 0
    told = found(run_folder(tmp_path, columns, {"val": False}))
    assert "metrics-not-measured" in told
    assert not told & (BLAMES | {"missing-labels", "close-mosaic-jump", "transient-collapse", "early-stopped"})


def test_01_without_arguments_the_pattern_tells(tmp_path: Path) -> None:
    columns = healthy(60)
    for name in side(columns, "val/", "metrics/"):
        columns[name][:-1] = 0
    (folder := run_folder(tmp_path, columns)).joinpath("args.yaml").unlink()
    told = found(folder)
    assert "metrics-not-measured" in told
    assert not told & (BLAMES | {"missing-labels"})


# -- 2 ----------------------------------------------------------------------------------------------------------------


def test_02_no_labels_in_training_boxes_zero_and_a_huge_class_loss(tmp_path: Path) -> None:
    columns = healthy(40)
    for name in ("train/box_loss", "train/dfl_loss", "val/box_loss", "val/dfl_loss", *side(columns, "metrics/")):
        columns[name] = np.zeros(40)
    columns["train/cls_loss"] = 110 * np.exp(-np.arange(40) / 5)
    columns["val/cls_loss"] = 90 * np.exp(-np.arange(40) / 5)
    told = severities(run_folder(tmp_path, columns))
    assert told["missing-labels"] == "critical"
    assert told.get("no-learning") in (None, "info")


def test_02_segmentation_without_labels(tmp_path: Path) -> None:
    columns = healthy(40)
    for name in ("train/box_loss", "train/dfl_loss", "val/box_loss", "val/dfl_loss", *side(columns, "metrics/")):
        columns[name] = np.zeros(40)
    columns |= {"train/seg_loss": np.zeros(40), "val/seg_loss": np.zeros(40)}
    columns |= {n.replace("(B)", "(M)"): np.zeros(40) for n in side(columns, "metrics/")}
    columns["train/cls_loss"] = 110 * np.exp(-np.arange(40) / 5)
    assert "missing-labels" in found(run_folder(tmp_path, columns, {"task": "segment"}))


def test_02_no_labels_in_validation(tmp_path: Path) -> None:
    columns = healthy(40)
    for name in side(columns, "metrics/"):
        columns[name] = np.zeros(40)
    columns["val/box_loss"] = columns["val/dfl_loss"] = np.zeros(40)
    told = found(run_folder(tmp_path, columns))
    assert "missing-labels" in told
    assert "metrics-not-measured" not in told


def test_02_all_of_validation_zero_is_never_called_healthy(tmp_path: Path) -> None:
    """With validation on, a fork that computes no validation loss writes the same as an empty validation set."""
    columns = healthy(40)
    for name in side(columns, "val/", "metrics/"):
        columns[name] = np.zeros(40)
    told = analysis(run_folder(tmp_path, columns))
    assert told.verdict.cause in ("missing-labels", "no-learning", "metrics-not-measured")
    assert told.verdict.status != "healthy"


# -- 3 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf", "nan   "])
def test_03_literal_nonfinite_words_are_measured(tmp_path: Path, word: str) -> None:
    columns = healthy(30)
    columns["val/cls_loss"] = [word, *(f"{v:.4f}" for v in columns["val/cls_loss"][1:])]
    series = read_run(run_folder(tmp_path, columns)).epoch_series("val/cls_loss")
    assert len(series) == 30
    assert not math.isfinite(series.values[0])


def test_03_train_nan_in_single_epochs_val_nan_to_the_end_and_the_metric_repeats(tmp_path: Path) -> None:
    columns = healthy(80)
    for at in (50, 58, 66):
        columns["train/box_loss"][at] = math.nan
    for name in side(columns, "val/"):
        columns[name][50:] = math.nan
    for name in side(columns, "metrics/"):
        columns[name][50:] = columns[name][49]
    told = severities(run_folder(tmp_path, columns))
    assert {"metric-frozen", "nonfinite-validation"} <= set(told) or {"metric-frozen", "nonfinite-loss"} <= set(told)
    assert "critical" in told.values()
    assert "plateau" not in told


def test_03_inf_in_the_warm_up_of_validation_is_harmless(tmp_path: Path) -> None:
    columns = healthy(80)
    columns["val/dfl_loss"][:2] = math.inf
    told = severities(run_folder(tmp_path, columns))
    assert "critical" not in told.values()
    assert "warning" not in told.values()


# -- 4 ----------------------------------------------------------------------------------------------------------------


def test_04_two_runs_in_one_file_and_a_short_row_of_zeros_at_the_end(tmp_path: Path) -> None:
    columns = healthy(30)
    twice = {n: np.concatenate([v[:20], v]) for n, v in columns.items()}
    folder = run_folder(tmp_path, twice, {"epochs": 30}, epoch=[*range(1, 21), *range(1, 31)])
    with (folder / "results.csv").open("a") as stream:
        stream.write("31,0,0,0,0\n")
    run = read_run(folder)
    assert run.epoch_table.num_rows == 50
    assert run.epochs_done == 30
    assert run.epoch_table[SCORE].null_count == 0
    assert min(run.epoch_table[SCORE].to_pylist()) > 0
    assert any("1 damaged row(s)" in n for n in run.notes)
    assert how_it_ended(run).kind == "completed"
    told = found(folder)
    assert "restarted-log" in told
    assert not told & {
        "transient-collapse",
        "degraded-after-best",
        "no-learning",
        "unstable-training",
        "loss-explosion",
    }


# -- 5 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("width", "newline"), [(0, "\n"), (20, "\r\n"), (23, "\r\n"), (23, "\n")])
def test_05_epochs_from_0_or_1_padded_headers_and_crlf(tmp_path: Path, first: int, width: int, newline: str) -> None:
    run = read_run(run_folder(tmp_path, healthy(12), first=first, width=width, newline=newline))
    assert run.source == "ultralytics-csv"
    assert run.epoch_table["epoch"].to_pylist() == list(range(12))
    assert run.epochs_done == 12
    assert how_it_ended(run).kind == "completed"
    assert {"train/box_loss", SCORE, "lr/pg0"} <= set(run.epoch_table.column_names)
    assert run.epoch_table["train/box_loss"].null_count == 0


def test_05_yolov5_from_0_padded_with_crlf(tmp_path: Path) -> None:
    names = ("train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision", "metrics/recall",
             "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss", "x/lr0")  # fmt: skip
    write_csv(tmp_path / "results.csv", {n: [0.5] * 4 for n in names}, first=0, width=20, newline="\r\n")
    (tmp_path / "opt.yaml").write_text("epochs: 4\n")
    run = read_run(tmp_path)
    assert run.source == "yolov5-csv"
    assert run.epoch_table["epoch"].to_pylist() == [0, 1, 2, 3]
    assert how_it_ended(run).kind == "completed"


def test_05_a_timestamp_of_five_digits_is_a_clock_and_no_metric(tmp_path: Path) -> None:
    columns = {"_timestamp": [17123.0 + 60 * i for i in range(12)], "loss": [1 / (i + 1) for i in range(12)],
               "val_loss": [2 / (i + 1) for i in range(12)]}  # fmt: skip
    run = read_run(write_csv(tmp_path / "log.csv", columns, first=0))
    assert not any("timestamp" in n for n in run.column_names())
    assert run.epochs_done == 12
    assert found(tmp_path) is not None


# -- 6 ----------------------------------------------------------------------------------------------------------------


def test_06_one_epoch_of_400_times_the_median_is_a_sleeping_machine(tmp_path: Path) -> None:
    columns = healthy(100)
    seconds = np.full(100, 30.0)
    seconds[40] *= 400
    columns["time"] = np.cumsum(seconds)
    told = analysis(run_folder(tmp_path, columns))
    assert not {f.id for f in told.findings} & {"throughput-drop", "dataloader-bound"}
    assert dict(told.page.facts)["Wall time"] == "49 min"  # 98 intervals of 30 s, the pause left out


def test_06_the_cost_of_a_fault_leaves_the_pause_out(tmp_path: Path) -> None:
    columns = healthy(100)
    seconds = np.full(100, 30.0)
    seconds[90] *= 400
    columns["time"] = np.cumsum(seconds)
    for name in side(columns, "train/", "val/"):
        columns[name][80:] = math.nan
    for name in side(columns, "metrics/"):
        columns[name][80:] = columns[name][79]
    told = analysis(run_folder(tmp_path, columns))
    assert told.verdict.status == "diverged"
    assert "of 49 min" in told.page.cost, told.page.cost


# -- 7 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("warmup", [3, 20, 50])
def test_07_the_bias_group_starts_at_a_tenth_by_design(tmp_path: Path, warmup: int) -> None:
    """On tiny data the warm-up of at least 100 steps lasts dozens of epochs."""
    columns = healthy(200)
    up = np.minimum(np.arange(1, 201) / warmup, 1)
    columns["lr/pg0"] = columns["lr/pg1"] = columns["lr/pg0"] * up
    columns["lr/pg2"] = np.where(up < 1, 0.1 - 0.09 * up, columns["lr/pg2"])
    told = found(run_folder(tmp_path, columns, {"lr0": 0.01}))
    assert not told & {"lr-overridden", "lr-too-small", "gradient-explosion", "loss-explosion"}, told


# -- 8 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_08_identical_consecutive_validations_are_too_few_steps_not_frozen(tmp_path: Path, seed: int) -> None:
    """Less than one optimizer step per epoch: 40 to 50 % of the rows repeat the row before."""
    columns = healthy(100, seed)
    stepped = np.random.default_rng(seed).random(100) > 0.45
    stepped[0] = True
    at = np.maximum.accumulate(np.where(stepped, np.arange(100), 0))
    for name in side(columns, "val/", "metrics/"):
        columns[name] = columns[name][at]
    told = severities(run_folder(tmp_path, columns))
    assert not set(told) & {"metric-frozen", "no-learning"}, told
    assert not {i for i, s in told.items() if s != "info"}, told


# -- 9 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dfl_loss", "kobj_loss", "cls_loss"])
def test_09_losses_that_are_0_by_design(tmp_path: Path, name: str) -> None:
    columns = healthy()
    columns |= {f"train/{name}": np.zeros(100), f"val/{name}": np.zeros(100)}
    told = severities(run_folder(tmp_path, columns))
    assert not {i for i, s in told.items() if s != "info"}, told
    assert not set(told) & {"missing-labels", "loss-imbalance", "metrics-not-measured"}


# -- 10 ---------------------------------------------------------------------------------------------------------------


def stopping(best: int, patience: int, task: str) -> dict[str, Any]:
    """A log whose fitness, by the rule of its task, is best at epoch ``best`` (from 0) and that ends after ``patience``."""
    n = best + patience + 1
    columns = healthy(n)
    rise = np.minimum(np.arange(1, n + 1) / (best + 1), 1)
    down = np.clip(np.arange(n) - best, 0, None) * 0.002
    if task == "classify":
        columns = {"train/loss": columns["train/cls_loss"], "val/loss": columns["val/cls_loss"]}
        columns["metrics/accuracy_top1"] = 0.5 * rise - down
        columns["metrics/accuracy_top5"] = 0.8 * rise - down
        columns["metrics/accuracy_top1"][best + 3] += 0.05  # the best of top-1 alone, not of the mean
        columns["metrics/accuracy_top5"][best + 3] -= 0.06
        return columns
    columns[SCORE] = 0.4 * rise - down
    columns[MAP50] = 0.6 * rise - down
    if task == "segment":
        columns["metrics/mAP50(M)"] = 0.5 * rise - down
        columns["metrics/mAP50-95(M)"] = 0.3 * rise - down
        columns[SCORE][best + 3] += 0.02  # the best box is not the best of both
        columns["metrics/mAP50-95(M)"][best + 3] -= 0.03
    return columns


@pytest.mark.parametrize("task", ["detect", "segment", "classify"])
def test_10_early_stop_by_the_fitness_of_the_task(tmp_path: Path, task: str) -> None:
    folder = run_folder(tmp_path, stopping(30, 10, task), {"epochs": 300, "patience": 10, "task": task})
    assert how_it_ended(read_run(folder)).kind == "early-stop"
    assert "early-stopped" in found(folder)


def test_10_older_versions_mix_map50_in(tmp_path: Path) -> None:
    columns = stopping(30, 10, "detect")
    columns[SCORE][33] = columns[SCORE][30] + 0.002  # best by mAP50-95 alone ...
    columns[MAP50][33] = columns[MAP50][30] - 0.05  # ... but not by 0.1 mAP50 + 0.9 mAP50-95
    args = {"epochs": 300, "patience": 10}
    folder = run_folder(tmp_path, columns, args)
    assert how_it_ended(read_run(folder)).kind == "truncated"  # a new version would have gone on to epoch 44
    lines = (folder / "args.yaml").read_text().splitlines()
    (folder / "args.yaml").write_text("\n".join(x for x in lines if not x.startswith("compile")) + "\n")
    assert how_it_ended(read_run(folder)).kind == "early-stop"


def test_10_fitness_0_never_triggers_patience(tmp_path: Path) -> None:
    columns = healthy(60)
    for name in side(columns, "metrics/"):
        columns[name] = np.zeros(60)
    folder = run_folder(tmp_path, columns, {"epochs": 300, "patience": 20})
    assert how_it_ended(read_run(folder)).kind == "truncated"
    assert "early-stopped" not in found(folder)


# -- 11 ---------------------------------------------------------------------------------------------------------------


def test_11_a_run_that_ends_where_close_mosaic_starts_is_cut_off_and_no_fault(tmp_path: Path) -> None:
    columns = {n: v[:90] for n, v in healthy(100).items()}
    told = found(run_folder(tmp_path, columns, {"epochs": 100, "close_mosaic": 10}))
    assert "truncated-run" in told
    assert not told & {"overfitting", "loss-explosion", "close-mosaic-jump", "no-learning"}


@pytest.mark.parametrize("by", [0.75, 1.35])
def test_11_the_jump_at_close_mosaic_is_neither_overfitting_nor_an_explosion(tmp_path: Path, by: float) -> None:
    """Easier images: the training loss falls at once. Where the score falls too, that is named as what it is."""
    columns = healthy(100)
    for name in side(columns, "train/"):
        columns[name][90:] *= by
    for name in side(columns, "val/"):
        columns[name][90:] *= 1.1
    told = severities(run_folder(tmp_path, columns, {"close_mosaic": 10}))
    assert not set(told) & {"overfitting", "loss-explosion", "unstable-training", "transient-collapse"}, told
    assert "critical" not in told.values()


def test_11_a_lasting_fall_of_the_score_at_close_mosaic_is_named(tmp_path: Path) -> None:
    columns = healthy(100)
    for name in side(columns, "metrics/"):
        columns[name][90:] *= 0.75
    told = found(run_folder(tmp_path, columns, {"close_mosaic": 10}))
    assert "close-mosaic-jump" in told
