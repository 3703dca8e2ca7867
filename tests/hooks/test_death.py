from __future__ import annotations

import json
from pathlib import Path

from trainwatch_hooks import Recorder, death


def beat(folder: Path, text: str) -> None:
    (folder / "heartbeat-rank0.json").write_text(text)


def test_the_fault_of_another_process_is_not_taken(tmp_path: Path) -> None:
    beat(tmp_path, json.dumps({"pid": 7}))
    log = tmp_path / "faulthandler-rank0.log"
    log.write_text("# pid 7, opened 1\nFatal Python error: Aborted\n")
    assert death.signs_of_life(tmp_path, 0)["fault"] == "Fatal Python error: Aborted\n"
    log.write_text("# pid 77, opened 1\nFatal Python error: Aborted\n")
    assert "fault" not in death.signs_of_life(tmp_path, 0)
    log.write_text("# pid 7, opened 1\n")
    assert "fault" not in death.signs_of_life(tmp_path, 0)


def test_what_cannot_be_read_is_no_sign(tmp_path: Path) -> None:
    assert death.signs_of_life(tmp_path, 0) == {}
    for text in ("", "{", "[1]", "[" * 100_000):
        beat(tmp_path, text)
        assert death.signs_of_life(tmp_path, 0) == {}
    beat(tmp_path, json.dumps({"pid": 7, "x": "y" * death.MAX_BYTES}))
    assert death.signs_of_life(tmp_path, 0) == {}


def test_the_machine_now(tmp_path: Path) -> None:
    (tmp_path / "memory.events").write_text("oom_kill 4\n")
    now = death.machine_now({"memory_cgroup": str(tmp_path)})
    assert now["oom_kills"] == 4
    assert now["host"]
    assert death.machine_now({"memory_cgroup": 5})["oom_kills"] is None


def test_a_successor_takes_the_signs_over(tmp_path: Path) -> None:
    first = Recorder(tmp_path, report=False)
    first.step(loss=1.0)
    assert first._heartbeat is not None
    first._heartbeat.beat()
    second = Recorder(tmp_path, report=False)
    for rec in (second, first):
        rec.close()
    lines = (tmp_path / "trainwatch" / "events" / "rank0.jsonl").read_text().splitlines()
    starts = [e["data"] for e in map(json.loads, lines) if e["kind"] == "start"]
    assert "predecessor" not in starts[0]
    assert starts[1]["predecessor"]["step"] == 0
    assert starts[1]["predecessor"]["now"]["host"] == starts[1]["predecessor"]["host"]
