from __future__ import annotations

import platform
from typing import Any

import pyarrow as pa
import pytest

from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.death import cause_of_death, witness_of

GIB = 2**30


def signs(**more: Any) -> dict[str, Any]:
    now = {"host": "here", "boot_id": "a", "booted_s": 10.0, "oom_kills": 0, "machine_oom_kills": 0, "time_s": 1010.0}
    return {
        "host": "here", "pid": 7, "started_s": 100.0, "time_s": 1000.0, "boot_id": "a", "oom_kills": 0,
        "machine_oom_kills": 0, "rss_bytes": GIB, "free_bytes": 9 * GIB,
        "now": now | more.pop("now", {}), **more,
    }  # fmt: skip


SHORT = {"rss_bytes": 9 * GIB, "free_bytes": GIB}


@pytest.mark.parametrize(
    ("given", "cause", "confidence"),
    [
        ({}, "sigkill", 0.7),
        ({"fault": "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1:\n  File \"a.py\", line 3 in f"}, "native-crash", 0.95),
        ({"fault": "a dump on demand"}, "sigkill", 0.7),
        ({"now": {"oom_kills": 1}}, "oom-killer", 0.75),
        ({"now": {"oom_kills": 1}, **SHORT}, "oom-killer", 0.9),
        ({"now": {"oom_kills": 1, "time_s": 90_000.0}}, "unknown", 0.0),
        ({"now": {"oom_kills": 1, "time_s": 90_000.0}, **SHORT}, "oom-killer", 0.9),
        ({"now": {"machine_oom_kills": 1}}, "sigkill", 0.7),  # its own group lost nobody
        ({"oom_kills": None, "now": {"machine_oom_kills": 1}}, "unknown", 0.0),
        ({"oom_kills": None, "now": {"machine_oom_kills": 1}, **SHORT}, "oom-killer", 0.7),
        ({"oom_kills": None, "machine_oom_kills": None}, "unknown", 0.0),
        ({"now": {"oom_kills": -1}}, "sigkill", 0.7),
        ({"now": {"host": "there"}}, "unknown", 0.0),
        ({"now": {"boot_id": "b", "booted_s": 1060.0}}, "machine-down", 0.85),
        ({"now": {"boot_id": "b", "booted_s": 9000.0}}, "unknown", 0.0),
        ({"now": {"boot_id": "b", "booted_s": 500.0}}, "unknown", 0.0),
        ({"now": {"boot_id": "b", "booted_s": None}}, "unknown", 0.0),
    ],
)  # fmt: skip
def test_signs(given: dict[str, Any], cause: str, confidence: float) -> None:
    death = cause_of_death(signs(**given), None)
    assert (death.cause, death.confidence) == (cause, confidence)
    assert death.reason


def test_nothing_left_nothing_told() -> None:
    assert cause_of_death({}, None).cause == "unknown"


@pytest.mark.parametrize(
    ("seen", "given", "cause"),
    [
        ({"code": -11}, {}, "native-crash"),
        ({"code": -6}, {}, "native-crash"),
        ({"code": -9, "oom_kills": 0, "machine_oom_kills": 0}, {}, "sigkill"),
        ({"code": -9, "oom_kills": 1, "machine_oom_kills": 1}, {}, "oom-killer"),
        ({"code": -9, "oom_kills": 0, "machine_oom_kills": 1}, {}, "sigkill"),
        ({"code": -9, "oom_kills": None, "machine_oom_kills": 1}, {}, "unknown"),
        ({"code": -9, "oom_kills": None, "machine_oom_kills": 1}, SHORT, "oom-killer"),
        ({"code": -9}, {}, "unknown"),
        ({"code": -14}, {}, "signal"),
        ({"code": 3}, {}, "exit"),
        ({"pid": 6, "recorders": [7], "code": 139}, {}, "native-crash"),
        ({"pid": 6, "recorders": [7], "code": 1}, {}, "sigkill"),  # a launcher's code: the signs decide
        ({"code": "x"}, {}, "sigkill"),
    ],
)
def test_a_witness_wins(seen: dict[str, Any], given: dict[str, Any], cause: str) -> None:
    witness = {"time_s": 1001.0, "pid": 7, "recorders": [7], **seen}
    assert cause_of_death(signs(**given), witness).cause == cause


def test_the_witness_of_another_process_does_not_count() -> None:
    lines = [{"time_s": 1001.0, "pid": 8, "recorders": [8]}, {"time_s": 50.0, "pid": 7}, {"pid": None}]
    assert witness_of(signs(), lines) is None
    assert witness_of(signs(), [*lines, {"time_s": 1001.0, "pid": 7, "code": 1}]) is not None


def event(kind: str, time_s: float, rank: int = 0, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "time_s": time_s, "rank": rank, "message": kind, "data": data}


def of_ranks(*events: dict[str, Any], **by_rank: dict[str, Any]) -> Run:
    beats = {r[1:]: signs(**s) | {"host": platform.node(), "pid": 2**22 + 5} for r, s in by_rank.items()}
    steps = pa.table({"step": [0, 0], "epoch": [0, 0], "rank": [0, 1], "time_s": [990.0, 990.0]})
    starts = [event("start", 100.0), event("start", 100.0, 1)]
    return Run("x", "trainwatch", steps=steps, events=[*starts, *events], meta={"signs": beats})


@pytest.mark.parametrize("told", [event("signal", 1003.0), event("exception", 1003.0, type="RuntimeError")])
def test_the_rank_that_died_first_is_named(told: dict[str, Any]) -> None:
    ending = how_it_ended(of_ranks(told, r0={}, r1={}), now_s=2000.0)
    assert ending.death is not None
    assert ending.death.rank == 1
    assert "rank 1 died first" in ending.reason


def test_no_rank_is_blamed_without_reason() -> None:
    both = [event("signal", 1003.0), event("signal", 1003.0, 1)]
    assert how_it_ended(of_ranks(*both, r0={}, r1={}), now_s=2000.0).kind == "signal"
    done = [event("end", 1003.0, reason="completed")]
    assert how_it_ended(of_ranks(*done, r0={}, r1={}), now_s=2000.0).kind == "completed"
    late = {"time_s": 1200.0}
    assert how_it_ended(of_ranks(event("signal", 1003.0), r0={}, r1=late), now_s=2000.0).kind == "signal"


def test_a_signal_that_was_outlived_is_no_end() -> None:
    run = of_ranks(event("signal", 500.0, signal="SIGHUP"), r0={"time_s": 1000.0})
    ending = how_it_ended(run, now_s=1e9)
    assert ending.kind == "killed"
    assert how_it_ended(of_ranks(event("signal", 995.0), r0={"time_s": 1000.0}), now_s=1e9).kind == "signal"
