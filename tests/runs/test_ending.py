from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.ending import last_sign_of_life_s, stopped_by_patience

NOW = 1_000_000.0


def event(kind: str, time_s: float = NOW - 5000, message: str = "", **data: Any) -> dict[str, Any]:
    return {"time_s": time_s, "kind": kind, "message": message, "data": data, "rank": 0}


def watched(*events: dict[str, Any], process: dict[str, Any] | None = None, last_step_s: float = NOW - 10_000) -> Run:
    steps = pa.table({"step": [0, 1], "epoch": [0, 0], "time_s": [last_step_s - 1, last_step_s], "step_s": [1.0, 1.0]})
    if "start" not in [e["kind"] for e in events]:
        events = (event("start", time_s=1.0), *events)
    return Run(
        "x", "trainwatch", steps=steps, events=events, meta={"process": process or {"host": "elsewhere", "pid": 1}}
    )


def log(epochs: int, planned: int | None, fitness: list[float] | None = None, **args: Any) -> Run:
    table: dict[str, Any] = {"epoch": pa.array(range(epochs), pa.int64())}
    if fitness is not None:
        table["fitness"] = fitness
    meta = {"args": {"epochs": planned, **args}, "planned_epochs": planned}
    return Run("x", "ultralytics-csv", epochs=pa.table(table), meta=meta)


@pytest.mark.parametrize("reason", ["completed", "early-stop", "signal", "exception"])
def test_the_end_event_says_how(reason: str) -> None:
    assert how_it_ended(watched(event("start"), event("end", reason=reason)), now_s=NOW).kind == reason


def test_an_end_for_a_reason_of_the_users_own_is_told() -> None:
    ending = how_it_ended(watched(event("end", reason="stopped")), now_s=NOW)
    assert ending.kind == "stopped"
    assert "stopped" in ending.reason


def test_a_fatal_exception_wins_over_the_end_event() -> None:
    fatal = event("exception", message="boom", type="ValueError")
    ending = how_it_ended(watched(event("start"), fatal, event("end", reason="exception")), now_s=NOW)
    assert ending.kind == "exception"
    assert ending.event == fatal
    assert ending.reason == "boom"


def test_an_exception_about_memory_is_an_oom() -> None:
    text = (
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"
    )
    assert how_it_ended(watched(event("exception", message=text, type="RuntimeError")), now_s=NOW).kind == "oom"
    assert how_it_ended(watched(event("oom", message="CUDA out of memory")), now_s=NOW).kind == "oom"


def test_a_retried_oom_is_no_end() -> None:
    retried = event("oom", message="CUDA out of memory", handled=True)
    assert how_it_ended(watched(retried, event("end", reason="completed")), now_s=NOW).kind == "completed"
    assert how_it_ended(watched(retried), now_s=NOW).kind == "killed"


def test_an_exception_followed_by_training_was_survived() -> None:
    caught = event("exception", time_s=NOW - 20_000, message="boom", type="ValueError")
    assert how_it_ended(watched(caught), now_s=NOW).kind == "killed"
    assert (
        how_it_ended(watched(event("exception", message="x"), event("end", reason="completed")), now_s=NOW).kind
        == "completed"
    )


def test_only_the_last_start_counts() -> None:
    first = [event("start"), event("exception", message="boom", type="ValueError")]
    assert (
        how_it_ended(watched(*first, event("start"), event("end", reason="completed")), now_s=NOW).kind == "completed"
    )


def test_ctrl_c_is_a_signal() -> None:
    by_hand = event("exception", type="KeyboardInterrupt")
    assert how_it_ended(watched(event("signal", message="SIGINT"), by_hand), now_s=NOW).kind == "signal"
    assert how_it_ended(watched(event("signal", message="SIGTERM")), now_s=NOW).kind == "signal"


def test_silence_of_a_process_elsewhere() -> None:
    assert how_it_ended(watched(last_step_s=NOW - 30), now_s=NOW).kind == "running"
    assert how_it_ended(watched(last_step_s=NOW - 601), now_s=NOW).kind == "killed"


def test_a_process_here_that_is_gone_was_killed_at_once(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    gone = {"host": platform.node(), "pid": child, "started_s": NOW}
    assert how_it_ended(watched(process=gone, last_step_s=NOW - 1), now_s=NOW).kind == "killed"


def test_a_process_here_that_lives_is_running() -> None:
    import psutil

    parent = psutil.Process(os.getppid())
    alive = {"host": platform.node(), "pid": parent.pid, "started_s": parent.create_time()}
    assert how_it_ended(watched(process=alive), now_s=NOW).kind == "running"
    reused = {**alive, "started_s": parent.create_time() - 1000}
    assert how_it_ended(watched(process=reused, last_step_s=NOW - 1), now_s=NOW).kind == "killed"
    rebooted = {**alive, "boot_id": "another"}
    if Path("/proc/sys/kernel/random/boot_id").exists():
        assert how_it_ended(watched(process=rebooted, last_step_s=NOW - 1), now_s=NOW).kind == "killed"


def test_logs_of_epochs() -> None:
    assert how_it_ended(log(100, 100)).kind == "completed"
    assert how_it_ended(log(40, 100)).kind == "truncated"
    assert how_it_ended(log(40, None)).kind == "unknown"
    assert how_it_ended(log(0, 100)).kind == "unknown"
    assert how_it_ended(Run("x", "ultralytics-csv")).kind == "unknown"


def test_patience_arithmetic() -> None:
    stopped = log(5, 100, [0.1, 0.5, 0.4, 0.3, 0.4], patience=3)
    ending = how_it_ended(stopped)
    assert ending.kind == "early-stop"
    assert "epoch 5 is 3 epochs after the best, epoch 2" in ending.reason
    assert stopped_by_patience(stopped) is True
    assert how_it_ended(log(5, 100, [0.1, 0.5, 0.4, 0.3, 0.4], patience=4)).kind == "truncated"
    assert stopped_by_patience(log(5, 100, patience=3)) is None
    assert how_it_ended(log(4, 100, [0.0] * 4, patience=3)).kind == "truncated"


def test_last_sign_of_life() -> None:
    assert last_sign_of_life_s(watched(event("warning", time_s=NOW))) == NOW
    assert last_sign_of_life_s(watched(event("warning", time_s=float("nan")), last_step_s=7.0)) == 7.0
    assert last_sign_of_life_s(Run("x", "trainwatch", steps=pa.table({"time_s": [float("nan")]}))) == 0
    assert last_sign_of_life_s(Run("x", "trainwatch")) == 0


def test_without_a_start_mark_nothing_can_be_said() -> None:
    steps = pa.table({"step": [0], "epoch": [0], "time_s": [1.0]})
    assert how_it_ended(Run("x", "trainwatch", steps=steps), now_s=NOW).kind == "unknown"
    assert how_it_ended(Run("x", "trainwatch"), now_s=NOW).kind == "unknown"
