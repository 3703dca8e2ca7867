from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from trainwatch.detectors.killed import Killed
from trainwatch.runs import Run

GIB = 2**30


def run_of(
    *events: dict[str, Any], rss: list[float | None] | None = None, limit: int | None = 16 * GIB, steps: int = 3
) -> Run:
    columns: dict[str, Any] = {
        "step": list(range(steps)), "epoch": [0, 1, 12][:steps], "time_s": [10.0 + i for i in range(steps)],
    }  # fmt: skip
    if rss is not None:
        columns["rss_bytes"] = rss
    meta: dict[str, Any] = {"trainer": "ultralytics", "planned_epochs": 60, "process": {"host": "elsewhere", "pid": 7}}
    meta["hardware"] = {"memory_limit_bytes": limit}
    start = {"kind": "start", "time_s": 1.0, "data": {}}
    return Run("x", "trainwatch", steps=pa.table(columns), events=[start, *events], meta=meta)


def test_a_record_that_stops_in_mid_air() -> None:
    (finding,) = Killed().detect(run_of(rss=[GIB, GIB, 2 * GIB]))
    assert finding.id == "killed"
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert (finding.onset.step, finding.onset.epoch) == (2, 12)
    assert finding.title == "Killed in epoch 13 of 60, step 2"
    assert "2 GiB of the 16 GiB" in finding.summary
    assert "who sent the signal cannot be told" in finding.summary
    assert finding.detail["oom_killer_likely"] is False


def test_near_the_limit_the_oom_killer_is_likely() -> None:
    (finding,) = Killed().detect(run_of(rss=[GIB, 8 * GIB, 15 * GIB]))
    assert "out-of-memory killer is the likely cause" in finding.summary
    assert finding.measured is not None
    assert finding.measured.value == pytest.approx(15 / 16)


@pytest.mark.parametrize(
    ("rss", "limit", "said"), [(None, 16 * GIB, "memory was not recorded"), ([1.0] * 3, None, "limit is not known")]
)
def test_what_is_not_known_is_said(rss: list[float | None] | None, limit: int | None, said: str) -> None:
    (finding,) = Killed().detect(run_of(rss=rss, limit=limit))
    assert said in finding.summary
    assert finding.measured is None


def test_before_the_first_step() -> None:
    (finding,) = Killed().detect(run_of(steps=0))
    assert finding.title == "Killed before the first step"


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "end", "time_s": 20.0, "data": {"reason": "completed"}},
        {"kind": "exception", "time_s": 20.0, "message": "boom", "data": {"type": "ValueError"}},
        {"kind": "signal", "time_s": 20.0, "message": "SIGTERM", "data": {}},
    ],
)
def test_any_end_on_record_is_quiet(event: dict[str, Any]) -> None:
    assert Killed().detect(run_of(event)) == []


def test_not_applicable_to_other_logs_and_quiet_on_nothing() -> None:
    assert Killed().missing(Run("x", "ultralytics-csv")) is not None
    assert Killed().missing(run_of()) is None
    assert Killed().detect(Run("x", "trainwatch")) == []
