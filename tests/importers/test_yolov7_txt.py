"""YOLOv7's results.txt: columns without names, and a fork whose 15 fields mean something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import yolov7_txt as importer
from trainwatch.runs import how_it_ended, read_run

LINE = "  {e}/4  7.27G  0.07323  0.1057  0.05386  0.2328  132  640  0.9302  0.07428  0.04924  0.01218  0.08878  0.02468  0.02696"
FORK = "  {e}/4  7.27G  0.07323  0.1057  132  0.05386  0.2328  640  0.9302  0.07428  0.04924  0.01218  0.08878  0.02468  0.02696"


def write(folder: Path, lines: list[str]) -> Path:
    (folder / "results.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_columns_by_their_place(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, [LINE.format(e=e) for e in range(5)]))
    assert run.source == "yolov7-txt"
    first = run.epochs.iloc[0]
    assert (first["train/box_loss"], first["train/obj_loss"], first["train/cls_loss"]) == (0.07323, 0.1057, 0.05386)
    assert (first["metrics/mAP50"], first["metrics/mAP50-95"], first["val/cls_loss"]) == (0.04924, 0.01218, 0.02696)
    assert run.planned_epochs == 5, "from 4 in 0/4, the last epoch's number"
    assert how_it_ended(run).kind == "completed"
    assert run.epochs["fitness"].iloc[0] == pytest.approx(0.1 * 0.04924 + 0.9 * 0.01218)


def test_a_fork_with_another_meaning_is_refused_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, [FORK.format(e=e) for e in range(5)])
    assert importer.sniff(tmp_path) == 0
    with pytest.raises(UnreadableRun, match="15 fields"):
        importer.load(tmp_path)


def test_nan_losses_and_torn_lines(tmp_path: Path) -> None:
    nan = LINE.format(e=1).replace("0.07323", "nan").replace("0.2328", "nan")
    run = importer.load(write(tmp_path, [LINE.format(e=0), nan, LINE.format(e=2)[:40]]))
    assert len(run.epochs) == 2
    assert not run.epoch_series("train/box_loss").finite.all()
    assert any("damaged" in n for n in run.notes)
