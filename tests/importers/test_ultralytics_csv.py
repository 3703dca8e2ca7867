from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import _text
from trainwatch.importers.ultralytics_csv import fitness_weights, load, model_scale, sniff
from trainwatch.runs.ending import how_it_ended

HEADER = (
    "epoch,time,train/box_loss,train/cls_loss,train/dfl_loss,metrics/precision(B),metrics/recall(B),metrics/mAP50(B),"
    "metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/dfl_loss,lr/pg0,lr/pg1,lr/pg2"
)
ARGS = "task: detect\nmodel: yolo12n.yaml\nepochs: 3\npatience: 100\nval: true\ncompile: false\nresume: false\n"


def row(epoch: int, *, map50: float = 0.5, map5095: float = 0.3, val: float = 1.0) -> str:
    return f"{epoch},{epoch * 10.5},1.5,2.5,1.1,0.6,0.5,{map50},{map5095},{val},{val},{val},0.01,0.01,0.01"


def folder(tmp_path: Path, text: str | bytes, args: str | bytes | None = ARGS) -> Path:
    (tmp_path / "results.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    if args is not None:
        (tmp_path / "args.yaml").write_bytes(args if isinstance(args, bytes) else args.encode())
    return tmp_path


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def test_a_plain_run_folder(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1, map5095=0.1), row(2, map5095=0.3), row(3, map5095=0.2))))
    assert run.source == "ultralytics-csv"
    assert run.meta["trainer"] == "ultralytics"
    assert run.meta["model"] == {"name": "yolo12n.yaml", "scale": "n"}
    assert run.planned_epochs == 3
    assert run.args["patience"] == 100
    assert run.epoch_table["epoch"].to_pylist() == [0, 1, 2]
    assert str(run.epoch_table["epoch"].type) == "int64"
    assert run.epoch_series("time_s").values.tolist() == [10.5, 21.0, 31.5]
    assert run.epoch_series("train/box_loss").values.tolist() == [1.5] * 3
    assert run.epoch_series("fitness").values.tolist() == [0.1, 0.3, 0.2]
    assert run.epoch_series("best_fitness").values.tolist() == [0.1, 0.3, 0.3]
    assert len(run.step_series("loss")) == 0
    assert how_it_ended(run).kind == "completed"


def test_the_file_itself_under_any_name(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1))) / "results.csv")
    assert run.planned_epochs == 3
    (tmp_path / "results.csv").rename(tmp_path / "results (1).csv")
    assert sniff(tmp_path) == 0.6
    assert len(load(tmp_path).epoch_table) == 1


def test_padded_header_crlf_and_epochs_from_zero(tmp_path: Path) -> None:
    header = ",".join(f"{n:>23}" for n in HEADER.split(","))
    text = "\r\n".join([header, ",".join(f"{v:>23}" for v in row(0).split(",")), row(1), ""])
    run = load(folder(tmp_path, text))
    assert run.epoch_table["epoch"].to_pylist() == [0, 1]
    assert "metrics/mAP50-95(B)" in run.epoch_table.column_names


def test_literal_nan_and_inf_are_measured_and_empty_fields_are_not(tmp_path: Path) -> None:
    odd = "1,10,nan,inf,-inf,0.1,0.1,0.1,0.1,,2,3,0.01,0.01,0.01"
    run = load(folder(tmp_path, lines(odd, row(2))))
    assert math.isnan(run.epoch_series("train/box_loss").values[0])
    assert run.epoch_series("train/cls_loss").values[0] == math.inf
    assert run.epoch_series("train/dfl_loss").values[0] == -math.inf
    assert run.epoch_table["val/box_loss"].to_pylist() == [None, 1.0]
    assert run.epoch_table["train/box_loss"].null_count == 0


def test_a_second_run_in_the_same_file_is_another_attempt(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1), row(2), row(3), row(1), row(2))))
    assert run.epoch_table["epoch"].to_pylist() == [0, 1, 2, 0, 1]
    assert run.epoch_table["attempt"].to_pylist() == [0, 0, 0, 1, 1]
    assert any("starts again at epoch 1 after epoch 3" in n for n in run.notes)
    assert how_it_ended(run).kind == "truncated"  # the second start did not get to the end


def test_a_second_header_with_other_columns_is_followed(tmp_path: Path) -> None:
    second = "epoch,train/box_loss,metrics/mAP50-95(B)"
    run = load(folder(tmp_path, lines(row(1), second, "1,9.5,0.7")))
    assert run.epoch_series("train/box_loss").values.tolist() == [9.5]  # the last attempt of epoch 0
    assert run.epoch_table["train/box_loss"].to_pylist() == [1.5, 9.5]
    assert run.epoch_table["val/box_loss"].to_pylist() == [1.0, None]


@pytest.mark.parametrize(
    "damaged",
    ["3,0,0,0", "3,10,1.5,2", "x" * 50, "nan" + "," * 14, row(3) + ",7", "1e300" + row(3)[1:], "2.5" + row(3)[1:]],
)
def test_a_damaged_row_is_left_out_with_a_note(tmp_path: Path, damaged: str) -> None:
    run = load(folder(tmp_path, lines(row(1), row(2), damaged)))
    assert run.epoch_table["epoch"].to_pylist() == [0, 1]
    assert any("1 damaged row(s) left out (line 4)" in n for n in run.notes)


def test_trailing_commas_and_blank_lines_are_no_damage(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1) + ",", "", "  ", row(2))))
    assert run.epoch_table["epoch"].to_pylist() == [0, 1]
    assert not any("damaged" in n for n in run.notes)


def test_val_false_reads_zeros_as_not_measured(tmp_path: Path) -> None:
    zero = [row(i, map50=0, map5095=0, val=0).replace("0.6,0.5,0,0", "0,0,0,0") for i in (1, 2)]
    run = load(folder(tmp_path, lines(*zero, row(3)), ARGS.replace("val: true", "val: false")))
    assert run.epoch_table["metrics/mAP50-95(B)"].to_pylist() == [None, None, 0.3]
    assert run.epoch_table["val/box_loss"].to_pylist() == [None, None, 1.0]
    assert run.epoch_table["fitness"].to_pylist() == [None, None, 0.3]
    assert run.epoch_table["train/box_loss"].null_count == 0
    assert any("val: False" in n for n in run.notes)


def test_zeros_with_validation_on_stay_zeros(tmp_path: Path) -> None:
    zero = [row(i, map50=0, map5095=0, val=0).replace("0.6,0.5,0,0", "0,0,0,0") for i in range(1, 7)]
    run = load(folder(tmp_path, lines(*zero, row(7))))
    assert run.epoch_table["metrics/mAP50-95(B)"].to_pylist()[:6] == [0.0] * 6
    unknown = load(folder(tmp_path, lines(*zero, row(7)), "model: a.pt\n"))
    assert unknown.epoch_table["metrics/mAP50-95(B)"].to_pylist()[:6] == [None] * 6
    labels = load(folder(tmp_path, lines(*zero), "model: a.pt\n"))  # might as well be missing labels
    assert labels.epoch_table["metrics/mAP50-95(B)"].to_pylist() == [0.0] * 6


def test_fitness_by_task_and_version() -> None:
    boxes = ["metrics/mAP50(B)", "metrics/mAP50-95(B)"]
    masks = ["metrics/mAP50(M)", "metrics/mAP50-95(M)"]
    new, old = {"compile": False}, {"epochs": 3}
    assert fitness_weights(boxes, new) == {boxes[1]: 1.0}
    assert fitness_weights(boxes, {}) == {boxes[1]: 1.0}
    assert fitness_weights(boxes, old) == {boxes[0]: 0.1, boxes[1]: 0.9}
    assert fitness_weights(boxes + masks, new) == {boxes[1]: 1.0, masks[1]: 1.0}
    assert fitness_weights(["metrics/accuracy_top1", "metrics/accuracy_top5"], old) == {
        "metrics/accuracy_top1": 0.5,
        "metrics/accuracy_top5": 0.5,
    }
    assert fitness_weights(["metrics/mIoU", "metrics/pixel_acc"], new) == {"metrics/mIoU": 1.0}
    assert fitness_weights(["metrics/foo"], new) == {}


def test_fitness_of_an_old_segmentation_run(tmp_path: Path) -> None:
    header = "epoch,train/seg_loss,metrics/mAP50(B),metrics/mAP50-95(B),metrics/mAP50(M),metrics/mAP50-95(M),lr/pg0"
    run = load(folder(tmp_path, lines("0,1,0.5,0.3,0.4,0.2,0.01", header=header), "epochs: 10\n"))
    assert run.epoch_series("fitness").values.tolist() == pytest.approx([0.1 * 0.9 + 0.9 * 0.5])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (None, "no args.yaml"),
        ("a: [1, 2", "could not be read"),
        ("just text", "holds no arguments"),
        ("", "holds no arguments"),
        ("x: !!python/object/apply:os.system ['touch pwned']\n", "could not be read"),
        ("[" * 20_000, "could not be read"),
        ("epochs: 3\n" + "# " + "x" * 70_000, "larger than 64 KiB"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
            "more than 10000 values",
        ),
        ("a: &a [*a]\n", "was not used"),
        (b"\xff\xfe\x00\x01binary", "args.yaml"),
        ("d: 2024-99-99\n", "could not be read"),
    ],
)
def test_a_broken_or_hostile_args_file_costs_the_arguments_only(
    tmp_path: Path, args: str | bytes | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = load(folder(tmp_path, lines(row(1)), args))
    assert run.args == {}
    assert run.planned_epochs is None
    assert any(said in n for n in run.notes)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("epochs", ["null", "true", "abc", "-1", "[3]", "1.0e+99", ".nan"])
def test_planned_epochs_that_are_no_number_are_unknown(tmp_path: Path, epochs: str) -> None:
    assert load(folder(tmp_path, lines(row(1)), f"epochs: {epochs}\n")).meta["planned_epochs"] is None


def test_a_time_budget_makes_planned_epochs_unknown(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1), row(2)), ARGS + "time: 0.005\n"))  # 18 s; the second epoch ends at 21 s
    assert run.planned_epochs is None
    assert how_it_ended(run).kind == "completed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (lines(), "no complete row"),
        (lines("1,2,3"), "1 damaged"),
        ("a,b,c\n1,2,3\n", "no Ultralytics header"),
        (b"\x00\x01\x02" * 500, "binary"),
        (bytes(range(128, 256)) * 50, "binary"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(UnreadableRun, match=said) as error:
        load(folder(tmp_path, text))
    assert "results.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text, "MAX_LOG_BYTES", 100)
    with pytest.raises(UnreadableRun, match="too large"):
        load(folder(tmp_path, lines(row(1))))


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    assert sniff(tmp_path) == 0
    with pytest.raises(UnreadableRun, match=r"no results\.csv"):
        load(tmp_path)
    assert sniff(tmp_path / "missing") == 0


def test_utf16_from_a_redirected_shell(tmp_path: Path) -> None:
    run = load(folder(tmp_path, lines(row(1)).encode("utf-16")))
    assert len(run.epoch_table) == 1


def test_sniff_knows_its_own_by_content(tmp_path: Path) -> None:
    assert sniff(folder(tmp_path, lines(row(1)))) == 0.6
    assert sniff(folder(tmp_path, "epoch,loss,val_loss\n0,1,1\n")) == 0
    assert sniff(folder(tmp_path, "epoch,train/box_loss,metrics/mAP_0.5,val/box_loss,x/lr0\n0,1,1,1,1\n")) == 0
    assert sniff(folder(tmp_path, b"\x00" * 100)) == 0
    assert sniff(folder(tmp_path, "")) == 0


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("yolo12n.yaml", "n"), ("yolov8x-seg.pt", "x"), (r"C:\w\yolo11m-pose.pt", "m"), ("/a/yolov10s.pt", "s"),
        ("rtdetr-l.pt", "l"), ("a/weights/best.pt", None), ("yolov9c.pt", None), (None, None), (3, None),
        ("yolo12.yaml", None),
    ],
)  # fmt: skip
def test_model_scale(name: object, scale: str | None) -> None:
    assert model_scale(name) == scale
