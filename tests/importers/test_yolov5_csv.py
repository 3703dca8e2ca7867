"""YOLOv5's results.csv: names, epochs from 0, fitness, patience, damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import yolov5_csv as importer
from trainwatch.runs import how_it_ended, read_run

HEAD = (
    "               epoch,      train/box_loss,      train/obj_loss,      train/cls_loss,   metrics/precision,"
    "      metrics/recall,     metrics/mAP_0.5,metrics/mAP_0.5:0.95,        val/box_loss,        val/obj_loss,"
    "        val/cls_loss,               x/lr0,               x/lr1,               x/lr2"
)


def row(epoch: int, score: float = 0.1) -> str:
    return f"{epoch:20d}, 0.1, 0.05, 0.02, 0.5, 0.4, {score}, {score / 2}, 0.09, 0.04, 0.01, 0.07, 0.003, 0.003"


def write(folder: Path, rows: list[str], opt: str = "epochs: 10\npatience: 3\n", head: str = HEAD) -> Path:
    (folder / "results.csv").write_text("\r\n".join([head, *rows]) + "\r\n")
    (folder / "opt.yaml").write_text(opt)
    (folder / "hyp.yaml").write_text("lr0: 0.01\nmosaic: 1.0\n")
    return folder


def test_names_become_ours_and_epochs_stay_from_0(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, [row(e, e / 100) for e in range(4)]))
    assert run.source == "yolov5-csv"
    assert run.epochs["epoch"].tolist() == [0, 1, 2, 3]
    assert {"train/obj_loss", "val/box_loss", "metrics/mAP50", "metrics/mAP50-95", "lr/pg0", "lr/pg2"} <= set(
        run.epochs
    )
    assert run.planned_epochs == 10
    assert run.args["lr0"] == 0.01
    assert run.epochs["fitness"].tolist() == pytest.approx([0.1 * e / 100 + 0.9 * e / 200 for e in range(4)])


def test_boxes_and_masks_add_up(tmp_path: Path) -> None:
    head = "epoch,train/box_loss,metrics/mAP_0.5(B),metrics/mAP_0.5:0.95(B),metrics/mAP_0.5(M),metrics/mAP_0.5:0.95(M),x/lr0"
    run = importer.load(write(tmp_path, ["0,1,0.5,0.4,0.3,0.2,0.01"], head=head))
    assert run.epochs["fitness"].tolist() == pytest.approx([0.1 * 0.8 + 0.9 * 0.6])
    assert "metrics/mAP50-95(M)" in run.epochs


def test_patience_is_told_from_a_torn_log(tmp_path: Path) -> None:
    scores = [0.1, 0.3, 0.2, 0.2, 0.2]
    assert how_it_ended(read_run(write(tmp_path, [row(e, s) for e, s in enumerate(scores)]))).kind == "early-stop"
    assert how_it_ended(read_run(write(tmp_path, [row(e, s) for e, s in enumerate(scores[:4])]))).kind == "truncated"


def test_not_measured_is_not_zero(tmp_path: Path) -> None:
    rows = ["0,1,0.5,0.5,0,0,0,0,0,0,0,0.1,0.1,0.1"] * 1 + [row(1, 0.4)]
    run = importer.load(write(tmp_path, rows, "epochs: 2\nnoval: true\n"))
    assert run.epoch_series("metrics/mAP50").epoch.tolist() == [1]


def test_damage_is_left_out_with_a_note_and_a_restart_counts(tmp_path: Path) -> None:
    run = importer.load(write(tmp_path, [row(0), row(1), "2, 0.1, 0.2", row(0, 0.2), row(1, 0.3)]))
    assert run.epochs["attempt"].tolist() == [0, 0, 1, 1]
    assert any("damaged" in n for n in run.notes)
    assert any("starts again" in n for n in run.notes)


def test_what_is_no_such_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match=r"no results\.csv"):
        importer.load(tmp_path)
    with pytest.raises(UnreadableRun, match="no complete row"):
        importer.load(write(tmp_path, []))
    ours = "epoch,time,train/box_loss,metrics/mAP50-95(B),lr/pg0\n1,2,3,4,5\n"
    (tmp_path / "results.csv").write_text(ours)
    assert importer.sniff(tmp_path) == 0
    assert read_run(tmp_path).source == "ultralytics-csv"
