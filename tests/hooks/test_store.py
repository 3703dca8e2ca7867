from __future__ import annotations

import json
import math
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from trainwatch_hooks import store as module
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.segments import list_segments
from trainwatch_hooks.store import StepStore, append_line, column_order, write_json


def make(tmp_path: Path, rows_per_segment: int = 4) -> StepStore:
    (tmp_path / "run").mkdir(exist_ok=True)
    return StepStore(tmp_path / "run" / "trainwatch" / "steps", 0, rows_per_segment, 60.0, Guard())


def rows(tmp_path: Path) -> list[int]:
    from trainwatch_hooks.journal import read_journal
    from trainwatch_hooks.segments import to_table

    found: list[int] = []
    for segment in list_segments(tmp_path / "run" / "trainwatch" / "steps"):
        if segment.path.suffix == ".journal":
            found += to_table(read_journal(segment.path))["step"].to_pylist()
        else:
            import pyarrow.parquet as pq

            found += pq.read_table(segment.path)["step"].to_pylist()
    return found


def test_rotation_keeps_order_and_seals_all_at_the_end(tmp_path: Path) -> None:
    store = make(tmp_path)
    for i in range(11):
        store.append({"step": i})
    assert rows(tmp_path) == list(range(11)), "readable while it is being written"
    store.close()
    assert rows(tmp_path) == list(range(11))
    assert {s.path.suffix for s in list_segments(tmp_path / "run" / "trainwatch" / "steps")} == {".parquet"}


def test_a_new_column_begins_a_new_segment_and_loses_nothing(tmp_path: Path) -> None:
    store = make(tmp_path, rows_per_segment=100)
    store.append({"step": 0})
    store.append({"step": 1, "loss/new": 2.0})
    store.append({"step": 2})
    store.close()
    assert rows(tmp_path) == [0, 1, 2]
    assert len(list_segments(tmp_path / "run" / "trainwatch" / "steps")) == 2


def test_an_expected_column_does_not(tmp_path: Path) -> None:
    store = make(tmp_path, rows_per_segment=100)
    store.expect(["grad_norm"])
    store.append({"step": 0})
    store.append({"step": 1, "grad_norm": 2.0})
    store.close()
    assert len(list_segments(tmp_path / "run" / "trainwatch" / "steps")) == 1


def test_a_column_expected_only_later_is_not_lost(tmp_path: Path) -> None:
    store = make(tmp_path, rows_per_segment=100)
    store.append({"step": 0})
    store.expect(["grad_norm"])
    store.append({"step": 1, "grad_norm": 2.0})
    store.append({"step": 2, "grad_norm": None})
    store.close()
    import pyarrow.parquet as pq

    folder = tmp_path / "run" / "trainwatch" / "steps"
    tables = [pq.read_table(s.path).to_pydict() for s in list_segments(folder)]
    assert [t.get("grad_norm") for t in tables] == [None, [2.0, None]]
    assert [t["step"][0] for t in tables] == [0, 1]


def test_what_a_killed_predecessor_left_is_sealed_not_overwritten(tmp_path: Path) -> None:
    first = make(tmp_path)
    first.append({"step": 0})  # never closed
    second = make(tmp_path)
    second.append({"step": 1})
    second.close()
    assert rows(tmp_path) == [0, 1]


def test_full_disk_is_counted_and_recovered_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make(tmp_path, rows_per_segment=100)
    store.append({"step": 0})
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    for i in range(1, 6):
        store.append({"step": i})
    assert store.dropped == 5
    assert capsys.readouterr().err.count("No space left") == 1, "said once"
    monkeypatch.setattr(os, "write", real)
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    store._retry_at = 0.0
    store.append({"step": 6})
    store.close()
    assert rows(tmp_path) == [0, 6]


def test_vanished_run_folder_stops_the_recording_and_is_not_recreated(tmp_path: Path) -> None:
    store = make(tmp_path, rows_per_segment=2)
    store.append({"step": 0})
    shutil.rmtree(tmp_path / "run")
    store._background()  # the thread's next look
    for i in range(1, 5):
        store.append({"step": i})
    store.close()
    assert store.dropped == 4
    assert not (tmp_path / "run").exists()


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.append({"step": 0})
    pid = os.fork()
    if pid == 0:
        store.append({"step": 99})
        store.close()
        os._exit(0)
    os.waitpid(pid, 0)
    store.append({"step": 1})
    store.close()
    assert rows(tmp_path) == [0, 1]


def test_lines_are_strict_json(tmp_path: Path) -> None:
    append_line(tmp_path / "a" / "x.jsonl", {"v": [math.nan, math.inf, 1.5], "p": Path("/x")})
    text = (tmp_path / "a" / "x.jsonl").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"v": ["nan", "inf", 1.5], "p": "/x"}


def test_write_json_never_leaves_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(tmp_path / "run.json", {"a": 1})
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(OSError, match="I/O"):
        write_json(tmp_path / "run.json", {"a": 2})
    assert json.loads((tmp_path / "run.json").read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_columns_are_ordered_as_declared() -> None:
    names = ["mine", "grad_norm/model.10", "loss/box", "grad_norm/model.9", "step", "loss"]
    assert sorted(names, key=column_order) == [
        "step", "loss", "loss/box", "grad_norm/model.9", "grad_norm/model.10", "mine",
    ]  # fmt: skip


def test_a_disk_that_is_full_when_a_segment_begins_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    store = make(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # the file can be made, but holds no byte
        store.append({"step": 0})
        store.append({"step": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    store.append({"step": 2})
    store.close()
    assert store.dropped == 2
    assert rows(tmp_path) == [2]


def test_a_disk_that_complains_only_at_the_close_costs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, rows_per_segment=2)
    real = os.close

    def close(fd: int) -> None:
        real(fd)
        if store._journal is None and fd == files[0]:
            raise OSError(122, "Disk quota exceeded")

    store.append({"step": 0})
    assert store._journal is not None
    files = [store._journal.fd]
    monkeypatch.setattr(os, "close", close)
    for i in range(1, 4):
        store.append({"step": i})
    monkeypatch.undo()
    store.close()
    assert store.dropped == 0
    assert rows(tmp_path) == [0, 1, 2, 3]


def test_a_disk_that_answers_no_more_does_not_hold_the_end_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_WORK_S", 0.05)
    store = make(tmp_path)
    store.append({"step": 0})
    with store._sealing:  # as the thread would, inside a call that never comes back
        closing = threading.Thread(target=store.close, daemon=True)
        closing.start()
        closing.join(20.0)
        assert not closing.is_alive()
    assert rows(tmp_path) == [0]


def test_the_thread_outlives_what_it_did_not_expect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path)
    store.append({"step": 0})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda self: (_ for _ in ()).throw(OSError(116, "Stale file handle")))
        store._background()
    assert store._guard.errors["looking after the record"] == 1
    store.close()
    assert rows(tmp_path) == [0]


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    real = os.write
    append_line(tmp_path / "a" / "x.jsonl", {"n": 0})
    monkeypatch.setattr(module.os, "write", lambda fd, data: real(fd, data[:3]))
    with pytest.raises(OSError, match="no space left"):
        append_line(tmp_path / "a" / "x.jsonl", {"n": 1})
    monkeypatch.undo()
    append_line(tmp_path / "a" / "x.jsonl", {"n": 2})
    assert (tmp_path / "a" / "x.jsonl").read_text() == '{"n":0}\n{"n":2}\n'


def test_a_signal_in_the_middle_of_a_row_costs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler writes the rows that waited for the device, and may begin a new segment for them."""
    store = make(tmp_path, rows_per_segment=100)
    store.append({"step": 0})
    real, handled = module.JournalWriter.append, []

    def interrupted(self: module.JournalWriter, values: list[float]) -> None:
        if not handled:
            handled.append(True)
            store.append({"step": 1, "loss/new": 2.0})
        real(self, values)

    monkeypatch.setattr(module.JournalWriter, "append", interrupted)
    for i in (2, 3):
        store.append({"step": i})
    store.close()
    assert store.dropped == 0
    assert sorted(rows(tmp_path)) == [0, 1, 2, 3]


def test_two_recorders_of_one_rank_take_nothing_from_each_other(tmp_path: Path) -> None:
    """By mistake: processes started without RANK, or a record that was left open."""
    first = make(tmp_path)
    first.append({"step": 0})
    second = make(tmp_path)
    second.append({"step": 100})
    second._background()
    for i in range(1, 9):
        first.append({"step": i})
        second.append({"step": 100 + i})
    second.close()
    first.close()
    assert first.dropped == second.dropped == 0
    assert sorted(rows(tmp_path)) == [*range(9), *range(100, 109)]
