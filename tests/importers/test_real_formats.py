"""What real files of arguments and other formats do, numbered as in the corpus of real logs: points 12 to 17."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from epoch_csv import analysis, found, run_folder, severities, write_csv
from epoch_logs import SCORE, curves
from tfevents import record, scalar, version

from trainwatch.errors import UnreadableRun
from trainwatch.runs import how_it_ended, read_run

EVENTS = "events.out.tfevents.1700000000.host.1.0"

# -- 12: arguments ----------------------------------------------------------------------------------------------------

ARGUMENTS: list[dict[str, Any]] = [
    *({"batch": b} for b in (16, 1, -1, 0.75, "16", None)),
    *({"device": d} for d in (None, 0, 3, [0, 1], "0,1", "cpu", "", "mps", "cuda:0")),
    *({"model": m} for m in (r"C:\Users\me\runs\yolov8n.pt", "C:/w/best.pt", None, r"D:\a\b\yolo11x-seg.yaml", "rtdetr-l.pt")),
    *({"project": p, "data": p, "save_dir": p} for p in (r"C:\data\x\data.yaml", r"\\server\share", None, "")),
    {"resume": True}, {"resume": r"C:\runs\last.pt"}, {"resume": None},
    {"patience": 0}, {"patience": None}, {"patience": "50"}, {"close_mosaic": None}, {"close_mosaic": -1},
    {"warmup_epochs": 0}, {"warmup_epochs": None}, {"lr0": "0.01"}, {"lr0": None}, {"optimizer": "auto"}, {"nbs": 0},
    {"imgsz": [640, 640]}, {"classes": [0, 1]}, {"single_cls": True}, {"time": None}, {"time": 0}, {"fraction": 0},
    {"epochs": "100"}, {"cache": "ram"}, {"cache": False}, {"freeze": [0, 1, 2]}, {"save_period": -1}, {"seed": None},
]  # fmt: skip


@pytest.mark.parametrize("args", ARGUMENTS, ids=str)
def test_12_odd_arguments_change_nothing_that_they_do_not_mean(tmp_path: Path, args: dict[str, Any]) -> None:
    told = analysis(run_folder(tmp_path, curves(40), args))
    assert not {f.id for f in told.findings if f.severity == "critical"}, [f.title for f in told.findings]
    assert told.run.epochs == 40


def faulty(kind: str) -> dict[str, Any]:
    """A log with a fault, so that advice reads the arguments."""
    columns = curves(80)
    if kind == "nan":
        columns |= {
            n: np.where(np.arange(80) < 50, v, np.nan) for n, v in columns.items() if n.startswith(("train/", "val/"))
        }
    elif kind == "flat":
        columns[SCORE] = np.minimum(columns[SCORE], 0.3) * (1 + np.random.default_rng(0).normal(0, 0.004, 80))
    elif kind == "overfit":
        columns |= {
            n: v * (1 + np.clip(np.arange(80) - 25, 0, None) / 40) for n, v in columns.items() if n.startswith("val/")
        }
        columns[SCORE] = columns[SCORE] * (1 - np.clip(np.arange(80) - 25, 0, None) / 120)
    elif kind == "nothing":
        columns[SCORE] = columns[SCORE] * 0
    return columns


@pytest.mark.parametrize("args", ARGUMENTS, ids=str)
def test_12_odd_arguments_break_no_advice(tmp_path: Path, args: dict[str, Any]) -> None:
    for kind in ("nan", "flat", "overfit", "nothing"):
        told = analysis(run_folder(tmp_path / kind, faulty(kind), args))
        assert told.findings


def test_12_resume_false_stands_in_continued_runs_too(tmp_path: Path) -> None:
    """A continued run begins at a later epoch; that alone is no restart, no gap and no truncation."""
    columns = {n: v[60:] for n, v in curves(100).items()}
    folder = run_folder(tmp_path, columns, {"epochs": 100, "resume": False}, first=61)
    run = read_run(folder)
    assert run.epoch_table["epoch"].to_pylist() == list(range(60, 100))
    assert how_it_ended(run).kind == "completed"
    assert not found(folder) & {"restarted-log", "truncated-run", "no-learning"}


# -- 13: event files --------------------------------------------------------------------------------------------------


def events(folder: Path, *records: bytes) -> Path:
    (folder / EVENTS).write_bytes(version() + b"".join(records))
    return folder


def test_13_a_file_without_scalars_is_refused_in_one_line_and_hides_no_other_log(tmp_path: Path) -> None:
    events(tmp_path, record(b"\x10\x01"), record(b"\x10\x02"))
    with pytest.raises(UnreadableRun, match="hold no scalar"):
        read_run(tmp_path)
    run_folder(tmp_path, curves(12))
    run = read_run(tmp_path)
    assert run.source == "ultralytics-csv"
    assert run.epochs_done == 12


@pytest.mark.parametrize("times", [19, 169])
def test_13_every_scalar_written_many_times_is_one_value_and_no_restart(tmp_path: Path, times: int) -> None:
    columns = curves(20)
    rows = [scalar(e + 1, n, float(v[e])) for e in range(20) for n, v in columns.items() for _ in range(times)]
    run = read_run(events(tmp_path, *rows))
    assert run.epoch_table.num_rows == 20
    assert set(run.epoch_table["attempt"].to_pylist()) == {0}
    assert run.epoch_series("train/box_loss").values == pytest.approx(columns["train/box_loss"], rel=1e-6)
    assert any("written again" in n for n in run.notes)
    assert "restarted-log" not in found(tmp_path)


def test_13_nan_scalars_are_measured(tmp_path: Path) -> None:
    columns = curves(40)
    columns["train/box_loss"][25:] = columns["val/box_loss"][25:] = math.nan
    run = read_run(events(tmp_path, *(scalar(e, n, float(v[e])) for e in range(40) for n, v in columns.items())))
    assert len(run.epoch_series("train/box_loss")) == 40
    assert "nonfinite-loss" in found(tmp_path)


# -- 14: results.txt --------------------------------------------------------------------------------------------------


def results_txt(file: Path, rows: Sequence[Sequence[Any]]) -> Path:
    file.write_text("\n".join("  ".join(f"{f:>9}" for f in row) for row in rows) + "\n")
    return file.parent


def line(e: int, *, total: float | int | None = None, last: int = 19) -> list[Any]:
    box, obj, cls = 0.08 / (e + 1), 0.05 / (e + 1), 0.03 / (e + 1)
    whole = f"{box + obj + cls:.4g}" if total is None else total
    score = 0.5 * (1 - 1 / (e + 1))
    return [f"{e}/{last}", "7.2G", *(f"{v:.4g}" for v in (box, obj, cls)), whole, 132, 640,
            0.7, 0.6, f"{score:.4g}", f"{0.6 * score:.4g}", *(f"{v:.4g}" for v in (box, obj, cls))]  # fmt: skip


def test_14_yolov7_lines_are_read(tmp_path: Path) -> None:
    run = read_run(results_txt(tmp_path / "results.txt", [line(e) for e in range(20)]))
    assert run.source == "yolov7-txt"
    assert run.epochs_done == run.planned_epochs == 20
    assert run.epoch_series("metrics/mAP50").values[-1] == pytest.approx(0.475)


def test_14_the_fork_with_another_meaning_is_refused_not_guessed(tmp_path: Path) -> None:
    results_txt(tmp_path / "results.txt", [line(e, total=37 + e) for e in range(20)])
    with pytest.raises(UnreadableRun) as refused:
        read_run(tmp_path)
    assert "\n" not in str(refused.value)


# -- 15: Lightning ----------------------------------------------------------------------------------------------------


def lightning(folder: Path, train: Sequence[float], val: Sequence[float], extra: Mapping[str, Sequence[float]]) -> Path:
    """Sparse rows: validation first, then training, as Lightning's CSVLogger writes them."""
    lines = [",".join(["epoch", "step", "train_loss", "val_loss", *(f'"{n}"' for n in extra)])]
    for e, (a, b) in enumerate(zip(train, val, strict=True)):
        step = 49 * (e + 1) - 1
        lines.append(f"{e},{step},,{b},{',' * (len(extra) - 1)}".rstrip() if extra else f"{e},{step},,{b}")
        lines.append(",".join([str(e), str(step), str(a), "", *(str(v[e]) for v in extra.values())]))
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    (folder / "hparams.yaml").write_text("{}\n")
    return folder


def test_15_sparse_rows_and_quoted_names_with_commas(tmp_path: Path) -> None:
    n = 30
    falling = [5 * math.exp(-e / 8) + 1 for e in range(n)]
    folder = lightning(tmp_path, falling, falling, {"val_r2(a, b)": [0.03 * e for e in range(n)]})
    run = read_run(folder)
    assert run.source == "lightning-csv"
    assert run.epoch_table.num_rows == n
    assert run.epoch_series("metrics/r2(a, b)").values[-1] == pytest.approx(0.87)
    assert not any("damaged" in x for x in run.notes)


def test_15_annealing_may_raise_a_healthy_training_loss_140_fold(tmp_path: Path) -> None:
    n = 100
    ramp = np.clip(np.arange(n) / 60, 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.01, n)
    train = (20 + 2780 * ramp) * (1 + noise)  # 140 times: the weight of the KL term grows
    val = 3000 * np.exp(-np.arange(n) / 25) * (1 + noise) + 800
    told = severities(lightning(tmp_path, list(train), list(val), {}))
    assert "critical" not in told.values(), told
    assert not set(told) & {"overfitting", "no-learning"}, told


def test_15_a_loss_far_below_0_that_still_falls_is_improving(tmp_path: Path) -> None:
    """A log-likelihood of a density has no lower bound."""
    n = 80
    loss = [-1e8 * (1 - math.exp(-e / 40)) + 100 for e in range(n)]
    told = severities(lightning(tmp_path, loss, [0.98 * v for v in loss], {}))
    assert not {i for i, s in told.items() if s != "info"}, told


# -- 16: Hugging Face -------------------------------------------------------------------------------------------------


def state(file: Path, offset: float, upto: int, at: float) -> None:
    history: list[dict[str, Any]] = []
    for e in range(1, upto + 1):
        loss = offset + 3 * math.exp(-e / 5)
        history.append({"epoch": e - 0.5, "loss": loss, "grad_norm": 1.0, "learning_rate": 1e-4, "step": 100 * e - 50})
        history.append(
            {"epoch": float(e), "eval_loss": loss + 0.1, "eval_f1": 0.9 * (1 - 1 / (e + 1)), "step": 100 * e}
        )
    file.parent.mkdir(parents=True)
    told = {
        "global_step": 100 * upto,
        "max_steps": 2000,
        "num_train_epochs": 20,
        "save_steps": 100,
        "log_history": history,
    }
    file.write_text(json.dumps(told))
    os.utime(file, (at, at))


def test_16_stale_checkpoints_of_three_runs_in_one_folder(tmp_path: Path) -> None:
    for run, upto in ((1, 5), (2, 9), (3, 20)):
        state(tmp_path / f"checkpoint-{100 * upto + run}" / "trainer_state.json", float(run), upto, 1e9 + 1e5 * run)
    run_ = read_run(tmp_path)
    assert run_.source == "hf-trainer"
    assert any("3" in n and "other" in n for n in run_.notes) or any("2 other(s)" in n for n in run_.notes)
    assert any("other runs" in n for n in run_.notes)
    assert run_.epochs_done == run_.planned_epochs == 20
    assert how_it_ended(run_).kind == "completed"
    told = severities(tmp_path)
    assert not {i for i, s in told.items() if s != "info"}, told


def test_16_training_and_evaluation_are_told_apart(tmp_path: Path) -> None:
    state(tmp_path / "out" / "trainer_state.json", 1.0, 20, 1e9)
    run = read_run(tmp_path / "out")
    assert len(run.steps) == 20
    assert run.epoch_table.num_rows == 20
    assert {"val/loss", "metrics/f1"} <= set(run.epoch_table.column_names)
    assert run.steps["loss"].notna().all()


# -- 17: headers ------------------------------------------------------------------------------------------------------

BOX = ("metrics/precision(B)", "metrics/recall(B)", MAP := "metrics/mAP50(B)", SCORE)
LR = ("lr/pg0", "lr/pg1", "lr/pg2")


def header(losses: Sequence[str], measured: Sequence[str], rates: Sequence[str] = LR) -> list[str]:
    return ["time", *(f"train/{n}" for n in losses), *measured, *(f"val/{n}" for n in losses), *rates]


def marked(mark: str) -> list[str]:
    return [n.replace("(B)", mark) for n in BOX]


HEADERS: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "detect": (header(("box_loss", "cls_loss", "dfl_loss"), BOX), {"task": "detect"}, "ultralytics-csv"),
    "detect-early-8": (header(("box_loss", "cls_loss", "dfl_loss"), BOX)[1:], {"task": "detect"}, "ultralytics-csv"),
    "segment": (header(("box_loss", "seg_loss", "cls_loss", "dfl_loss"), [*BOX, *marked("(M)")]), {"task": "segment"}, "ultralytics-csv"),
    "segment-8.4": (header(("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss"), [*BOX, *marked("(M)")]), {"task": "segment"}, "ultralytics-csv"),
    "pose": (header(("box_loss", "pose_loss", "kobj_loss", "cls_loss", "dfl_loss"), [*BOX, *marked("(P)")]), {"task": "pose"}, "ultralytics-csv"),
    "obb": (header(("box_loss", "cls_loss", "dfl_loss", "angle_loss"), BOX), {"task": "obb"}, "ultralytics-csv"),
    "classify": (header(("loss",), ("metrics/accuracy_top1", "metrics/accuracy_top5")), {"task": "classify"}, "ultralytics-csv"),
    "rtdetr": (header(("giou_loss", "cls_loss", "l1_loss"), BOX), {"model": "rtdetr-l.pt"}, "ultralytics-csv"),
    "yolov10": (header(("box_om", "cls_om", "dfl_om", "box_oo", "cls_oo", "dfl_oo"), BOX), {"model": "yolov10n.pt"}, "ultralytics-csv"),
    "yolov5": (header(("box_loss", "obj_loss", "cls_loss"), ("metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95"), ("x/lr0", "x/lr1", "x/lr2"))[1:], {}, "yolov5-csv"),
    "yolov9": (header(("box_loss", "cls_loss", "dfl_loss"), ("metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95"), ("x/lr0", "x/lr1", "x/lr2"))[1:], {}, "yolov5-csv"),
    "yolov5-segment": (header(("box_loss", "seg_loss", "obj_loss", "cls_loss"), [n.replace("mAP50-95", "mAP_0.5:0.95").replace("mAP50", "mAP_0.5") for n in (*BOX, *marked("(M)"))], ("x/lr0", "x/lr1", "x/lr2"))[1:], {}, "yolov5-csv"),
}  # fmt: skip
"""Names of the columns after ``epoch``, arguments, and the importer that reads them."""


def filled(names: Sequence[str], n: int = 60) -> dict[str, Any]:
    """Healthy curves under any names."""
    made = curves(n)
    columns: dict[str, Any] = {}
    for i, name in enumerate(names):
        rng = np.random.default_rng(i)
        if name == "time":
            columns[name] = 30.0 * np.arange(1, n + 1)
        elif name.startswith(("train/", "val/")):
            columns[name] = made[f"{name.split('/')[0]}/box_loss"] * (1 + i / 20)
        elif name.startswith(("lr/", "x/lr")):
            columns[name] = made["lr/pg0"]
        elif name == "metrics/accuracy_top5":
            columns[name] = np.minimum(made[SCORE] * 1.5, 1)
        else:
            columns[name] = made[SCORE] * (1 + rng.normal(0, 0.002, n))
    return columns


@pytest.mark.parametrize("kind", HEADERS)
def test_17_every_header_is_read_under_the_trainers_own_names(tmp_path: Path, kind: str) -> None:
    names, args, source = HEADERS[kind]
    folder = run_folder(tmp_path, filled(names), args)
    if source == "yolov5-csv":
        (folder / "args.yaml").unlink()
        write_csv(folder / "results.csv", filled(names), first=0, width=20)
        (folder / "opt.yaml").write_text("epochs: 60\n")
    run = read_run(folder)
    assert run.source == source
    losses = [n for n in names if n.startswith(("train/", "val/"))]
    assert set(losses) <= set(run.epoch_table.column_names)
    assert len(run.epoch_series("fitness")) == 60
    assert how_it_ended(run).kind == "completed"
    told = severities(folder)
    assert not {i for i, s in told.items() if s != "info"}, told


@pytest.mark.parametrize("kind", HEADERS)
def test_17_a_divergence_is_seen_under_every_header(tmp_path: Path, kind: str) -> None:
    """Some losses have no ``_loss`` in their names (``box_om``): none of them may be overlooked."""
    names, args, source = HEADERS[kind]
    columns = filled(names)
    for name in names:
        if name.startswith(("train/", "val/")):
            columns[name][40:] = math.nan
        elif name.startswith("metrics/"):
            columns[name][40:] = 0.0
    folder = run_folder(tmp_path, columns, args, first=0 if source == "yolov5-csv" else 1)
    assert severities(folder).get("nonfinite-loss") == "critical"


@pytest.mark.parametrize("kind", [k for k in HEADERS if k not in ("classify",)])
def test_17_missing_labels_are_seen_under_every_header(tmp_path: Path, kind: str) -> None:
    names, args, source = HEADERS[kind]
    columns = filled(names)
    for name in names:
        if name.startswith("metrics/") or (
            "/" in name and name.split("/")[1].startswith(("box", "giou", "dfl", "l1", "seg"))
        ):
            columns[name] = np.zeros(60)
    folder = run_folder(tmp_path, columns, args, first=0 if source == "yolov5-csv" else 1)
    assert severities(folder).get("missing-labels") == "critical"
