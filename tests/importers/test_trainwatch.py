from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import trainwatch as importer
from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks import Recorder


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Three segments (4, 4 and 2 steps), two epochs, events; never closed: the last segment is a journal."""
    rec = Recorder(tmp_path / "exp", rows_per_segment=4, capture_crashes=False, meta={"trainer": "loop"})
    for i in range(10):
        rec.step(epoch=i // 5, losses={"a": float(i)}, grad_norm=math.nan if i == 3 else 1.0)
    for epoch in range(2):
        rec.epoch_end(epoch, train={"a": math.inf}, fitness=0.5)
    assert rec._store is not None
    rec._store._background()
    return tmp_path / "exp"


def steps(path: Path) -> list[int]:
    return importer.load(path).steps["step"].tolist()


def test_segments_and_journal_are_one_table(record: Path) -> None:
    kinds = {p.suffix for p in (record / "trainwatch" / "steps").iterdir()}
    assert kinds == {".parquet", ".journal"}
    run = importer.load(record)
    assert run.steps["step"].tolist() == list(range(10))
    assert list(run.steps.columns[:4]) == ["step", "epoch", "attempt", "batch"]
    assert math.isnan(run.step_series("grad_norm").values[3]), "a measured NaN stays one"
    assert run.epochs["train/a"].tolist() == [math.inf, math.inf]
    assert run.meta["trainer"] == "loop"
    assert run.notes == []


def test_the_records_own_folder_may_be_given(record: Path) -> None:
    assert importer.sniff(record / "trainwatch") == 1.0
    assert steps(record / "trainwatch") == list(range(10))


def test_a_doubled_family_of_an_older_record_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "exp" / "trainwatch" / "epochs"
    folder.mkdir(parents=True)
    (folder.parent / "run.json").write_text("{}")
    (folder / "rank0.jsonl").write_text('{"epoch": 0, "metrics/metrics/acc": 0.5, "val/loss": 1.0}\n')
    assert importer.load(tmp_path / "exp").epochs["metrics/acc"].tolist() == [0.5]


def test_torn_rows_are_dropped_and_counted(record: Path) -> None:
    (journal,) = (record / "trainwatch" / "steps").glob("*.journal")
    journal.write_bytes(journal.read_bytes()[:-5])
    run = importer.load(record)
    assert run.steps["step"].tolist() == list(range(9))
    assert run.notes == ["1 torn step row at the end of the journal dropped"]


def test_a_damaged_segment_costs_its_rows_only(record: Path) -> None:
    segment = record / "trainwatch" / "steps" / "rank0-000000.parquet"
    segment.write_bytes(segment.read_bytes()[:100])
    run = importer.load(record)
    assert run.steps["step"].tolist() == list(range(4, 10))
    assert "rank0-000000.parquet" in run.notes[0]


def test_torn_lines_are_dropped_and_counted(record: Path) -> None:
    for name in ("events", "epochs"):
        path = record / "trainwatch" / name / "rank0.jsonl"
        path.write_bytes(path.read_bytes()[:-10] + b"\xff\xfe{}[")
    run = importer.load(record)
    assert len(run.epochs) == 1
    assert sorted(run.notes) == ["1 torn line in epochs dropped", "1 torn line in events dropped"]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "\x00\x01", '{"schema": 1, "args": 7}'])
def test_a_broken_description_is_noted_and_the_rest_is_read(record: Path, text: str) -> None:
    (record / "trainwatch" / "run.json").write_text(text)
    run = importer.load(record)
    assert len(run.steps) == 10
    assert run.args == {}


def test_without_a_description_there_is_a_note(record: Path) -> None:
    (record / "trainwatch" / "run.json").unlink()
    assert "run.json is missing" in importer.load(record).notes[0]


def test_only_events_make_a_run(record: Path) -> None:
    shutil.rmtree(record / "trainwatch" / "steps")
    shutil.rmtree(record / "trainwatch" / "epochs")
    run = importer.load(record)
    assert run.epochs_done == 0
    assert how_it_ended(run).kind == "running", "its process is this one"


def test_a_record_without_anything_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trainwatch" / "steps").mkdir(parents=True)
    with pytest.raises(UnreadableRun, match="without a readable row"):
        importer.load(tmp_path)


def test_ranks_are_read_together(record: Path) -> None:
    other = Recorder(record, rank=1, capture_crashes=False)
    other.step(epoch=0, losses={"a": 1.0})
    other.close()
    run = importer.load(record)
    assert sorted(run.steps["rank"].unique().tolist()) == [0, 1]
    assert len(run.steps) == 11
    times = [e["time_s"] for e in run.events]
    assert times == sorted(times)


def test_a_fresh_training_in_an_old_folder_stands_alone(tmp_path: Path) -> None:
    for loss in (1.0, 50.0):
        with Recorder(tmp_path, capture_crashes=False) as rec:
            for i in range(6):
                rec.step(epoch=i // 3, losses={"a": loss})
            rec.epoch_end(0, train={"a": loss})
    run = importer.load(tmp_path)
    assert run.steps["loss"].tolist() == [50.0] * 6, "else its first losses would look like an explosion"
    assert run.epochs["train/a"].tolist() == [50.0]
    assert len(run.notes) == 1
    assert run.notes[0].startswith(
        "6 steps of an earlier training in the same folder are left out: this is the verdict on the last"
    )


def test_a_resumed_training_is_one_history(tmp_path: Path) -> None:
    for epochs in ((0, 1), (2, 3)):
        with Recorder(tmp_path, capture_crashes=False) as rec:
            for epoch in epochs:
                rec.step(epoch=epoch, losses={"a": 1.0})
    run = importer.load(tmp_path)
    assert run.steps["epoch"].tolist() == [0, 1, 2, 3]
    assert run.notes == []


def test_dropped_rows_are_told(record: Path) -> None:
    line = {"time_s": 1.0, "kind": "dropped", "data": {"rows": 7}}
    with open(record / "trainwatch" / "events" / "rank0.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    assert any("7 step rows could not be written" in note for note in importer.load(record).notes)


@pytest.mark.parametrize("name", ["epoch", "attempt", "time_s", "fitness", "train/loss"])
@pytest.mark.parametrize("value", [10**400, 2**70, -(2**70), 2**63, True, "x", float("nan"), float("inf"), [], {}])
def test_an_odd_number_in_an_epoch_row_is_no_traceback(tmp_path: Path, name: str, value: object) -> None:
    """Found by fuzzing: JSON knows whole numbers of any length."""
    epochs = tmp_path / "trainwatch" / "epochs"
    epochs.mkdir(parents=True)
    (tmp_path / "trainwatch" / "run.json").write_text('{"schema": 1}')
    rows = [{"epoch": e, "attempt": 0, "time_s": 1.0, "fitness": 0.1, "train/loss": 1.0} for e in range(3)]
    rows[1] = {**rows[1], name: value}
    (epochs / "rank0.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    run = read_run(tmp_path)
    assert run.epoch_table.num_rows in (2, 3)
    assert run.epochs_done == 3
