from __future__ import annotations

import gc
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from trainwatch_hooks import Recorder, heartbeat
from trainwatch_hooks.heartbeat import Heartbeat


def beat_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "trainwatch" / "heartbeat-rank0.json").read_text())
    return found


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path, report=False, capture_crashes=False)


def hangs(recorder: Recorder) -> list[dict[str, Any]]:
    path = recorder.folder / "events" / "rank0.jsonl"
    return [e for e in map(json.loads, path.read_text().splitlines()) if e["kind"] == "hang"]


def test_signs_of_life_from_the_first_moment_to_the_end(tmp_path: Path) -> None:
    with Recorder(tmp_path, report=False) as rec:
        first = beat_of(tmp_path)
        assert first["ended"] is None
        assert first["step"] == -1
        rec.step(loss=1.0)
    last = beat_of(tmp_path)
    assert (last["ended"], last["step"]) == ("completed", 0)
    assert {"pid", "host", "boot_id", "oom_kills", "machine_oom_kills", "rss_bytes", "free_bytes"} <= set(last)
    assert "trainwatch-heartbeat" not in [t.name for t in threading.enumerate()]


def test_the_thread_beats(tmp_path: Path) -> None:
    with Recorder(tmp_path, report=False, fsync_seconds=0.1) as rec:
        assert rec._heartbeat is not None
        rec._heartbeat._interval_s = 0.01  # from the second round on
        first = beat_of(tmp_path)["time_s"]
        end = time.monotonic() + 20
        while beat_of(tmp_path)["time_s"] == first and time.monotonic() < end:
            time.sleep(0.05)
        assert beat_of(tmp_path)["time_s"] > first


def test_a_silence_is_told_once_with_its_stacks_and_its_end(recorder: Recorder) -> None:
    watch = Heartbeat(recorder, 5.0, 300.0)
    now = watch._seen_at
    watch._look(recorder, now + 10_000)
    assert not hangs(recorder), "set-up takes as long as it takes"
    for i in range(5):
        recorder.step(loss=1.0)
        watch._look(recorder, now + 10_000 + i)
    watch._look(recorder, now + 10_304 - 1)
    assert not hangs(recorder)
    for late in (10_304, 10_500, 11_000):
        watch._look(recorder, now + late)
    (event,) = hangs(recorder)
    assert event["data"]["limit_s"] == 300.0
    assert "test_a_silence_is_told_once" in event["data"]["stacks"]
    recorder.step(loss=1.0)
    watch._look(recorder, now + 11_001)
    assert hangs(recorder)[-1]["data"] == {"over": True}


def test_slow_steps_are_no_silence(recorder: Recorder) -> None:
    watch = Heartbeat(recorder, 5.0, 300.0)
    now = watch._seen_at
    for i in range(1, 6):
        recorder.step(loss=1.0)
        watch._look(recorder, now + 100.0 * i)
    watch._look(recorder, now + 500 + 900)
    assert not hangs(recorder)
    watch._look(recorder, now + 500 + 1001)
    assert hangs(recorder)[0]["data"]["limit_s"] == pytest.approx(1000.0)


@pytest.mark.parametrize("said", [True, False])
def test_validation_is_no_silence(recorder: Recorder, said: bool) -> None:
    for epoch in (0, 1):
        for _ in range(3):
            recorder.step(epoch=epoch, loss=1.0)
    watch = Heartbeat(recorder, 5.0, 300.0)
    watch._first_step = 0
    if said:
        recorder.step(epoch=2, loss=1.0)
        recorder.begin_validation()
    watch._look(recorder, watch._seen_at + 1)
    watch._look(recorder, watch._seen_at + 100_000)
    assert not hangs(recorder), "an epoch as long as the one before is at its end"
    recorder.step(epoch=3, loss=1.0)
    now = watch._seen_at
    watch._look(recorder, now + 1)
    watch._look(recorder, now + 1000)
    assert len(hangs(recorder)) == 1


def test_samples_come_with_the_next_row(recorder: Recorder) -> None:
    from trainwatch.runs import read_run

    def broken() -> dict[str, float]:
        raise OSError("gone")

    watch = Heartbeat(recorder, 5.0, 300.0)
    watch.sample(broken)
    watch.sample(lambda: {"mine": 3.0})
    watch._take_samples(recorder, 0.0)
    for _ in range(3):
        recorder.step(loss=1.0)
    watch._take_samples(recorder, 1.0)
    assert recorder.sampled is None, "not before its time"
    watch._take_samples(recorder, heartbeat.SAMPLE_S)
    recorder.step(loss=1.0)
    recorder.close()
    series = read_run(recorder.run_dir).step_series("mine")
    assert series.step.tolist() == [0, 3]
    assert recorder.guard.errors["sampling"] == 2


def test_it_keeps_no_recorder_alive(tmp_path: Path) -> None:
    import weakref

    rec = Recorder(tmp_path, report=False, capture_crashes=False)
    watch = Heartbeat(rec, 5.0, 300.0)
    gone = weakref.ref(rec)
    del rec
    gc.collect()
    assert gone() is None
    watch.beat()


def test_the_tail_of_stderr_is_on_disk_without_secrets(tmp_path: Path) -> None:
    import sys

    with Recorder(tmp_path, report=False):
        print("token=abcdefgh12345678 lost", file=sys.stderr)
    text = (tmp_path / "trainwatch" / "stderr-rank0.log").read_text()
    assert text == "token=[redacted] lost\n"
